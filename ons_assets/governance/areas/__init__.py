"""What all sources say of one area and month: side by side, and together."""
