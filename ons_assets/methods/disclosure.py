"""`protect`: a table of counts, without what may not be told."""

from collections.abc import Mapping

import polars as pl

from ons_assets.governance.disclosure import step
from ons_assets.lakehouse.blurring import Rounded
from ons_assets.lakehouse.disclosure import Counts, all_of
from ons_assets.lakehouse.tables import Column, Sensitivity, Table
from ons_assets.methods.arguments import held
from ons_assets.methods.frames import Frame, distinct, known, none_is, numbers, taken
from ons_assets.wording import listed

COUNTS = "counts"
# Sums of decimals differ from their total in the last digits.
ROUNDING = 1e-6
# There are not as many people.
MOST_COUNTED = 10**10
# Several columns that are taken for one.
ONE = "together"
COUNT = "count"


def protect(
    counts: Frame,
    *,
    count: str = "count",
    totals: Mapping[str, str | None] | None = None,
    fewest: int = 10,
    unit: str = "units",
    rounded_to: int | None = None,
) -> tuple[pl.DataFrame, dict[str, str | float | None]]:
    """Withhold of a table of counts what would tell of few: small counts, and those from which one would follow.

    What is to be told is attacked before it is returned, by somebody who knows all of it, and nothing else.

    Parameters
    ----------
    counts
        A frame with the number of units in the column `count`, 0 or more, and any other columns, which together tell
        the rows apart. Whole numbers are taken for counts of whole units, others for estimates.
    count
        Name of that column.
    totals
        Columns over which the table has totals, and what the value of the column is there, such as
        ``{"origin": "all", "destination": "all"}``. Of other columns nobody is taken to know a total: so a column, or
        several together, of which one value is the sum of all others is refused, unless it is named here, with None if
        that is by chance. Totals of some of the values of a column (a region among its districts) are not seen.
    fewest
        Least number that may be told.
    unit
        Who is counted, in the plural, for sentences and the account.
    rounded_to
        What is told is rounded to multiples of this, coarser where `fewest` is more. None for exact counts.

    Returns
    -------
    told : polars.DataFrame
        The rows that may be told, sorted by their columns. A row that is withheld is not there, as one that is 0.
    account : dict
        For yourself, not for readers: ``unit``, ``fewest``, ``cells`` (rows that are not 0), ``primary`` (withheld
        because they are small), ``secondary`` (because a small one would follow) and ``kept_share`` (of what was
        counted, which share is told; None where few are withheld). Of a small table these tell what is withheld: two
        rows that are small, and 18 together where 10 may be told, are 9 each.

    Raises
    ------
    TypeError
        If `counts` is no frame.
    ValueError
        If a column is missing, of the wrong type or not known in every row; if a count is negative; if two rows have
        the same columns; if there are no rows; if a total is missing or not named, or its parts do not add up to it;
        if an argument is not of its type, `fewest` is below 2, or `rounded_to` below 1.
    ons_assets.governance.disclosure.step.Exposed
        A ValueError: if something small could still be learned, so that nothing is told.

    See Also
    --------
    docs/methods/disclosure.md : The rules, and how they were attacked.
    docs/methods/disclosure_audit.md : What the attacker does.

    References
    ----------
    Hundepool et al. (2012), Statistical disclosure control, Wiley, chapters 4 and 5.
    Fischetti and Salazar (2000), "Models and algorithms for optimizing cell suppression in tabular data with linear
    constraints", Journal of the American Statistical Association 95, pp. 916-928.

    Examples
    --------
    The small count is withheld, and another one, or the total would tell it:

    >>> import ons_assets
    >>> import polars as pl
    >>> counts = pl.DataFrame({"area": ["A", "B", "C", "all"], "count": [40, 4, 25, 69]})
    >>> told, account = ons_assets.protect(counts, totals={"area": "all"})
    >>> told.rows()
    [('A', 40), ('all', 69)]
    >>> account["primary"], account["secondary"]
    (1, 1)
    """
    held(protect, count=count, totals=totals, fewest=fewest, unit=unit, rounded_to=rounded_to)
    if not 2 <= fewest <= MOST_COUNTED:
        raise ValueError(f"fewest must be from 2 to {MOST_COUNTED:,}: a count of 1 is always told of one")
    if rounded_to is not None and not 1 <= rounded_to <= MOST_COUNTED:
        raise ValueError(f"rounded_to must be from 1 to {MOST_COUNTED:,}")
    frame = _checked(counts, count, totals or {})
    key = [name for name in frame.columns if name != count]
    # By names of our own, as a column may have any.
    inner = {count: COUNT} | {name: f"by_{place}" for place, name in enumerate(key)}
    frame = frame.rename(inner)
    unnamed = {inner[name]: name for name in key if name not in (totals or {})}
    _refuse_totals(frame.filter(pl.col(COUNT) > 0), unnamed, fewest)
    table = Table(
        name=COUNTS,
        description="What was counted.",
        columns=tuple(Column(name, dtype, name) for name, dtype in frame.schema.items()),
        key=tuple(inner[name] for name in key),
        partition_by=(),
        sensitivity=Sensitivity.AGGREGATE,
        disclosure=Counts(
            unit,
            COUNT,
            tuple(all_of(inner[column], name) for column, name in (totals or {}).items() if name is not None),
            blurred=None if rounded_to is None else Rounded(rounded_to, with_fewest=True),
        ),
        owner="",
        source="",
    )
    found = step.protect(table, frame, step.Thresholds(fewest))
    return found.rows.rename({ours: name for name, ours in inner.items()}), found.account.said()


