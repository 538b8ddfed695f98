-- Grain: one row per item id that came more than once.
SELECT item_id, count(*) AS times FROM tideline.staged_items GROUP BY item_id HAVING times > 1 ORDER BY item_id LIMIT 5
