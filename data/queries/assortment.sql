-- Grain: one row per item, best seller first, with what buying needs of it and the text that searches look in.
SELECT * EXCLUDE (place, recent_units) FROM tideline.items ORDER BY rank
