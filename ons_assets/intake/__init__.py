"""How files become rows: drops and their ledger, layouts, readers of every format, rules, and ingestion."""
