-- Grain: one row, what a planner has decided about an item and a reason.
INSERT OR REPLACE INTO reviews VALUES (:catalog, :reason, :item_id, :state, :figure, :creation_date)
