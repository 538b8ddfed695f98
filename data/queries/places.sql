-- Grain: one row per wanted item that the catalog holds; wanted = its number in the list.
SELECT wanted.number AS wanted, ids.place, ids.rank
FROM (SELECT unnest($item_ids::VARCHAR[]) AS item_id, unnest(range(len($item_ids))) AS number) AS wanted
JOIN tideline.ids USING (item_id)
