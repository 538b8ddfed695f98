-- Grain: one row per item whose quantity a planner has set.
SELECT item_id, units FROM quantities WHERE catalog = :catalog AND creation_date = :creation_date
