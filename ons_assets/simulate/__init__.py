"""A seeded world with known truth, which writes drops in the suppliers' own formats."""
