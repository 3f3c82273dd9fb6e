"""Cleaning of phone events, and what they say of places, by device and day."""
