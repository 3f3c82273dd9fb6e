"""The sums that a table holds, as equations between its rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.lakehouse.disclosure import Counts

# Sums of decimals differ from their total in the last digits; of whole numbers they do not.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Equation:
    """One row is the sum of others.

    Parameters
    ----------
    whole
        Number of the row that is the sum.
    parts
        Numbers of the rows that are summed.
    """

    whole: int
    parts: npt.NDArray[np.int64]


def equations(rows: pl.DataFrame, key: Sequence[str], rule: Counts) -> list[Equation]:
    """Return the sums that the rows of a table are in, by its declared margins.

    Parameters
    ----------
    rows
        All rows that are not zero.
    key
        Columns that tell rows apart.
    rule
        Names the margins.

    Raises
    ------
    ValueError
        If parts have no row of their sum, or do not add up to it.
    """
    numbered = rows.select(*key, rule.count).with_row_index("row_").cast({"row_": pl.Int64()})
    found = []
    for margin in rule.margins:
        parts = numbered.filter(margin.parts).with_columns(**margin.whole)
        wholes = numbered.select(*key, whole_="row_", total_=rule.count)
        joined = parts.join(wholes, on=list(key), how="left", maintain_order="left")
        if joined["whole_"].has_nulls():
            raise ValueError("the table to be protected has parts of a sum without the sum")
        for (whole,), group in joined.group_by("whole_", maintain_order=True):
            added, total = float(group[rule.count].sum()), float(group["total_"][0])
            if abs(added - total) > ROUNDING * max(1.0, abs(total)):
                raise ValueError("the table to be protected has a sum that its parts do not add up to")
            found.append(Equation(int(str(whole)), group["row_"].to_numpy()))
    return found
