-- Grain: one row per item that takes another's place, with the id of that one; "unknown" is how an import writes nothing.
SELECT item_id, static_replaces FROM tideline.items WHERE static_replaces NOT IN ('', 'unknown')
