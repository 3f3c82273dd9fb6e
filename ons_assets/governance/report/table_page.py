"""The page of one table: what it is, whose it is, how good it is, where it comes from, what became of it."""

from collections.abc import Iterator, Sequence

import polars as pl

from ons_assets.governance.register import Entry
from ons_assets.governance.releases.words import trace_page
from ons_assets.governance.report.facts import Expectation, Input, Judgement, Light, TableFacts, TableQuality
from ons_assets.governance.report.judgement import can_identify, look_at_first, may_be_published, released, stands
from ons_assets.governance.report.methods import method_path
from ons_assets.governance.report.page import (
    Block,
    Cell,
    Code,
    Day,
    FactsList,
    FileName,
    Heading,
    Link,
    Page,
    Section,
    Tabular,
)
from ons_assets.governance.report.pages import REFUSAL_COLUMNS, day, day_of, link_to, moment, path_of, refusal_rows
from ons_assets.governance.report.pictures import dimensions_over_time, faults_over_time
from ons_assets.governance.scorecard.measures import Dimension
from ons_assets.lakehouse.tables import Column, DataType, Sensitivity
from ons_assets.wording import counted

# Tables behind one that its first lines name.
BEHIND = 3
NOT_MEASURED = "not measured: there is nothing that it could be held against"
KINDS = {pl.String: "text", pl.Boolean: "yes or no", pl.Date: "day", pl.Datetime: "time, UTC"}
SENSITIVITY = {
    Sensitivity.PUBLIC: "public: about no single person, home or device",
    Sensitivity.AGGREGATE: "aggregate: figures of groups; of people or homes, through disclosure control only",
    Sensitivity.INDIVIDUAL: "individual: rows about single people, homes or devices, which never leave the house",
}


def table_page(table: TableFacts, listed: int) -> Page:
    """Return the page of a table.

    Parameters
    ----------
    table
        What is known of it.
    listed
        Entries of a list at most; how many more there are is said.
    """
    sections = [
        Section("quality", "How good it is", _quality(table, listed)),
        Section("expectations", "What is expected of it", _expectations(table)),
        Section("refused", "What was refused", _refused(table, listed)),
        Section("lineage", "Where it comes from, and what is made of it", _lineage(table, listed)),
        Section("releases", "Releases", _releases(table, listed)),
        Section("columns", "Columns", _columns(table)),
    ]
    return Page(path_of(table.table.name), table.table.name, [table.table.description], sections, [_in_short(table)])


def _in_short(table: TableFacts) -> FactsList:
    declared, latest = table.table, table.latest
    items: list[tuple[str, Cell]] = [
        ("How it stands", stands(table)),
        *_looked_at_first(table),
        ("May it be published?", may_be_published(table)),
        ("Can it identify anybody?", can_identify(table)),
        ("By the register", table.register.release_status if table.register else released(table)),
        ("Owner", str(table.register.owner) if table.register else declared.owner),
        ("Source", declared.source),
        ("Who may see it", SENSITIVITY[declared.sensitivity]),
    ]
    if table.about:
        items.append(("Rule in words", table.about))
    if latest is not None:
        rows = f"{counted(latest.rows, 'row')}, version {latest.number} of {moment(latest.published_utc)}"
        items.append(("What there is", rows))
    items += _registered(table.register) if table.register else []
    if table.method is not None:
        items.append(("How it is made", Link(method_path(table.method), "the method")))
    return FactsList(items)


def _looked_at_first(table: TableFacts) -> list[tuple[str, Cell]]:
    """What is known of the tables behind it, and of which days its figures are."""
    found = look_at_first(table)
    items: list[tuple[str, Cell]] = []
    if found:
        said = [f"{each.table.name}: {judged.sentence}" for each, judged in found[:BEHIND]]
        more = [f"and {counted(len(found) - BEHIND, 'more table')}, below"] if found[BEHIND:] else []
        items.append(("Look first at what it is made of", tuple(FileName(each) for each in (*said, *more))))
    if table.quality is not None and table.quality.by_partition and table.quality.stretches:
        first = min(each.first for each in table.quality.stretches)
        last = max(each.last for each in table.quality.stretches)
        items.append(("Data of", f"{day_of(first)} to {day_of(last)}"))
    return items


