-- Grain: one row, an item's quantity, which goes back to what is worked out.
DELETE FROM quantities WHERE catalog = :catalog AND creation_date = :creation_date AND item_id = :item_id
