"""A release as a workbook that follows the guidance of the UK's Analysis Function, by its own gptables.

A cover, contents, notes, the table and its columns; every cell has a value or a mark that says why it has none. A
workbook holds 15 to 16 digits of a number; the CSV of the release has all.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ons_assets.governance.releases.content import Release
from ons_assets.governance.releases.figures import figures, unit, withheld
from ons_assets.lakehouse.spreadsheets import neutralised
from ons_assets.lakehouse.tables import Column, Table
from ons_assets.wording import counted

if TYPE_CHECKING:
    import pandas as pd
    from gptables import Cover, GPTable
    from gptables.core.gptable import FormatList
    from gptables.core.wrappers import GPWorkbook

# Larger tables take gptables half a minute and more than a gigabyte, and nobody reads them in a spreadsheet.
MOST_CELLS = 1_000_000
LONGEST_TEXT = 32_767
# Whole numbers from here on a spreadsheet would round.
EXACT = 10**15
# And a larger number it does not read.
LARGEST = 9.9e307
NARROWEST, WIDEST = 10, 60

WITHHELD, NOT_AVAILABLE, NOTHING = "[c]", "[x]", "[z]"
MARKS: Mapping[str, str] = {
    WITHHELD: "confidential: withheld, so that nothing is told of a person, a home or a device",
    NOT_AVAILABLE: "not available: there is no figure",
    NOTHING: "not applicable: there is nothing to say",
}
CUT = " [cut: the whole text is in the CSV]"
# gptables refuses a cell without a letter or digit, makes a link of the second, and looks for a note in the third.
AWKWARD = re.compile(r"^[^a-zA-Z0-9]*$|\[.+\]\(.+\)|\$\$")


def write_workbook(release: Release, folder: Path) -> list[Path]:
    """Write a release as an accessible workbook, named after it.

    Parameters
    ----------
    release
        What is released. A table of more than `MOST_CELLS` cells, or without rows, is not in the workbook, whose notes
        then say so.
    folder
        Where the file is written.
    """
    import gptables

    path = folder / f"{release.identifier}.xlsx"
    sheets = {"Table": _table(release)} if _holds_table(release) else {}
    sheets["Columns"] = _columns(release.table)
    book = gptables.produce_workbook(
        filename=str(path),
        sheets=sheets,
        cover=_cover(release),
        notes_table=_notes(release),
        auto_width=False,
        # Text is text: neither what looks like a formula nor what looks like an address is run or followed.
        workbook_options={"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    for label, width in (("Contents", (NARROWEST, WIDEST)), ("Notes", (NARROWEST, WIDEST))):
        _set_widths(book, label, width)
    for label, sheet in sheets.items():
        _set_widths(book, label, [_width(name, sheet.table[name]) for name in sheet.table])
    title = f"{release.table.name}, release {release.version}"
    book.set_properties({"title": title, "company": release.office.name, "created": release.released_utc})
    book.close()
    return [path]


def _holds_table(release: Release) -> bool:
    return 0 < release.rows.height * release.rows.width <= MOST_CELLS


def _table(release: Release) -> "GPTable":
    import gptables

    table = release.table
    return gptables.GPTable(
        table=_cells(release),
        table_name="released",
        title=f"{table.name}, release {release.version}",
        subtitles=[_plain(table.description)],
        source=_plain(f"Source: {table.source}"),
        legend=[f"{mark} = {meaning}" for mark, meaning in MARKS.items()],
        instructions="This worksheet contains one table. Notes are on the notes worksheet. $$withheld$$ $$digits$$",
        index_columns={},
    )


def _cells(release: Release) -> "pd.DataFrame":
    """Return the cells of the table: numbers, truth values, text that is no formula, and marks."""
    import pandas as pd

    told = {each.name for each in figures(release.table)}
    text = neutralised(release.rows.select(_text(column) for column in release.table.columns))
    cells = {}
    for column in release.table.columns:
        values = release.rows[column.name] if column.dtype.is_numeric() or column.dtype == pl.Boolean() else None
        empty = NOT_AVAILABLE if column.name in told else NOTHING
        hidden = release.rows.select(withheld(release.table, column.name)).to_series()
        marks = [WITHHELD if each else empty for each in hidden]
        shown = values if values is not None and not _is_rounded(values) else text[column.name]
        cells[column.name] = [_cell(value, mark) for value, mark in zip(shown, marks, strict=True)]
    return pd.DataFrame(cells, dtype=object)


def _text(column: Column) -> pl.Expr:
    value = pl.col(column.name)
    if isinstance(column.dtype, pl.List):
        return value.cast(pl.List(pl.String())).list.join(" ")
    if isinstance(column.dtype, pl.Datetime):
        return value.dt.strftime("%Y-%m-%d %H:%M:%S")
    return value.cast(pl.String())


def _is_rounded(values: pl.Series) -> bool:
    """Whether a spreadsheet would round some of whole numbers, such as identifiers; then all are written as text."""
    return values.dtype.is_integer() and not values.cast(pl.Int64()).is_between(-EXACT, EXACT).fill_null(True).all()


def _cell(value: Any, mark: str) -> Any:
    if value is None or value != value:
        return mark
    if isinstance(value, float) and abs(value) > LARGEST:
        return str(value)
    if not isinstance(value, str):
        return value
    if not value.strip():
        return NOTHING
    if len(value) > LONGEST_TEXT:
        value = value[: LONGEST_TEXT - len(CUT)] + CUT
    return _as_it_is(value) if AWKWARD.search(value) else value


def _as_it_is(text: str) -> "FormatList":
    """Return text as gptables writes it without looking at it."""
    from gptables.core.gptable import FormatList

    return FormatList([{}, text])


def _plain(text: str) -> str | list[str | dict[str, str]]:
    return [{}, text] if AWKWARD.search(text) else text


def _columns(table: Table) -> "GPTable":
    import gptables
    import pandas as pd

    rows = [
        {
            "Column": column.name,
            "Meaning": _cell(column.description, NOTHING),
            "Unit": (unit(column.name) or ("", NOTHING))[1],
            "Tells rows apart": "yes" if column.name in table.key else "no",
        }
        for column in table.columns
    ]
    return gptables.GPTable(
        table=pd.DataFrame(rows),
        table_name="meanings",
        title=f"Columns of {table.name}",
        instructions="This worksheet contains one table: what each column of the release means. $$rows$$",
        index_columns={},
    )


def _cover(release: Release) -> "Cover":
    import gptables

    table, office = release.table, release.office
    return gptables.Cover(
        title=f"{table.name}, release {release.version}",
        intro=[_plain(table.description), _plain(f"Released on {release.released_utc:%d %B %Y} by the {office.name}.")],
        about=[_plain(each) for each in release.quality] or [_plain(f"Source: {table.source}")],
        contact=[_plain(f"{table.owner}, {office.name}"), office.homepage, _plain(f"Licence: {office.licence_name}")],
    )


def _notes(release: Release) -> "pd.DataFrame":
    import pandas as pd

    rows, columns = release.rows.height, release.rows.width
    size = f"The release has {counted(rows, 'row')} of {counted(columns, 'column')}."
    if rows and not _holds_table(release):
        size += " That is more than a workbook is good for, and so it holds no table: the CSV of the release does."
    notes = {
        "withheld": "Marks in the place of a figure say why there is none. A withheld figure is not zero.",
        "digits": "A workbook holds 15 digits of a number. The CSV of the release has all of them. Text that a "
        "spreadsheet would run as a formula has an apostrophe before it.",
        "rows": size,
    }
    held = notes if _holds_table(release) else {"rows": size}
    return pd.DataFrame({"reference": list(held), "Note": list(held.values())})


def _width(name: str, values: "pd.Series[Any]") -> int:
    """Return the width of a column, in characters of the usual font; that of the theme is wider by a fifth."""
    longest = max((len(getattr(each, "string", None) or str(each)) for each in values), default=0)
    return min(max(6 * max(longest, len(name)) // 5 + 2, NARROWEST), WIDEST)


def _set_widths(book: "GPWorkbook", label: str, widths: Sequence[int]) -> None:
    sheet = book.get_worksheet_by_name(label)
    for number, width in enumerate(widths):
        sheet.set_column(number, number, width)
