"""When a collector was down, as it says itself."""
