-- Grain: one row, the fiscal calendar of a catalog.
INSERT OR REPLACE INTO fiscal_calendars VALUES (:catalog, :pattern, :first_day, :ends, :named_by)