def _registered(entry: Entry) -> list[tuple[str, Cell]]:
    """What the register says beside the owner."""
    return [
        ("Purpose", entry.purpose),
        ("Business rules", entry.business_rules or "none"),
        ("Supplier", entry.suppliers),
        ("Licence", entry.licences),
        ("Legal basis", entry.legal_basis),
        ("Kept how long", entry.retention),
        ("Changes", str(entry.update_cycle)),
        ("Risk owner", str(entry.information_risk_owner)),
        ("Data protection", str(entry.data_protection_officer)),
    ]


def _quality(table: TableFacts, listed: int) -> list[Block]:
    if not table.publications:
        return ["It was never made."]
    blocks: list[Block] = [*_dimensions(table.quality, listed)] if table.quality else []
    blocks += [Heading("What the gate found, version by version"), faults_over_time(table.publications)]
    if table.latest is not None and table.latest.warnings:
        rows = [
            [FileName(notes or reason), FileName(reason) if notes else ""] for reason, notes in table.latest.warnings
        ]
        shown = rows[:listed]
        columns = ("Warning", "As the gate has it")
        blocks.append(Tabular("Warnings of the version in force", columns, shown, more=_more(len(rows), len(shown))))
    versions: list[Sequence[Cell]] = [
        [
            str(each.number),
            moment(each.published_utc),
            "" if each.rows is None else each.rows,
            "" if each.evaluated is None else each.evaluated,
            each.unmet,
            each.refused,
        ]
        for each in table.publications[:listed]
    ]
    heads = ("Version", "Published", "Rows written", "Expectations", "Warnings", "Batches refused")
    more = _more(len(table.publications), len(versions))
    blocks.append(Tabular("Versions, newest first", heads, versions, numbers=heads[2:], more=more))
    return blocks


def _dimensions(quality: TableQuality, listed: int) -> Iterator[Block]:
    """The scorecard: each dimension now and over time, and what needs a person."""
    yield Heading("By dimension, as the scorecard has it")
    found: list[Sequence[Cell]] = [
        [name.capitalize(), Judgement(light, ""), FileName(quality.found[name]), quality.measured[name]]
        for name, light in quality.dimensions.items()
    ]
    lacking = [str(each) for each in Dimension if str(each) not in quality.dimensions]
    found += [[name.capitalize(), Judgement(Light.NONE, ""), NOT_MEASURED, 0] for name in lacking]
    columns = ("Dimension", "Stands", "What was found, such as", "Measures")
    yield Tabular("How it stands now", columns, found, numbers=("Measures",))
    picture = dimensions_over_time(quality)
    if picture is not None:
        yield picture
    if quality.urgent:
        rows: list[Sequence[Cell]] = [
            [each.dimension.capitalize(), Judgement(each.light, ""),
             "" if each.partition == "all" else Day(each.partition), FileName(each.said), FileName(each.next_step)]
            for each in quality.urgent[:listed]
        ]  # fmt: skip
        heads = ("Dimension", "Stands", "Day or month", "What was found", "What to do")
        more = _more(len(quality.urgent), len(rows))
        yield Tabular("What needs a person, the most urgent first", heads, rows, more=more)


def _more(all_of_them: int, shown: int) -> str:
    return f"And {all_of_them - shown:,} more." if all_of_them > shown else ""


def _expectations(table: TableFacts) -> list[Block]:
    said = "The gate has not looked at it yet."
    if table.audited_utc is not None:
        said = f"As the gate saw {table.audited_what}, on {table.audited_utc[:16].replace('T', ' at ')} UTC."
    if not table.table.is_individual and table.table.sensitivity is not Sensitivity.PUBLIC:
        said += " Of rows that have not passed disclosure control, only their numbers are told."
    if table.table.is_individual:
        said += " What was found in single rows is told nowhere."
    rows = [_expectation(each) for each in table.expectations]
    columns = ("What is expected", "Bound", "If not met", "What was found", "Met?")
    return [FileName(said), Tabular("Expectations", columns, rows)] if rows else [FileName(said)]


def _expectation(each: Expectation) -> list[Cell]:
    asked = f"{each.column}: {each.asked}" if each.column else each.asked
    what: Cell = (each.notes, Code(asked)) if each.notes else Code(asked)
    # What was not looked at is no fault.
    lights = {True: Judgement(Light.GOOD, ""), None: Judgement(Light.NONE, "")}
    light = Light.BAD if each.severity == "critical" else Light.LOOK
    consequence = {"critical": "it is refused", "warning": "published, with a warning", "info": "only told"}
    met: Cell = lights.get(each.met, Judgement(light, ""))
    return [what, each.bound, consequence.get(each.severity, each.severity), each.observed, met]


