-- Grain: one row, a mark of the history of an item, a category or, both empty, all items.
INSERT INTO history_marks (catalog, kind, first, last, item_id, category, units, name, reason, other, share, known)
VALUES (:catalog, :kind, :first, :last, :item_id, :category, :units, :name, :reason, :other, :share, :known)
