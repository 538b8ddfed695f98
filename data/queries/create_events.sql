-- Grain: one row per event and period that contains it.
CREATE TABLE tideline.events AS FROM chunk
