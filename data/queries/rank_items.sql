-- Grain: one row per item, stored best seller first: rank is its number in that order.
CREATE TABLE tideline.items AS
SELECT (row_number() OVER (ORDER BY recent_units DESC NULLS LAST, place) - 1)::INTEGER AS rank, * EXCLUDE (key)
FROM tideline.staged_items ORDER BY rank;

-- Grain: one row per item, stored by its folded id: the way from an id to where the item lies.
CREATE TABLE tideline.ids AS
SELECT staged.key, staged.item_id, staged.place, items.rank
FROM tideline.staged_items AS staged JOIN tideline.items USING (place) ORDER BY key, item_id;

DROP TABLE tideline.staged_items
