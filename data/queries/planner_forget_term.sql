-- Grain: one row, a field of a scope, which is no longer set.
DELETE FROM terms
WHERE catalog = :catalog AND category = :category AND item_id = :item_id AND field = :field
