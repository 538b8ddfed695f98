-- Grain: one row per item asked for: the usual value of each covariate and what is planned, as arrays.
SELECT * FROM tideline.plan SEMI JOIN (SELECT unnest($places::INTEGER[]) AS place) USING (place)
