-- Grain: one row per item; place is its number in catalog order. demand, in_stock and the columns that begin with known_
-- and past_ are arrays over the periods; those that begin with static_ are the item's attributes.
CREATE TABLE tideline.history AS FROM chunk
