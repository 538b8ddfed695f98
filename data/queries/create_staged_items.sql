-- Grain: one row per item as it came; rewritten as items and ids when all are there.
CREATE TABLE tideline.staged_items AS FROM chunk
