-- Grain: the one row of the catalog.
SELECT * FROM tideline.about
