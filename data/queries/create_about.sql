-- Grain: one row: what the catalog is.
CREATE TABLE tideline.about AS FROM chunk
