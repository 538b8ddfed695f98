-- Grain: one row per finding of the import, in the order found.
SELECT title, finding, count, severity FROM tideline.checks ORDER BY place
