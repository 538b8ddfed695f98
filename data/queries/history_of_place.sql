-- Grain: the row of one item, its periods as arrays.
SELECT * FROM tideline.history WHERE place = $place
