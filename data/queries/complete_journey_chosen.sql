-- Grain: one row per chosen product, in catalog order.
SELECT * FROM chosen ORDER BY place
