-- Grain: one row per item: the usual value of each known-future covariate, and its planned values as arrays.
CREATE TABLE tideline.plan AS FROM chunk
