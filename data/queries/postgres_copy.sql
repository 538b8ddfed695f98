-- One line of CSV per row of a table, below a line of its columns.
COPY (SELECT * FROM {}) TO STDOUT WITH (FORMAT csv, HEADER)
