-- Grain: one row per attribute and label; attribute '' is all items.
CREATE TABLE tideline.groups AS FROM chunk
