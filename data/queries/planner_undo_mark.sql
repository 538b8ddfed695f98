-- Grain: one row, a mark that no longer counts.
DELETE FROM history_marks WHERE catalog = :catalog AND number = :number
