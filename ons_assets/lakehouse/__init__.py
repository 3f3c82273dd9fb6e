"""How rows become tables: registry, gate, lake, derivation, quarantine and warehouse.

Nothing here knows of Dagster, of a pilot or of files that arrive. A table is described once (`tables`), its
rows are audited by its suite (`gate`), and published in one atomic commit (`lake`).
"""
