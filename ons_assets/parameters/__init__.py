"""Parameters of the methods, one module a pilot: data only, so that settings and methods share them."""
