-- Grain: one row at most, where this item was changed after the version that a planner has seen.
SELECT 1 FROM audit WHERE catalog = :catalog AND subject = :subject AND item_id = :item_id AND id > :version LIMIT 1
