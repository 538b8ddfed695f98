-- Grain: one row, a field of a scope.
INSERT OR REPLACE INTO terms VALUES (:catalog, :category, :item_id, :field, :value)
