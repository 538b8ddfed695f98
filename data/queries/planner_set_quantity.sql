-- Grain: one row, an item's quantity.
INSERT OR REPLACE INTO quantities VALUES (:catalog, :creation_date, :item_id, :units)
