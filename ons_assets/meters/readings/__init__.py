"""How files of readings become rows: one for each meter and local day, as each file delivered it."""
