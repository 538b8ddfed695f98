-- Grain: one row per item: the last known value of each covariate and what is planned, as arrays.
SELECT * FROM tideline.plan
