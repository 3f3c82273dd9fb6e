"""A trace in words: indented text for the terminal, the nearest first."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from ons_assets.governance.trace.behind import Behind, Contributions
from ons_assets.governance.trace.drops import LAYOUTS, File
from ons_assets.governance.trace.graph import Dependent, Made
from ons_assets.governance.trace.history import GROWING, UNKNOWN
from ons_assets.governance.trace.tracing import Impact, Trace, plain
from ons_assets.governance.trace.verification import Standing, Verdict
from ons_assets.lakehouse.commits import WHOLE, View
from ons_assets.wording import counted

INDENT = "  "
SHOWN_FILES, SHOWN_ROWS, SHOWN_COLUMNS, SHOWN_PARTITIONS = 12, 8, 7, 6
OF_THE_FILE = ("drop_sha256", "line")
TIME = "%Y-%m-%d %H:%M:%S UTC"
SHOWN_HASH = 12


def text(found: Trace) -> str:
    """Return a trace as text: the figure, the rows behind it, how it was made, and the files."""
    return "\n".join(
        [
            *_figure(found),
            *_behind(found),
            *_made(found),
            *_files(found.files),
            *_releases(found),
            *_doubts(found.origin.doubts),
        ]
    )


def title(found: Trace) -> str:
    """Return what is traced, in a line."""
    figure = found.figure
    what = f"{figure.table}, version {figure.version}"
    if figure.row is not None:
        return f"One figure of {what}"
    if UNKNOWN in figure.partitions:
        return f"{what}, of which no row can be read any more"
    return f"{what}: {counted(figure.rows, 'row')} of {partitions(figure.partitions)}"


def fields(row: Mapping[str, Any], names: Collection[str]) -> list[tuple[str, str]]:
    """Return some values of a row as they are written; without those that are empty.

    Parameters
    ----------
    row
        Of a table that is not about persons.
    names
        Columns.
    """
    return [(name, str(plain(row[name]))) for name in names if row[name] is not None]


def _figure(found: Trace) -> Iterator[str]:
    yield title(found)
    row, table = found.figure.row, found.table
    yield f"{INDENT}{table.description}"
    if row is not None:
        keys = ", ".join(f"{name} = {value}" for name, value in fields(row, table.key))
        yield f"{INDENT}{keys}"
        for name, value in fields(row, [each for each in table.column_names if each not in table.key]):
            yield f"{INDENT}{INDENT}{name} = {value}"


def _behind(found: Trace) -> Iterator[str]:
    if found.figure.row is None:
        return
    yield ""
    yield "Rows behind it, by its keys (others may count too: see the page of the method)"
    for number, each in enumerate(found.behind):
        yield f"{INDENT}{behind_in_words(each)}"
        if each.rows is not None and number == 0:
            yield from _rows(each.rows, telling(each.rows, found.table.key))
    if not found.behind:
        yield f"{INDENT}no input has its keys"
    for part in found.contributions:
        yield f"{INDENT}what contributes to it: {contributions_in_words(part)}"
        yield from _rows(part.rows, telling(part.rows, found.table.key))


def telling(rows: pl.DataFrame, known: Collection[str], most: int = SHOWN_COLUMNS) -> list[str]:
    """Return the columns by which rows are told apart in a line: not those that are the same in all of them.

    Parameters
    ----------
    rows
        That are shown.
    known
        Columns of the key of the figure, which all rows share.
    most
        Columns that are returned, beside those of the file and line.
    """
    names = [
        name
        for name, dtype in rows.schema.items()
        if name not in known
        and not isinstance(dtype, pl.Datetime | pl.List)
        and (len(rows) < 2 or rows[name].n_unique() > 1)
    ]
    return [
        *[name for name in names if name not in OF_THE_FILE][:most],
        *[each for each in OF_THE_FILE if each in names],
    ]


def behind_in_words(behind: Behind) -> str:
    """Say how many rows of an input were found, by what, and in how many files they came."""
    by = ", ".join(behind.by)
    if behind.rows is None:
        whom = "about persons, homes or devices; its rows are not told"
        return f"{behind.table}, version {behind.version}: {whom} (by {by})"
    came = f", of {counted(len(behind.drops), 'file')}" if behind.drops else ""
    return f"{behind.table}, version {behind.version}: {counted(len(behind.rows), 'row')}{came} (by {by})"


def contributions_in_words(part: Contributions) -> str:
    """Say where contributions are from."""
    table = f"{part.table}, version {part.version}"
    return f"{counted(len(part.rows), 'row')} of {table}" if part.how is None else f"of {table}: {part.how}"


def _rows(rows: pl.DataFrame, columns: Sequence[str]) -> Iterator[str]:
    for row in rows.head(SHOWN_ROWS).iter_rows(named=True):
        yield INDENT * 3 + ", ".join(f"{name} {_short(name, value)}" for name, value in fields(row, columns))
    if len(rows) > SHOWN_ROWS:
        yield INDENT * 3 + f"and {counted(len(rows) - SHOWN_ROWS, 'row')} more: --json has all"


def _short(name: str, value: str) -> str:
    return value[:SHOWN_HASH] if name == OF_THE_FILE[0] else value


def _made(found: Trace) -> Iterator[str]:
    yield ""
    yield "How it was made"
    for made in in_order(found):
        yield from _publication(found, made)


def in_order(found: Trace) -> list[Made]:
    """Return the publications behind a figure, the last one first."""
    return sorted(
        found.origin.made.values(), key=lambda each: (each.commit.published_utc, each.commit.number), reverse=True
    )


def _publication(found: Trace, made: Made) -> Iterator[str]:
    commit = made.commit
    of = f", {partitions(made.partitions)}" if made.partitions != {WHOLE} else ""
    yield f"{INDENT}{commit.table}, version {commit.number}, published {commit.published_utc:{TIME}}{of}"
    for label, said in facts(found, made):
        yield f"{INDENT * 2}{label}: {said}"


def facts(found: Trace, made: Made) -> list[tuple[str, str]]:
    """Return what is known of a publication: label and words."""
    provenance = made.commit.provenance
    if provenance is None:
        return [("program", "nothing says what made it")]
    said = [
        ("program", f"{provenance.code_version}, run {provenance.run_id}"),
        ("data version", provenance.data_version),
        ("suite", suite_in_words(provenance.suite)),
    ]
    said += [("parameters", f"{group}: {_values(values)}") for group, values in _groups(provenance.settings)]
    files = [name for name in provenance.inputs if "/" not in name]
    if files:
        said.append(("made of", counted(len(files), "file")))
    said += [("made of", _input(found, name, of)) for name, of in provenance.inputs.items() if "/" in name]
    before = found.origin.views.get((made.commit.table, made.commit.number - 1))
    if before is not None and made.commit.table in GROWING:
        said.append(("made of", f"its version {before.version}: {view_in_words(before)}"))
    if not provenance.inputs:
        said.append(("made of", "what the home itself wrote down"))
    if provenance.disclosure:
        withheld = sum(account["primary"] + account["secondary"] for account in provenance.disclosure)
        cells = sum(account["cells"] for account in provenance.disclosure)
        said.append(("disclosure control", f"{withheld:,} of {counted(cells, 'figure')} withheld"))
    return said


def _input(found: Trace, name: str, version: str) -> str:
    if not version:
        return f"{name}, which was not there"
    number = int(version.split(":")[0])
    view = found.origin.views.get((name, number))
    if view is None:
        return f"{name}, version {number}, whose rows can no longer be read"
    return f"{name}, version {number}: {view_in_words(view)}"


def view_in_words(view: View) -> str:
    """Say which partitions of a version were read, and by which publications they were written."""
    rows = counted(int(view.parts["rows"].sum()), "row")
    numbers = sorted(set(view.parts["commit"]))
    by = f", written by versions {_spans(numbers)}" if len(numbers) > 1 or numbers != [view.version] else ""
    if set(view.parts["partition"]) == {WHOLE}:
        return f"{rows}{by}"
    return f"{rows} of {partitions(view.parts['partition'])}{by}"


def _spans(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:SHOWN_PARTITIONS]))
    return shown if len(numbers) <= SHOWN_PARTITIONS else f"{shown}, ... {numbers[-1]} ({len(numbers)} of them)"


def partitions(values: Collection[str]) -> str:
    """Name partitions: all of a few, else the first and the last, and how many there are."""
    ordered = sorted(values, key=lambda each: (len(each), each))
    if ordered == [WHOLE]:
        return "the whole table"
    if not ordered:
        return "no partition"
    if UNKNOWN in ordered:
        return "partitions that can no longer be told"
    if len(ordered) <= SHOWN_PARTITIONS:
        return f"{'partition' if len(ordered) == 1 else 'partitions'} {', '.join(ordered)}"
    return f"{len(ordered):,} partitions, {ordered[0]} to {ordered[-1]}"


def suite_in_words(suite: Mapping[str, Any]) -> str:
    """Say which suite audited a publication, and what it found."""
    known = str(suite.get("sha256", ""))[:SHOWN_HASH]
    if "evaluated" not in suite:
        refused, warned = suite.get("batches_refused", 0), len(suite.get("warnings", []))
        return f"{known}, batches refused: {refused:,}, warnings: {warned:,}"
    failures = suite.get("failures", [])
    met = f"{known}, {counted(suite['evaluated'], 'expectation')}"
    if not failures:
        return f"{met}, all met"
    named = "; ".join(
        f"{each['expectation']} of {each['column'] or 'the table'} ({each['severity']})" for each in failures
    )
    return f"{met}, not met: {named}"


def _groups(settings: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(name, values) for name, values in sorted(settings.items()) if name != LAYOUTS]


def _values(values: Any) -> str:
    if not isinstance(values, dict):
        return str(values)
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def _files(files: Sequence[File]) -> Iterator[str]:
    yield ""
    yield f"Files: {len(files):,}"
    by_table: dict[str, list[File]] = {}
    for each in files:
        by_table.setdefault(each.table, []).append(each)
    for table, own in by_table.items():
        yield f"{INDENT}{table}: {counted(len(own), 'file')}; {own[0].supplier}"
        for each in own[:SHOWN_FILES]:
            yield f"{INDENT * 2}{each.sha256}"
            yield f"{INDENT * 3}{file_in_words(each)}"
        if len(own) > SHOWN_FILES:
            yield f"{INDENT * 2}and {counted(len(own) - SHOWN_FILES, 'file')} more: --json has all"


def file_in_words(file: File) -> str:
    """Say what is known of a file, in a line."""
    said = [
        file.name or "unknown to the ledger",
        f"received {file.received_utc:{TIME}}" if file.received_utc else None,
        f"layout {file.layout}" if file.layout else None,
        None if file.rows is None else counted(file.rows, "row"),
        file.said,
    ]
    return ", ".join(each for each in said if each)


def _releases(found: Trace) -> Iterator[str]:
    if found.releases:
        yield ""
        yield "Released"
        for each in found.releases:
            yield f"{INDENT}{release_in_words(each)}"


def release_in_words(entry: Any) -> str:
    """Say which release it is, when it was made, and what became of it."""
    return (
        f"release {entry.release_version} of {entry.table_name}, made {entry.made_utc:{TIME}}, "
        f"approved by {entry.approved_by}: {entry.release_status}"
    )


def _doubts(doubts: Sequence[str]) -> Iterator[str]:
    yield ""
    if doubts:
        yield "What can no longer be said exactly"
        yield from (f"{INDENT}{each}" for each in doubts)
    else:
        yield "Every partition and file above is exact: nothing on the way was forgotten."


def impact_text(found: Impact) -> str:
    """Return what is made of a file as text."""
    lines = [f"{found.name} of {found.source}, received {found.received_utc:{TIME}}", f"{INDENT}{found.sha256}"]
    lines += [f"{INDENT}{found.said}", ""] if found.said else [""]
    by_table: dict[str, list[Dependent]] = {}
    for each in found.dependents:
        by_table.setdefault(each.table, []).append(each)
    lines.append(
        f"Made of it: {counted(len(by_table), 'table')}" if by_table else "Nothing that is published is made of it"
    )
    for table, own in by_table.items():
        lines.append(f"{INDENT}{table}")
        by_versions: dict[tuple[int, int | None], list[Dependent]] = {}
        for each in own:
            by_versions.setdefault((each.first, each.last), []).append(each)
        for (first, last), of in by_versions.items():
            rows = [each.rows for each in of if each.rows is not None]
            its = f", {counted(sum(rows), 'row')} of it" if rows else ""
            lines.append(f"{INDENT * 2}{versions(first, last)}: {partitions([each.partition for each in of])}{its}")
    lines += ["", f"Released: {counted(len(found.releases), 'release')}"]
    lines += [f"{INDENT}{release_in_words(each)}" for each in found.releases]
    return "\n".join([*lines, *_doubts(found.doubts)])


def versions(first: int, last: int | None) -> str:
    """Name versions in which something is so."""
    if last is None:
        return f"version {first} and all later ones"
    return f"version {first}" if first == last else f"versions {first} to {last}"


def standing_text(found: Sequence[Standing]) -> str:
    """Say of versions of tables whether they could be made again, and why not."""
    lines = []
    for each in found:
        released = f", release {', '.join(map(str, each.releases))}" if each.releases else ""
        could = "could be made again" if not each.obstacles else "can no longer be verified"
        lines.append(f"{each.table}, version {each.version}{released}: {could}")
        lines += [f"{INDENT}{said}" for said in each.obstacles]
    lost = sum(bool(each.obstacles) for each in found)
    return "\n".join([*lines, f"{counted(len(found), 'version')}, {lost:,} of which can no longer be verified"])


def verdict_text(verdict: Verdict) -> str:
    """Say whether what was made again is what is published."""
    rows = f"{counted(verdict.rows, 'row')} of {verdict.table}, version {verdict.version}"
    what = f"{counted(verdict.cells, 'value')} in {rows}"
    if verdict.is_verified:
        lines = [f"Verified: made again of the archived files, {what} came out the same to the last bit."]
    else:
        lines = [f"Not verified: of {what}, {verdict.differing:,} did not come out the same."]
    for each in verdict.differences:
        key = ", ".join(f"{name} = {value}" for name, value in each.key.items())
        lines.append(f"{INDENT}{each.column} of {key}: {each.published!r} is published, {each.made!r} came out")
    if verdict.left_out:
        lines.append(f"{INDENT}not compared, since they say when it was published: {', '.join(verdict.left_out)}")
    return "\n".join([*lines, *(f"{INDENT}{note}" for note in verdict.notes)])
