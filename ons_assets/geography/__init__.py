"""Where things are: the grid of the country, statistical areas, addresses."""
