-- Grain: one row per attribute and label, in the order of the group's rows.
SELECT * FROM tideline.groups ORDER BY attribute, code
