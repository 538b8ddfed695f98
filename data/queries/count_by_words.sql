-- Grain: one number, the items that search_by_words would list without a limit.
SELECT count(*) FROM tideline.items
WHERE CASE
    WHEN contains(search_text, $word1) THEN
        ($word2 = '' OR contains(search_text, $word2))
        AND ($word3 = '' OR contains(search_text, $word3))
        AND ($word4 = '' OR contains(search_text, $word4))
        AND NOT starts_with(search_text, $key)
    ELSE false
END
