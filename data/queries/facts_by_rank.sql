-- Grain: one row per item, best seller first; a page of neighbours.
SELECT * EXCLUDE (search_text) FROM tideline.items WHERE rank >= $first AND rank < $last ORDER BY rank
