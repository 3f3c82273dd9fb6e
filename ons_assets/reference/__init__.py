"""Reference data: what a statistical office has and the methods need."""
