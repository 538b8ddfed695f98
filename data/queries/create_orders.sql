-- Grain: one row per order of an item.
CREATE TABLE tideline.orders AS FROM chunk ORDER BY item_id, ordered
