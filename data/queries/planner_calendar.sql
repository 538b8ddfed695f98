-- Grain: at most one row, the fiscal calendar of a catalog.
SELECT pattern, first_day, ends, named_by FROM fiscal_calendars WHERE catalog = :catalog
