"""Load profiles: mean half hours by season and kind of day, and groups of days with the same shape."""
