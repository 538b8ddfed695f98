-- Grain: one row per item asked for: the last known value of each covariate and what is planned, as arrays.
SELECT * FROM tideline.plan SEMI JOIN (SELECT unnest($places::INTEGER[]) AS place) USING (place)
