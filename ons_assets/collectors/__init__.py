"""Scrapers and harvesters: they ask politely, keep what was answered, write drops, and nothing else."""
