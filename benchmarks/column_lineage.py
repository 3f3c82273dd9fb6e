"""Whether columns that are declared to be passed through are: their values in the table beside those in its inputs.

    python benchmarks/column_lineage.py HOME

For each such column of the latest version of every table: every value is one of the input, or stands for a sum or for
what has none; and where the table keeps the rows of the input, the value of each row is the value there.
"""

import sys
from pathlib import Path

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.trace.history import History
from ons_assets.lakehouse.column_lineage import passed_through
from ons_assets.lakehouse.home import Home

# What stands for a sum over values, and for what has none.
NO_VALUES = {"all", "not_seen", None}


def main() -> None:
    history = History(Home(Path(sys.argv[1])), CATALOGUE)
    columns, rows_held, faults = 0, 0, []
    for name, table in CATALOGUE.items():
        if not history.commits(name):
            continue
        versions = history.inputs(history.commits(name)[-1])
        inputs = [CATALOGUE[each] for each in versions if each != name]
        frames = {each.name: history.rows(each.name, versions[each.name]).collect() for each in inputs}
        made = history.rows(name, history.latest(name)).collect()
        for column, origins in passed_through(table, inputs).items():
            columns += 1
            known: set[object] = set().union(*(frames[source][column].unique() for source, _ in origins))
            if strange := set(made[column].unique()) - known - NO_VALUES:
                faults.append(f"{name}.{column}: {len(strange)} values that no input has")
            for source, _ in origins:
                key = list(CATALOGUE[source].key)
                if {*key} <= {*table.column_names} and column not in key:
                    rows_held += 1
                    joined = made.join(frames[source], on=key, how="inner", suffix="_there")
                    differing = joined.filter(~pl.col(column).eq_missing(pl.col(f"{column}_there")))
                    if len(differing):
                        faults.append(f"{name}.{column}: other values than {source} in {len(differing)} rows")
    print(f"{columns} columns are passed through, {rows_held} of them row by row; {len(faults)} are not")
    print("\n".join(faults))


if __name__ == "__main__":
    main()
