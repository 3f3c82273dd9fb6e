"""A trace as one page, in the form of those of the report: it fetches nothing, and all text of tables is escaped."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import polars as pl

from ons_assets.governance.releases.release_ledger import Entry
from ons_assets.governance.report.page import Block, Cell, Code, FileName, Heading, Page, Section, Site, Tabular
from ons_assets.governance.report.page import as_html as document
from ons_assets.governance.report.pages import moment
from ons_assets.governance.trace import words
from ons_assets.governance.trace.tracing import Trace
from ons_assets.program import code_version

SHOWN_ROWS, SHOWN_COLUMNS = 50, 12
FACTS = ("Fact", "Value")
FILES = ("File", "SHA-256", "Received", "Supplier", "Layout", "Rows", "Since then")
# Hashes, in rows that are shown.
HASHES = {"drop_sha256", "layout_sha256"}


def as_html(found: Trace, office: str, release: Entry | None = None) -> bytes:
    """Write the page.

    Parameters
    ----------
    found
        A figure, or all figures of a version.
    office
        Whose page it is.
    release
        Of which it is; None if it is of none.

    Returns
    -------
    bytes
        A document of HTML 5.
    """
    named = words.title(found)
    title = f"Where release {release.release_version} of {release.table_name} comes from" if release else named
    sections = [
        Section("figure", "What is traced", [*_figure(found, release)]),
        Section("behind", "Rows behind it", [*_behind(found)]),
        Section("made", "How it was made", [*_made(found)]),
        Section("files", "Files", [_files(found)]),
        Section("exact", "What is exact", [*_exact(found)]),
    ]
    site = Site(office, moment(datetime.now(UTC)), code_version(), (), "trace of published figures")
    return document(Page("trace.html", title, [], [each for each in sections if each.blocks]), site)


def _figure(found: Trace, release: Entry | None) -> Iterator[Block]:
    if release:
        yield words.title(found)
    yield found.table.description
    yield from (words.release_in_words(each) for each in ([release] if release else found.releases))
    if found.figure.row is not None:
        values = words.fields(found.figure.row, found.table.column_names)
        yield Tabular("The figure, column by column", ("Column", "Value"), values)
    elif not found.table.is_individual:
        first = found.table.key[0]
        yield "One figure of it is traced, with the rows behind it, by"
        yield Code(f"ons-assets trace {found.table.name} --version {found.figure.version} --where \"{first} = '...'\"")


def _behind(found: Trace) -> Iterator[Block]:
    for each in found.behind:
        yield Heading(words.behind_in_words(each))
        if each.rows is not None and len(each.rows):
            yield _frame(each.rows, each.table, found.table.key)
    for part in found.contributions:
        yield Heading(f"What contributes to it: {words.contributions_in_words(part)}")
        if len(part.rows):
            yield _frame(part.rows, part.table, found.table.key)


def _made(found: Trace) -> Iterator[Block]:
    for made in words.in_order(found):
        commit = made.commit
        yield Heading(f"{commit.table}, version {commit.number}")
        facts = [
            ("published", f"{commit.published_utc:{words.TIME}}"),
            ("wrote", words.partitions(made.partitions)),
            *((fact, Code(said)) for fact, said in words.facts(found, made)),
        ]
        yield Tabular(f"Version {commit.number} of {commit.table}", FACTS, facts)


def _files(found: Trace) -> Block:
    rows: list[tuple[Cell, ...]] = [
        (
            FileName(each.name or "unknown to the ledger"),
            Code(each.sha256),
            f"{each.received_utc:{words.TIME}}" if each.received_utc else "",
            each.supplier,
            Code(each.layout or ""),
            "" if each.rows is None else each.rows,
            each.said or "",
        )
        for each in found.files
    ]
    return Tabular(f"{len(rows):,} files", FILES, rows, numbers=("Rows",)) if rows else "It is made of no file."


def _exact(found: Trace) -> Iterator[Block]:
    if not found.origin.doubts:
        yield "Every partition and file above is exact: nothing on the way was forgotten."
    yield from found.origin.doubts


def _frame(rows: pl.DataFrame, name: str, known: Sequence[str]) -> Block:
    shown = words.telling(rows, known, SHOWN_COLUMNS)
    texts = []
    for row in rows.head(SHOWN_ROWS).iter_rows(named=True):
        said = dict(words.fields(row, shown))
        texts.append([Code(said.get(each, "")) if each in HASHES else said.get(each, "") for each in shown])
    more = f"The first {SHOWN_ROWS} of {len(rows):,} rows." if len(rows) > SHOWN_ROWS else ""
    return Tabular(f"Rows of {name}; what is the same in all of them is left out", tuple(shown), texts, more=more)
