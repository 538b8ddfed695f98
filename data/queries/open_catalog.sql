-- One catalog file, read-only.
ATTACH ? AS tideline (READ_ONLY)
