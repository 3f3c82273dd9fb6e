"""Harvesters: processes that listen to streams of positions, and leave hourly files and a record of their outages."""
