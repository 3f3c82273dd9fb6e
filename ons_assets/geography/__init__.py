"""Where things are: the British National Grid, statistical areas, addresses."""
