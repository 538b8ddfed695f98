-- Grain: one row per item that has every word in its id, name or attributes but does not begin with the whole text;
-- items are stored best seller first, so that reading can stop at the limit. CASE looks for further words only where
-- the first one is, which is the longest.
SELECT rank FROM tideline.items
WHERE CASE
    WHEN contains(search_text, $word1) THEN
        ($word2 = '' OR contains(search_text, $word2))
        AND ($word3 = '' OR contains(search_text, $word3))
        AND ($word4 = '' OR contains(search_text, $word4))
        AND NOT starts_with(search_text, $key)
    ELSE false
END
LIMIT $limit OFFSET $offset
