-- Grain: one row per item whose id begins with the text; the exact one first, then best sellers.
SELECT rank FROM tideline.ids WHERE key >= $key AND key < $beyond
ORDER BY key != $key, rank LIMIT $limit OFFSET $offset
