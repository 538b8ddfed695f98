-- Grain: one row, the number of the last change to a subject of a catalog.
SELECT coalesce(max(id), 0) FROM audit WHERE catalog = :catalog AND subject = :subject
