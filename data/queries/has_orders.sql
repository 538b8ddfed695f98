-- Grain: one row: whether the catalog was given orders.
SELECT count(*) FROM duckdb_tables() WHERE database_name = 'tideline' AND table_name = 'orders'
