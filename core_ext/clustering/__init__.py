"""DBSCAN of many sets of points at once, and the tables of their clusters."""
