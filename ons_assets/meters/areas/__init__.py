"""Figures of small areas, and never of one home: occupancy, vacancy, when to call."""
