"""What a price index publishes: a series that is not revised, its vintages, its figures and their release."""
