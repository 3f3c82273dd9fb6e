"""Passes over half-hourly readings: profiles, totals of days, runs."""
