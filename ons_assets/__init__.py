"""Four big-data sources as official statistics."""
