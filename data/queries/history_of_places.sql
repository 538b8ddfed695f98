-- Grain: one row per item asked for, its periods as arrays.
SELECT * FROM tideline.history SEMI JOIN (SELECT unnest($places::INTEGER[]) AS place) USING (place)
