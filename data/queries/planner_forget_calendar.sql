-- Grain: at most one row, the fiscal calendar of a catalog.
DELETE FROM fiscal_calendars WHERE catalog = :catalog
