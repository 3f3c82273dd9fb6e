"""From the columns of a file to the fields of its source, as the layout says."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import polars as pl

from ons_assets.intake import values
from ons_assets.intake.containers import possible_names
from ons_assets.intake.layouts import Layout, Origin
from ons_assets.intake.records import Block
from ons_assets.intake.unreadable import Unreadable

LINE = "line"
# The name of what is inside an array: of its column, and the way from there, places being counted from 0.
INSIDE = re.compile(r"(?P<column>[^\W\d].*?)(?P<way>\.\d+(\.[^.]+)*)")


@dataclass(frozen=True)
class Fields:
    """The rows of a block under the names that the source gives to them.

    Parameters
    ----------
    rows
        `line`, the fields that the layout needs or the file has, the columns of `Layout.day_columns`, and
        `detail` where the layout names some. What stands for nothing is null.
    left_out
        Number of rows that the layout means not by its `only`; nothing is wrong with them.
    """

    rows: pl.DataFrame
    left_out: int


def fields(block: Block, layout: Layout, name: str) -> Fields:
    """Return the fields of a block.

    Parameters
    ----------
    block
        Rows under the names of the file.
    layout
        Of the file.
    name
        Of the file; a layout may read a field from it.

    Raises
    ------
    Unreadable
        If a pattern finds nothing where it says what all rows need.
    """
    rows = _opened(block.rows, layout)
    found = ColumnsOf(rows.columns)
    wanted = reduce(
        lambda so_far, rule: so_far & _is_one_of(_column(rows, found(rule[0])), rule[1]),
        layout.only.items(),
        pl.Series([True]).new_from_index(0, len(rows)),
    )
    kept = rows if wanted.all() else rows.filter(wanted)
    made = [kept[LINE]]
    named, constants = _named(layout, name), _constants(layout, name, block)
    _check_patterns(layout, block, {**constants, **named})
    for field, value in {**named, **constants}.items():
        made.append(pl.Series(field, [value], dtype=pl.String()).new_from_index(0, len(kept)))
    for field, origin in layout.origins.items():
        if origin.position is not None or (origin.columns and all(found(column) for column in origin.columns)):
            made.append(_nulled(_read(kept, origin, layout, found), layout).alias(field))
    made += [_nulled(_column(kept, found(column)), layout).alias(column) for column in layout.day_columns]
    if layout.detail:
        parts = [
            pl.concat_str(pl.lit(f"{each}="), pl.lit(values.written(_column(kept, found(each)))).fill_null(""))
            for each in layout.detail
        ]
        made.append(kept.select(pl.concat_str(parts, separator=";").alias("detail")).to_series())
    by_field: dict[str, pl.Series] = {}
    for series in made:
        before = by_field.get(series.name)
        by_field[series.name] = series if before is None else _else(series, before)
    # A member of an archive may lack what the layout was known by.
    for field in layout.columns:
        if field not in by_field:
            by_field[field] = _column(kept, None).alias(field)
    recoded = [_recoded(series, layout.codes.get(field)) for field, series in by_field.items()]
    return Fields(pl.DataFrame(recoded), len(rows) - len(kept))


class ColumnsOf:
    """Finds a column of a file by the name in a layout: exactly, else without blanks at its ends and case.

    Parameters
    ----------
    names
        Of the columns of the file.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._exact = set(names)
        self._loose = {canonical(name): name for name in reversed(names)}

    def __call__(self, name: str) -> str | None:
        """Return the name that the file gives to the column; None if it has none."""
        return name if name in self._exact else self._loose.get(canonical(name))

    def __getitem__(self, name: str) -> str:
        """Return the name that the file gives to a column that it has."""
        found = self(name)
        assert found is not None, "a layout is only used for files that have its columns"
        return found


def holders(layout: Layout) -> dict[str, str]:
    """Return the columns of arrays by the names of a layout that lead into them: of `position.0` it is `position`.

    A name whose column the layout reads as well is a column of its own, as programs call the second of two.
    """
    named = {name for origin in layout.origins.values() for name in origin.columns}
    inside = {name: match["column"] for name in named if (match := INSIDE.fullmatch(name))}
    return {name: column for name, column in inside.items() if column not in named}


def canonical(name: str) -> str:
    """Return the name of a column as names are compared: blanks and case do not count."""
    return " ".join(name.split()).casefold()


def lacking(layout: Layout, header: Sequence[str]) -> list[str]:
    """Return the columns that a layout needs and a file lacks."""
    found = ColumnsOf(header)
    inside = holders(layout)
    return [name for name in layout.needed if found(name) is None and found(inside.get(name, name)) is None]


def _column(rows: pl.DataFrame, name: str | None) -> pl.Series:
    return rows[name] if name is not None else pl.Series([None], dtype=pl.String()).new_from_index(0, len(rows))


