"""What a table is in SDMX: which columns are dimensions, measures and attributes, and the ids of all of them.

A value becomes a code by its characters alone, so that a code means the same in every release and gives the value
back: what may not stand in an id is written as `$` and the hexadecimal digits of its bytes.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

import polars as pl

from ons_assets.governance.releases.content import Release
from ons_assets.governance.releases.figures import figures, time_column
from ons_assets.lakehouse.tables import Column, Table

TIME, MEASURE, VALUE, STATUS, UNIT = "TIME_PERIOD", "MEASURE", "OBS_VALUE", "OBS_STATUS", "UNIT_MEASURE"
# Names of components that the standard, or this module, gives a meaning of its own.
TAKEN = frozenset({TIME, MEASURE, VALUE, STATUS, UNIT, "DATAFLOW", "FREQ"})
# Of the standard's code list CL_OBS_STATUS.
STATUSES = {
    "A": "Normal value",
    "O": "Missing value",
    "P": "Provisional value",
    "Q": "Missing value; suppressed",
}

# A minus sign may not lead, nor an at sign stand: spreadsheets take such a code for a formula.
NOT_IN_A_CODE = re.compile(rb"[^A-Za-z0-9_-]|^-")
EMPTY_CODE = "$"
# XML 1.0 has no such characters.
NOT_IN_XML = "[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"


@dataclass(frozen=True)
class Shape:
    """What the columns of a table are in SDMX.

    Parameters
    ----------
    time
        Column of TIME_PERIOD; None if there is none.
    dimensions
        The other columns of the key.
    measures
        Values of MEASURE.
    attributes
        All other columns.
    """

    time: Column | None
    dimensions: tuple[Column, ...]
    measures: tuple[Column, ...]
    attributes: tuple[Column, ...]


def shape_of(table: Table) -> Shape:
    """Return what the columns of a table are in SDMX; it does not depend on rows."""
    time, measures = time_column(table), figures(table)
    dimensions = tuple(each for each in table.columns if each.name in table.key and each != time)
    rest = {time, *dimensions, *measures}
    return Shape(time, dimensions, measures, tuple(each for each in table.columns if each not in rest))


def component(name: str) -> str:
    """Return the id of the component that a column becomes.

    >>> component("area_code"), component("measure")
    ('AREA_CODE', 'COLUMN_MEASURE')
    """
    upper = name.upper()
    return f"COLUMN_{upper}" if upper in TAKEN else upper


def code(value: str) -> str:
    """Return the code of a value of a dimension.

    >>> code("E02000001"), code("Bath & Wells"), code("-1"), code("")
    ('E02000001', 'Bath$20$26$20Wells', '$2D1', '$')
    """
    if not value:
        return EMPTY_CODE
    return NOT_IN_A_CODE.sub(lambda found: f"${found[0][0]:02X}".encode(), value.encode()).decode()


def value_of(code: str) -> str:
    """Return the value of which a code was made."""
    return "" if code == EMPTY_CODE else unquote(code.replace("$", "%"))


def name_of(table: Table) -> str:
    """Return the id of the dataflow of a table."""
    return table.name.upper().replace("/", "_")


def version_of(release: Release) -> str:
    """Return the version of its dataflow and structure."""
    return f"{release.version}.0"


def text_of(column: Column) -> pl.Expr:
    """Say a column in words, as CSV does."""
    value = pl.col(column.name)
    if isinstance(column.dtype, pl.List):
        return value.cast(pl.List(pl.String())).list.join(" ")
    if isinstance(column.dtype, pl.Datetime):
        return value.dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ")
    return value.cast(pl.String())
