-- Grain: the row of one item. Sorted by key, so that few row groups are read.
SELECT place, rank FROM tideline.ids WHERE key = $key AND item_id = $item_id
