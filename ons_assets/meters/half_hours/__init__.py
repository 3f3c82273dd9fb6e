"""Readings on the clock face: half hours of local days, their gaps and quality, and what a day uses."""