def _checked(given: Frame, count: str, totals: Mapping[str, str | None]) -> pl.DataFrame:
    """Return the counts as a frame of which each row says what it counts, and how many."""
    frame = taken(given, COUNTS, (count, *totals))
    frame = taken(frame, COUNTS, frame.columns)
    key = [name for name in frame.columns if name != count]
    if not key:
        raise ValueError(f"{COUNTS}: there is no column but {count}, and so nothing that tells the rows apart")
    for name in key:
        if isinstance(frame.schema[name], pl.Struct):
            raise ValueError(f'{COUNTS}: the column {name} holds several values a row; .unnest("{name}") parts them')
    frame = distinct(known(frame, COUNTS, frame.columns), COUNTS, key)
    counted = numbers(frame, COUNTS, (count,))[count]
    none_is(counted < 0, COUNTS, "negative")
    none_is(counted > MOST_COUNTED, COUNTS, "too large")
    texts = {name: _texts(frame, name) for name, total in totals.items() if total is not None}
    for name, values in texts.items():
        if totals[name] not in values:
            raise ValueError(f"{COUNTS}: no row of the column {name} is the total that totals calls {totals[name]!r}")
    return frame.with_columns(**texts)


def _refuse_totals(frame: pl.DataFrame, unnamed: Mapping[str, str], fewest: int) -> None:
    """Refuse a table that has a total of which nothing was said: a small count would follow from it.

    Parameters
    ----------
    frame
        Counts above 0.
    unnamed
        Columns of which nothing was said, and what their owner calls them.
    fewest
        Least number that may be told.
    """
    for column, name in unnamed.items():
        if _has_total(frame, column, fewest):
            raise ValueError(
                f"{COUNTS}: one value of the column {name} is the sum of all others: name it in totals, or say there"
                f' with "{name}": None that it is no total'
            )
    if len(unnamed) > 1 and _has_total(_as_one(frame, [*unnamed]), ONE, fewest):
        raise ValueError(
            f"{COUNTS}: one row is the sum of all others over {listed([*unnamed.values()])}: leave out what says the"
            " same in other words, and name the total of the other, or say of each in totals with None that it is no"
            " total"
        )


def _as_one(frame: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Some columns as one: a code and its name have their total in the same row."""
    return frame.select(pl.all().exclude(columns), pl.struct(columns).alias(ONE))


def _has_total(frame: pl.DataFrame, column: str, fewest: int) -> bool:
    """Whether a value of the column has, wherever it is counted, as many as all others together.

    It is a total if it is so of every group, or of one in which a small count would follow from it.
    """
    others = [name for name in frame.columns if name not in (column, COUNT)]
    groups = frame.group_by(others) if others else frame.group_by(pl.lit(0))
    is_small = (pl.col(COUNT) < fewest).any()
    sums = groups.agg(column, COUNT, rows=pl.len(), whole=pl.col(COUNT).sum(), is_small=is_small)
    judged = sums.explode(column, COUNT).select(
        column, "rows", "is_small", is_sum=(2 * pl.col(COUNT) - pl.col("whole")).abs() <= ROUNDING * pl.col("whole")
    )
    of_value = judged.group_by(column).agg(
        pl.col("is_sum").all(), pl.len(), pl.col("rows").max(), pl.col("is_small").any()
    )
    is_total = (pl.col("len") == len(sums)) | pl.col("is_small")
    return not of_value.filter("is_sum", is_total, pl.col("rows") > 2).is_empty()


def _texts(frame: pl.DataFrame, column: str) -> pl.Series:
    """Return a column that has a total, which is called by a text."""
    if frame[column].dtype not in (pl.String, pl.Categorical, pl.Enum):
        raise ValueError(
            f"{COUNTS}: the column {column} must hold texts, as its total is one, not {frame[column].dtype.base_type()}"
        )
    return frame[column].cast(pl.String())
