-- Grain: one row per mark of a catalog's history, oldest first.
SELECT kind, first, last, item_id, category, units, name, reason, other, share, known, number
FROM history_marks WHERE catalog = :catalog ORDER BY number
