"""Releases: what leaves the house, once, under a version that never changes."""
