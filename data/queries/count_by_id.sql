-- Grain: one number, the items whose id begins with the text.
SELECT count(*) FROM tideline.ids WHERE key >= $key AND key < $beyond
