-- Grain: one row per item, best seller first: in how many periods its demand is known.
SELECT len(list_filter(history.demand::FLOAT[], lambda x: x IS NOT NULL AND NOT isnan(x))) AS known
FROM tideline.items JOIN tideline.history USING (place) ORDER BY items.rank
