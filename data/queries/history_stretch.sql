-- Grain: one row per item of a stretch, its periods as arrays, in catalog order.
SELECT * FROM tideline.history WHERE place >= $first AND place < $last
