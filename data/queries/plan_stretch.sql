-- Grain: one row per item of a stretch, in catalog order: the usual value of each covariate and what is planned.
SELECT * FROM tideline.plan WHERE place >= $first AND place < $last
