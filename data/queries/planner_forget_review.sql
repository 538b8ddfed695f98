-- Grain: one row, an item and a reason that need somebody again.
DELETE FROM reviews WHERE catalog = :catalog AND reason = :reason AND item_id = :item_id
