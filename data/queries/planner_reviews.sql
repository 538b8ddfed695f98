-- Grain: one row per item and reason that a planner has dealt with.
SELECT reason, item_id, state, figure, creation_date FROM reviews WHERE catalog = :catalog
