"""What the people who answer for the figures need: the ledger, the database, the reports."""
