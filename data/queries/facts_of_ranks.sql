-- Grain: one row per item asked for.
SELECT * EXCLUDE (search_text) FROM tideline.items SEMI JOIN (SELECT unnest($ranks::INTEGER[]) AS rank) USING (rank)
