"""The road that data travels: drop, ledger, parse, gate, lake, quarantine and warehouse.

Nothing here knows of Dagster or of a pilot. A table is described once (`tables`), a supplier's file
is registered once (`drops`, `ledger`), read by an adapter (`sources`, `delimited`), audited by its
suite (`gate`), and published in one atomic commit (`lake`).
"""
