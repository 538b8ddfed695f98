-- Makes DuckDB read PostgreSQL, where its extension is installed.
LOAD postgres
