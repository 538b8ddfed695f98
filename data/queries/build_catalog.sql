-- A new catalog file. Small row groups keep the reading of one item short.
ATTACH ? AS tideline (ROW_GROUP_SIZE 8192)