def _refused(table: TableFacts, listed: int) -> list[Block]:
    if not table.refusals:
        return ["Nothing waits to be corrected."]
    shown = [row[:1] + row[2:] for row in refusal_rows(table.refusals[:listed])]
    columns = tuple(name for name in REFUSAL_COLUMNS if name != "Table")
    more = _more(len(table.refusals), len(shown))
    return [Tabular("Refused, and waiting to be corrected", columns, shown, numbers=("Rows",), more=more)]


def _lineage(table: TableFacts, listed: int) -> list[Block]:
    latest = table.latest
    if latest is None:
        return ["It was never made."]
    blocks: list[Block] = []
    if behind := look_at_first(table):
        told: list[Sequence[Cell]] = [[link_to(each.table.name), judged] for each, judged in behind]
        blocks.append(Tabular("Behind it, and to be looked at first", ("Table", "How it stands"), told))
    blocks.append(Heading("Made of"))
    if latest.inputs:
        columns = ("Table", "Version")
        blocks.append(Tabular("Tables that the version in force was made of", columns, _hops(latest.inputs)))
    if latest.files:
        rows: list[Sequence[Cell]] = [
            [FileName(drop.name), Code((drop.sha256 or "")[:16]), day(drop.received_utc), str(drop.status)]
            for drop in latest.files[:listed]
        ]
        heads = ("File", "Hash of its content", "Came", "Status")
        more = _more(len(latest.files), len(rows))
        blocks.append(Tabular("Files that it was made of, the last ones first", heads, rows, more=more))
    if not latest.inputs and not latest.files:
        blocks.append("No other table and no file.")
    blocks.append(Heading("Made of it"))
    if table.made_of_it:
        columns = ("Table", "Version that was read")
        blocks.append(Tabular("Tables whose version in force was made of it", columns, _hops(table.made_of_it)))
    else:
        blocks.append("No table.")
    items = [
        ("Version of the data", Code(latest.data_version)),
        ("Program", Code(latest.code_version)),
        ("Run", Code(latest.run_id)),
    ]
    return [*blocks, Heading("Made by"), FactsList(items)]


def _hops(inputs: Sequence[Input]) -> list[list[Cell]]:
    return [
        [link_to(each.table), str(each.version) if each.version is not None else "none: it was not there yet"]
        for each in inputs
    ]


def _releases(table: TableFacts, listed: int) -> list[Block]:
    if not table.releases:
        return ["Nothing of it was released."]
    rows: list[Sequence[Cell]] = [
        [
            "" if each.release_version is None else str(each.release_version),
            str(each.release_status),
            day(each.made_utc),
            FileName(each.approved_by),
            FileName(each.refusal or each.withdrawn_reason or each.approval_reason or ""),
            str(each.lake_version),
        ]
        for each in reversed(table.releases)
    ]
    columns = ("Release", "Status", "Made", "Approved by", "Why", "Of version")
    more = _more(len(rows), len(rows[:listed]))
    made: list[Block] = [Tabular("Releases and refusals, newest first", columns, rows[:listed], more=more)]
    if any(each.release_version is not None for each in table.releases):
        # It names files, and so is no part of the report.
        page = trace_page(table.table.name, "N")
        made += ["Where the figures of release N come from says a page in the home:", Code(f"reports/trace/{page}")]
    return made


def _columns(table: TableFacts) -> list[Block]:
    rows = [
        [
            Code(column.name),
            column.description,
            _kind(column.dtype),
            _emptiness(table, column),
        ]
        for column in table.table.columns
    ]
    said = "Units stand in the names of columns: price_gbp, energy_kwh, start_utc."
    return [said, Tabular("Columns, in their order", ("Column", "What it means", "Type", "May be empty?"), rows)]


def _kind(dtype: DataType | pl.datatypes.DataTypeClass) -> str:
    """A type in the words of people."""
    if isinstance(dtype, pl.List):
        return f"list: {_kind(dtype.inner)}"
    of = next((words for kind, words in KINDS.items() if dtype == kind), None)
    return of or ("whole number" if dtype.is_integer() else "number" if dtype.is_numeric() else str(dtype))


def _emptiness(table: TableFacts, column: Column) -> str:
    if column.name in table.table.key:
        return "never: it is part of the key"
    return "yes" if column.nullable else "never"
