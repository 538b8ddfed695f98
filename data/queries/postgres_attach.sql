-- The database that the environment, or a secret of DuckDB's, names; nothing is written to it.
ATTACH ? AS planner (TYPE postgres, READ_ONLY)
