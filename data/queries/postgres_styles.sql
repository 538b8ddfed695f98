-- One session: dates and numbers are written in one way, whatever the server's usual is.
SET datestyle = 'ISO, YMD'; SET bytea_output = 'hex'; SET extra_float_digits = 1
