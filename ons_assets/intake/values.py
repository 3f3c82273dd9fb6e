"""Values as files write them: texts, numbers with their marks and currencies, identifiers with all their digits."""

import re
from collections.abc import Iterator
from decimal import Decimal

import polars as pl

from ons_assets.intake.currencies import without_currency
from ons_assets.intake.layouts import Layout

# Above this a number may have lost digits in a program that holds numbers as doubles.
EXACT_INTEGER = 1 << 53
BLANKS = " \t\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}"
UNDECIDED = (
    "has numbers with one comma before three digits, which may be decimals or thousands: say `decimal: ','` or "
    "`thousands: ','`"
)
# The digits before the first mark between thousands: no number with such marks begins with a zero.
LEADING = r"[1-9]\d{0,2}"
SPACES, APOSTROPHES = f"[{BLANKS}]", "['\N{RIGHT SINGLE QUOTATION MARK}]"


def text(column: pl.Series, otherwise: str | None = None) -> pl.Series:
    """Return a column as text without blanks at its ends; null, or what is said, where it is empty.

    A nested value is null: it is no text.
    """
    stripped = written(column).str.strip_chars(BLANKS + "\r\n")
    stripped = stripped.set(stripped == "", None)
    return stripped if otherwise is None else stripped.fill_null(otherwise)


def written(column: pl.Series) -> pl.Series:
    """Return a column as text as it stands; a nested value is null: it is no text."""
    if column.dtype.is_nested() or column.dtype in (pl.Duration, pl.Object):
        return pl.Series(column.name, [None], dtype=pl.String()).new_from_index(0, len(column))
    return column.cast(pl.String(), strict=False)


def column_text(rows: pl.DataFrame, name: str, otherwise: str | None = None) -> pl.Series:
    """Return a column of some rows as `text` does; null, or what is said, where the file has no such column.

    Parameters
    ----------
    rows
        Rows as text.
    name
        Name of the column.
    otherwise
        What a blank is.
    """
    if name in rows.columns:
        return text(rows[name], otherwise)
    return pl.Series(name, [otherwise], dtype=pl.String()).new_from_index(0, len(rows))


def column_number(rows: pl.DataFrame, name: str, layout: Layout) -> pl.Series:
    """Return a column of some rows as `number` does; null where the file has no such column.

    Parameters
    ----------
    rows
        Rows as text.
    name
        Name of the column.
    layout
        Marks of its numbers.
    """
    if name in rows.columns:
        return number(rows[name], layout)
    return pl.Series(name, [None], dtype=pl.Float64()).new_from_index(0, len(rows))


def identifier(column: pl.Series) -> pl.Series:
    """Return identifiers as text; null where one was written as a number with a fraction, or with lost digits.

    Programs that hold numbers as doubles write 1234 as 1234.0, and 123456789012345678 as 1.23456789012346E+17.
    """
    if column.dtype.is_integer():
        return column.cast(pl.String())
    if column.dtype.is_float():
        return _whole(column)
    stripped = text(column)
    as_double = stripped.str.contains(r"^\d+(\.\d*|(\.\d*)?[eE]\+?\d+)$")
    if not as_double.any():
        return stripped
    return stripped.zip_with(~as_double.fill_null(False), _whole(stripped.cast(pl.Float64(), strict=False)))


def number(column: pl.Series, layout: Layout) -> pl.Series:
    """Return a column as finite numbers; null where it is none.

    Currencies, blanks, and marks between thousands may be around the digits, `85p` is 0.85. Nothing is guessed:
    as long as a layout says neither mark, one comma before three digits is no number, because it may be either.
    """
    if column.dtype == pl.String():
        read = _of_text(column, layout)
    elif column.dtype.is_numeric():
        read = column.cast(pl.Float64())
    else:
        read = pl.Series(column.name, [None], dtype=pl.Float64()).new_from_index(0, len(column))
    return read.set(~read.is_finite().fill_null(False), None)


def says_marks(layout: Layout) -> bool:
    """Return whether a layout says which mark stands before decimals, or which between thousands."""
    return layout.decimal is not None or layout.thousands is not None


def are_undecided(column: pl.Series, layout: Layout) -> bool:
    """Return whether a column has texts such as `1,299`, which are no numbers as long as a layout says neither mark."""
    if says_marks(layout) or column.dtype != pl.String():
        return False
    return bool(without_currency(column.str.strip_chars(BLANKS)).str.contains(rf"^[+-]?{LEADING},\d{{3}}$").any())


def with_decimal_comma(literal: str) -> str:
    """Return a number, as programs write it, as texts have it whose decimal mark is a comma; what is whole is left so.

    Formats in which numbers are numbers know the point alone: so that one way reads them and the texts beside them.
    """
    number = Decimal(literal)
    return str(int(number)) if number == number.to_integral_value() else f"{number:f}".replace(".", ",")


def _of_text(column: pl.Series, layout: Layout) -> pl.Series:
    # By far the commonest: digits and a point.
    plain = column.str.strip_chars(BLANKS)
    if layout.decimal != "," and layout.thousands is None:
        read = plain.cast(pl.Float64(), strict=False)
        left = read.is_null() & plain.is_not_null()
        if not left.any():
            return read
        return read.zip_with(~left, _marked(plain, layout))
    return _marked(plain, layout)


def _marked(plain: pl.Series, layout: Layout) -> pl.Series:
    digits = without_currency(plain)
    pence = digits.str.contains(r"^\d+(\.\d+)?p$").fill_null(False)
    digits = digits.str.strip_suffix("p")
    for grouped, mark in _groupings(layout):
        # Only where it stands between thousands; elsewhere it was meant as a decimal mark.
        without = digits.str.replace_all(mark, "")
        digits = digits.zip_with(~digits.str.contains(grouped).fill_null(False), without)
    if layout.decimal == ",":
        whole = digits.str.contains(r"^[+-]?(\d+(,\d*)?|,\d+)([eE][+-]?\d+)?$").fill_null(False)
        digits = digits.str.replace(",", ".", literal=True).set(~whole, None)
    read = digits.cast(pl.Float64(), strict=False)
    return read.zip_with(~pence, read / 100)


def _groupings(layout: Layout) -> Iterator[tuple[str, str]]:
    """Yield the forms of numbers with marks between thousands, and the marks, as patterns."""
    decimal = layout.decimal or "."
    by_default = "," if decimal == "." else "."
    said = by_default if layout.thousands is None else layout.thousands
    if said in (",", "."):
        group, fraction = rf"\{said}\d{{3}}", rf"\{decimal}\d*"
        beyond_doubt = rf"(({group})+{fraction}|({group}){{2,}})"
        any_group = rf"({group})+({fraction})?"
        yield rf"^[+-]?{LEADING}{any_group if says_marks(layout) else beyond_doubt}$", rf"\{said}"
    for mark in (SPACES, APOSTROPHES):
        # Neither is ever a decimal mark.
        if layout.thousands is None or re.fullmatch(mark, layout.thousands):
            yield rf"^[+-]?{LEADING}({mark}\d{{3}})+(\{decimal}\d*)?$", mark


def _whole(numbers: pl.Series) -> pl.Series:
    exact = numbers.is_finite() & (numbers == numbers.floor()) & (numbers.abs() < EXACT_INTEGER)
    return numbers.set(~exact.fill_null(False), None).cast(pl.Int64(), strict=False).cast(pl.String())
