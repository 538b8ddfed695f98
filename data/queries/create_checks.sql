-- Grain: one row per finding of the import.
CREATE TABLE tideline.checks AS FROM chunk
