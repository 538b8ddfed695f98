-- One number: about how many rows a table has, as the server last counted; -1 where it never did.
SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(%s)
