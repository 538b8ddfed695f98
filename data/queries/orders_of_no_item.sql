-- Grain: one row per item id that an order names and the catalog does not hold.
SELECT item_id FROM tideline.orders ANTI JOIN tideline.ids USING (item_id) GROUP BY item_id ORDER BY item_id LIMIT 5
