-- Grain: one row per item: the usual value of each covariate and what is planned, as arrays.
SELECT * FROM tideline.plan
