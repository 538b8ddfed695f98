-- Grain: one row per field and scope (all items, a category or an item) that a planner has set.
SELECT field, category, item_id, value FROM terms WHERE catalog = :catalog ORDER BY category, item_id, field
