"""Methods of this office."""
