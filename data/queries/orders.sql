-- Grain: one row per order of an item, oldest first.
SELECT item_id, ordered, due, received, units FROM tideline.orders ORDER BY ordered, item_id
