"""What a column of a released table is to statistics: a figure, its unit, its period; and why a figure is empty."""

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

import polars as pl

from ons_assets.catalogue import columns
from ons_assets.lakehouse.disclosure import Counts, Groups, Shares
from ons_assets.lakehouse.tables import Column, Table

# Numbers, but none that is about what the row is about: where the row came from.
LINEAGE = frozenset({columns.LINE.name, columns.ARRIVAL.name, columns.BUCKET.name})
PERIODS = frozenset({columns.PERIOD.name, columns.OBSERVED.name, "year"})
SUPPRESSED = "is_suppressed"
# Whether a figure is final, provisional or missing; a table that does not say it has final ones.
FIGURE_STATUS, PROVISIONAL = "figure_status", "provisional"

# Last word of a column's name, and the unit that it says, as SDMX code and as it is written.
UNITS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "kwh": ("KWH", "kWh"),
        "km": ("KM", "km"),
        "m": ("M", "m"),
        "s": ("S", "s"),
        "minutes": ("MIN", "minutes"),
        "bytes": ("BYTE", "bytes"),
    }
)


def figures(table: Table) -> tuple[Column, ...]:
    """Return the columns that say how much or how many: numbers outside the key."""
    return tuple(
        each
        for each in table.columns
        if each.dtype.is_numeric() and each.name not in table.key and each.name not in LINEAGE
    )


def unit(name: str) -> tuple[str, str] | None:
    """Return the unit that the name of a column ends with, as code and as written; None if it names none.

    >>> unit("mean_half_hour_kwh"), unit("m"), unit("homes")
    (('KWH', 'kWh'), None, None)
    """
    stem, _, last = name.rpartition("_")
    return UNITS.get(last) if stem else None


def withheld(table: Table, name: str) -> pl.Expr:
    """Return of each row whether a column is empty there because it may not be told.

    That are the figures that its disclosure rule withholds, or all if the rule names none; and where the table says
    which rows are withheld, those rows. Where it does not, every empty one is taken for withheld, since the release
    cannot say more than that it is not told.

    Parameters
    ----------
    table
        Declaration, with its disclosure rule.
    name
        Of the column.
    """
    told = {each.name for each in figures(table)}
    match table.disclosure:
        case Counts(count=count):
            names = {count}
        case Groups(figures=own, events=events):
            names = {*own, *events}
        case Shares(figures=own):
            names = set(own)
        case _:
            names = told if SUPPRESSED in table.schema else set()
    rows = pl.col(SUPPRESSED) if SUPPRESSED in table.schema else pl.lit(True)
    return pl.col(name).is_null() & rows & pl.lit(name in names & told)


def provisional(table: Table) -> pl.Expr:
    """Return of each row whether its figures are provisional: they may change, and nothing will say so."""
    return pl.col(FIGURE_STATUS) == PROVISIONAL if FIGURE_STATUS in table.schema else pl.lit(False)


def time_column(table: Table) -> Column | None:
    """Return the column of the key that says when; None if the key has none."""
    for column in table.columns:
        if column.name in table.key and (column.dtype.is_temporal() or column.name in PERIODS):
            return column
    return None


@dataclass(frozen=True)
class Span:
    """First and last day that a release is about."""

    first: date
    last: date


def span(table: Table, rows: pl.DataFrame) -> Span | None:
    """Return the days that rows cover; None where no column of the key says when, or there are no rows."""
    column = time_column(table)
    if column is None or rows.is_empty():
        return None
    values = rows[column.name].unique()
    if column.dtype.is_temporal():
        text = values.dt.strftime("%Y-%m" if column.name == columns.MONTH.name else "%Y-%m-%d")
    else:
        text = values.cast(pl.String())
    known = [days for each in text.unique() if (days := days_of(each)) is not None]
    return Span(min(first for first, _ in known), max(last for _, last in known)) if known else None


def days_of(period: str) -> tuple[date, date] | None:
    """Return the first and the last day of a period; None for what is none.

    >>> [str(day) for day in days_of("2016-02")], [str(day) for day in days_of("2016-W29")]
    (['2016-02-01', '2016-02-29'], ['2016-07-18', '2016-07-24'])
    """
    first, _, last = period.partition("/")
    if last:
        ends = days_of(first), days_of(last)
        return (ends[0][0], ends[1][1]) if ends[0] and ends[1] else None
    found = re.fullmatch(r"(\d{4})(?:-(?:W(\d\d)|Q([1-4])|(\d\d)(?:-(\d\d))?))?", period)
    if found is None:
        return None
    year, week, quarter, month, day = (int(each or 0) for each in found.groups())
    try:
        if week:
            return date.fromisocalendar(year, week, 1), date.fromisocalendar(year, week, 7)
        if day:
            return date(year, month, day), date(year, month, day)
        months = (3 * quarter - 2, 3 * quarter) if quarter else (month, month) if month else (1, 12)
        return date(year, months[0], 1), date(year, months[1], monthrange(year, months[1])[1])
    except ValueError:
        return None
