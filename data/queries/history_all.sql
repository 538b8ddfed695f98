-- Grain: one row per item, its periods as arrays, in catalog order.
SELECT * FROM tideline.history
