"""Which columns of a table come from which of its inputs, as far as the declarations say so; nothing is guessed.

A column comes from a column of an input if both are declared alike (name, type and meaning), and either the table
keeps the whole key of the input, so that a row of it is about one row of the input, or the column is of the key of the
table: an item, an area or a period is called as the input calls it, and the sum over all of them "all". Of figures
that are computed nothing is said. `benchmarks/column_lineage.py` holds this against the values of a home.
"""

from collections.abc import Sequence

from ons_assets.lakehouse.tables import Column, Table

# Where a row was read: it comes from the table whose row it is, and from no other.
OF_THE_FILE = frozenset({"drop_sha256", "line", "arrival"})
# Columns that a table computes anew, though an input has one that is declared alike: of days without a row, of prices
# that are carried to a day, of shares and flows that are weighted.
COMPUTED = {
    "meters/daily_absence": frozenset({"day"}),
    "prices/checked_quotes": frozenset({"collected_on"}),
    "tweets/raked_flows": frozenset({"flow"}),
    "tweets/user_demographics": frozenset({"probability"}),
}


def passed_through(table: Table, inputs: Sequence[Table]) -> dict[str, list[tuple[str, str]]]:
    """Return, by column of a table, the tables and columns of which it has its values as they are.

    Parameters
    ----------
    table
        What is made.
    inputs
        What it is made of.

    Returns
    -------
    dict
        Columns of which nothing is declared are not in it.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for source in inputs:
        alike = {column.name for column in table.columns if declared_alike(column, source)}
        keeps_rows = alike.issuperset(source.key)
        for name in table.column_names:
            called = name in table.key and name not in OF_THE_FILE
            if name in alike and (keeps_rows or called) and name not in COMPUTED.get(table.name, ()):
                found.setdefault(name, []).append((source.name, name))
    return found


def declared_alike(column: Column, table: Table) -> bool:
    """Return whether a table has a column of the same name, type and meaning; one of them may be nullable."""
    return any(
        (other.name, other.dtype, other.description) == (column.name, column.dtype, column.description)
        for other in table.columns
    )