def _opened(rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Return rows with what is inside of arrays, which are JSON, in columns of its own where the layout names it."""
    found = ColumnsOf(rows.columns)
    within = {name: found(column) for name, column in holders(layout).items() if found(name) is None}
    return rows.with_columns(
        values.written(rows[column]).str.json_path_match(_json_path(name)).alias(name)
        for name, column in within.items()
        if column is not None
    )


def _json_path(name: str) -> str:
    """Return where in its column a name of a layout leads: of `rings.1.0` it is `$[1][0]`."""
    match = INSIDE.fullmatch(name)
    steps = match["way"].split(".")[1:] if match else []
    return "$" + "".join(f"[{step}]" if step.isdecimal() else f"['{step}']" for step in steps)


def _named(layout: Layout, name: str) -> Mapping[str, str | None]:
    return named_groups(layout.name_pattern, name) if layout.name_pattern else {}


def named_groups(pattern: str, name: str) -> Mapping[str, str | None]:
    """Return what the named groups of a pattern find in the name of a file, packed or not."""
    matches = (re.search(pattern, each) for each in possible_names(name))
    return next((match.groupdict() for match in matches if match), {})


def _constants(layout: Layout, name: str, block: Block) -> Mapping[str, str | None]:
    """What is the same for all rows: constants, and what the file's names and its first lines say."""
    said: dict[str, str | None] = {}
    for field, origin in layout.origins.items():
        if origin.constant is not None:
            said[field] = origin.constant
        elif origin.file_name is not None:
            found = (_group(origin.file_name, each) for each in possible_names(Path(name).name))
            said[field] = next((text for text in found if text), None)
        elif origin.member_name is not None:
            said[field] = _group(origin.member_name, block.part or "")
        elif origin.preamble is not None:
            said[field] = _group(origin.preamble, "\n".join(block.preamble))
    return said


def _check_patterns(layout: Layout, block: Block, said: Mapping[str, str | None]) -> None:
    """Raise what is one fault of the file, and not one of each of its rows; a member of an archive harms no other."""
    for field, origin in layout.columns.items():
        if block.part is not None or said.get(field) is not None:
            continue
        if origin.preamble is not None:
            raise Unreadable(f"has no line before the header that matches the pattern of {field}")
        if origin.file_name is not None:
            raise Unreadable(f"has a name that does not match the pattern of {field}")


def _group(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text, flags=re.MULTILINE)
    return match.group(1).strip() if match and match.group(1) else None


def _read(rows: pl.DataFrame, origin: Origin, layout: Layout, found: ColumnsOf) -> pl.Series:
    read = _whole(rows, origin, layout, found)
    return read if origin.pattern is None else values.text(values.text(read).str.extract(origin.pattern, 1))


def _whole(rows: pl.DataFrame, origin: Origin, layout: Layout, found: ColumnsOf) -> pl.Series:
    if origin.position is not None:
        names = [name for name in rows.columns if name != LINE]
        if origin.position <= len(names):
            return rows[names[origin.position - 1]]
        return pl.Series([None], dtype=pl.String()).new_from_index(0, len(rows))
    columns = [rows[found[name]] for name in origin.columns]
    if origin.join:
        texts = _as_written(columns, layout)
        return pl.select(pl.concat_str(texts, separator=" ")).to_series()
    if origin.sum:
        numbers = [values.number(_nulled(column, layout), layout) for column in columns]
        # A tariff that did not run is empty; a row in which all are empty says nothing.
        return pl.select(
            pl.when(pl.any_horizontal(each.is_not_null() for each in numbers)).then(pl.sum_horizontal(numbers))
        ).to_series()
    if origin.first:
        return pl.select(pl.coalesce([values.text(_nulled(column, layout)) for column in columns])).to_series()
    return columns[0]


def _as_written(columns: Sequence[pl.Series], layout: Layout) -> list[pl.Series]:
    """Columns as text; days and times of a workbook as the layout says that their parts are written."""
    forms = [form.split(" ") for form in layout.time_formats]
    pieces = next((parts for parts in forms if len(parts) == len(columns)), [])
    if not pieces:
        return [values.text(column) for column in columns]
    return [
        column.dt.strftime(piece) if column.dtype in (pl.Date, pl.Datetime, pl.Time) else values.text(column)
        for column, piece in zip(columns, pieces, strict=True)
    ]


def _else(column: pl.Series, otherwise: pl.Series) -> pl.Series:
    """A column of the file, and where it says nothing, what the layout or the name of the file says."""
    said = column.is_not_null() if column.dtype != pl.String() else values.text(column).is_not_null()
    return values.written(column).zip_with(said, otherwise)


def _nulled(column: pl.Series, layout: Layout) -> pl.Series:
    """What stands for nothing, null: an error code also where the file has numbers."""
    if column.dtype == pl.String():
        return column.set(column.str.strip_chars().is_in(list(layout.missing)).fill_null(False), None)
    if column.dtype.is_numeric():
        codes = [float(text) for text in layout.missing if re.fullmatch(r"[+-]?\d+(\.\d+)?", text)]
        return column.set(column.cast(pl.Float64()).is_in(codes).fill_null(False), None) if codes else column
    return column


def _recoded(column: pl.Series, codes: Mapping[str, str] | None) -> pl.Series:
    return values.text(column).replace(codes) if codes else column


def _is_one_of(column: pl.Series, allowed: Sequence[str]) -> pl.Series:
    # An empty text among those that are allowed stands for rows that say nothing.
    said = values.text(column)
    names = [each for each in allowed if "*" not in each]
    patterns = [".*".join(map(re.escape, each.split("*"))) for each in allowed if "*" in each]
    is_one = said.is_in(names)
    if patterns:
        is_one |= said.str.contains(f"(?s)^({'|'.join(patterns)})$")
    return is_one.fill_null("" in allowed)
