-- No row: the names of a table's columns.
SELECT * FROM {} LIMIT 0
