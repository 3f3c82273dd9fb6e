"""Statistical disclosure control: what leaves the house, and what follows from all that has left it."""
