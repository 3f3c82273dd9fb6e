"""The pages of the report but those of tables: overview, what was refused, outages, disclosure, releases, changes."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from ons_assets.governance.releases.barred import barred
from ons_assets.governance.report.facts import Facts, Judgement, Light, Refusal, TableFacts
from ons_assets.governance.report.judgement import (
    Task,
    days_late,
    how_many_may,
    is_late,
    may_be_published,
    may_leave,
    released,
    stands,
    tasks,
)
from ons_assets.governance.report.page import (
    Block,
    Cell,
    Day,
    FileName,
    Heading,
    Link,
    Page,
    Section,
    Site,
    Tabular,
    Tally,
)
from ons_assets.governance.report.pictures import calendar
from ons_assets.governance.report.reasons import added_up
from ons_assets.lakehouse.tables import Sensitivity
from ons_assets.wording import counted

START, REFUSED, OUTAGES, DISCLOSURE, RELEASES, CHANGES = (
    f"{name}.html" for name in ("index", "refused", "outages", "disclosure", "releases", "changes")
)
PAGES = (
    (START, "Overview"),
    (REFUSED, "Refused"),
    (OUTAGES, "Outages"),
    (DISCLOSURE, "Disclosure"),
    (RELEASES, "Releases"),
    (CHANGES, "Changes"),
)
KINDS = {
    "tables": "Tables",
    "files": "Files",
    "releases": "Releases",
    "erasures": "Erasures",
    "suites": "What tables are held against",
    "parameters": "Parameters of methods",
    "program": "Program",
}
ORDER = (Light.BAD, Light.LOOK, Light.GOOD, Light.NONE)
SAID = {
    Light.GOOD: "made, and no fault is known",
    Light.LOOK: "made, with something to look at",
    Light.BAD: "refused, not fit to be told, or far from usual",
    Light.NONE: "never made: no data came yet",
}


NOTED_COLUMNS = ("Stream", "Source", "From", "To", "Why", "Known by", "Had later")
AUDIT_COLUMNS = ("Table", "Verdict", "Who is protected", "Fewest told", "Judged", "Withheld", "Learned")


def site(facts: Facts) -> Site:
    """Return what stands on every page.

    Parameters
    ----------
    facts
        Of the home.
    """
    return Site(facts.office, moment(facts.made_utc), facts.code_version, PAGES)


def day(when: datetime) -> str:
    """Return the day of a moment as it is written."""
    return day_of(when.date())


def day_of(when: date) -> str:
    """Return a day of the data as it is written."""
    return f"{when.day} {when:%B %Y}"


def moment(when: datetime) -> str:
    """Return a moment as it is written."""
    return f"{day(when)} at {when:%H:%M} UTC"


def second(when: datetime) -> str:
    """Return a moment to the second as it is written."""
    return f"{day(when)} at {when:%H:%M:%S} UTC"


def path_of(table: str) -> str:
    """Return where the page of a table lies."""
    return f"tables/{table}.html"


def link_to(table: str) -> Link:
    """Return a link to the page of a table."""
    return Link(path_of(table), table)


def overview(facts: Facts) -> Page:
    """Return the start page: how things stand, what needs a person, what was refused, what may be published."""
    judged = {table.table.name: stands(table) for table in facts.tables}
    lights = Counter(judgement.light for judgement in judged.values())
    todo = tasks(facts)
    urgent = sum(task.light is Light.BAD for task in todo)
    late = sum(is_late(task, facts) for task in todo)
    lead = [
        f"{counted(lights[Light.GOOD], 'table')} in order, {lights[Light.LOOK]:,} to look at, "
        f"{lights[Light.BAD]:,} to act on. {_things(len(todo))} a person, {urgent or 'none'} of them now; "
        f"{late or 'none'} {_is(late)} late."
        if todo
        else f"{counted(lights[Light.GOOD], 'table')} in order, and nothing needs a person."
    ]
    tally = Tally([(Judgement(light, SAID[light]), lights[light]) for light in ORDER])
    sections = [
        Section("person", "What needs a person", _tasks(facts)),
        Section("refused", "What was refused this week", _refused_this_week(facts)),
        Section("published", "What may be published", _publishable(facts)),
        Section("tables", "All tables", list(_all_tables(facts, judged))),
    ]
    return Page(START, "How the figures stand", lead, sections, [tally])


def _is(number: int) -> str:
    return "are" if number > 1 else "is"


def by_when(task: Task, facts: Facts) -> str:
    """Return in words by when something is to be done."""
    if task.by is None:
        return "at once"
    late = f", {counted(days_late(task, facts), 'day')} late" if is_late(task, facts) else ""
    return f"{day_of(task.by)}{late}"


def _things(number: int) -> str:
    return "1 thing needs" if number == 1 else f"{number:,} things need"


def _tasks(facts: Facts) -> list[Block]:
    todo = tasks(facts)
    if not todo:
        return ["Nothing."]
    owners = {each.table.name: _owner(each) for each in facts.tables}
    rows = [
        [link_to(task.table) if task.table else task.about, Judgement(task.light, ""), by_when(task, facts),
         FileName(task.what), task.todo, owners.get(task.table or "", "")]
        for task in todo
    ]  # fmt: skip
    shown = rows[: facts.listed]
    columns = ("About", "How urgent", "By when", "What is the matter", "What to do", "Who answers for it")
    return [Tabular("Most urgent first", columns, shown, more=_more(len(rows), len(shown)))]


def _owner(table: TableFacts) -> str:
    return table.register.owner.name if table.register else table.table.owner


def _more(all_of_them: int, shown: int, where: str = "") -> str:
    return f"And {all_of_them - shown:,} more{where}." if all_of_them > shown else ""


def _refused_this_week(facts: Facts) -> list[Block]:
    return [*_refused_since(facts, facts.week_utc), Link(REFUSED, "All that is refused, with reasons")]


def _refused_since(facts: Facts, since: datetime) -> list[Block]:
    """What came and was refused since a moment, by source or table, with the reasons added up."""
    recent = [each for each in facts.refusals if each.when_utc > since]
    if not recent:
        return [f"Nothing since {day(since)}."]
    whole = sum(each.whole for each in recent)
    lost = sum(each.rows for each in recent if not each.whole)
    said = f"{counted(whole, 'file or run')} as a whole, and {counted(lost, 'single row')} of {len(recent) - whole:,}."
    groups: dict[str, list[Refusal]] = defaultdict(list)
    for each in recent:
        groups[f"files of {each.drop.source}" if each.drop else str(each.table)].append(each)
    rows: list[Sequence[Cell]] = []
    for about, refused in sorted(groups.items()):
        files = {each.drop.drop_id for each in refused if each.drop is not None}
        what = counted(len(files), "file") if files else counted(len(refused), "run")
        table = next((each.table for each in refused if each.table), None)
        last = max(each.when_utc for each in refused)
        why = tuple(FileName(each) for each in added_up(refused))
        rows.append([link_to(table) if table else about, about, what, sum(e.rows for e in refused), why, day(last)])
    columns = ("Table", "Of", "How many", "Rows", "Why, most often", "Last")
    shown = rows[: facts.listed]
    more = _more(len(rows), len(shown))
    return [said, Tabular(f"Since {day(since)}", columns, shown, numbers=("Rows",), more=more)]


def _publishable(facts: Facts) -> list[Block]:
    told = may_leave(facts)
    never = Counter(why for each in facts.tables if (why := barred(each.table)) is not None)
    made = [table for table in told if table.latest is not None]
    may = [may_be_published(each) for each in made]
    rows: list[Sequence[Cell]] = [
        [link_to(each.table.name), judged, released(each)] for each, judged in zip(made, may, strict=True)
    ]
    said = [
        *(f"{counted(number, 'table')} never: each {why}." for why, number in never.items()),
        f"{counted(len(told) - len(made), 'table')} that may be published were not made yet.",
    ]
    if not rows:
        return [*said, "Nothing that may be published was made yet."]
    columns = ("Table", "May it be published?", "What was released")
    said.append(how_many_may(may))
    return [*said, Tabular("Tables that were made, and may leave the house at all", columns, rows)]


def _all_tables(facts: Facts, judged: dict[str, Judgement]) -> Iterator[Block]:
    domains: dict[str, list[TableFacts]] = defaultdict(list)
    for table in facts.tables:
        domains[table.table.domain].append(table)
    for domain, tables in domains.items():
        rows: list[Sequence[Cell]] = []
        for each in tables:
            latest = each.latest
            made = ("", "") if latest is None else (latest.rows, day(latest.published_utc))
            rows.append([link_to(each.table.name), judged[each.table.name], *made, _owner(each)])
        columns = ("Table", "How it stands", "Rows", "Made", "Owner")
        yield Heading(domain.capitalize())
        yield Tabular(f"Tables of {domain}", columns, rows, numbers=("Rows",))


def refusal_rows(refusals: Iterable[Refusal]) -> Iterator[list[Cell]]:
    """Yield rows on what was refused: what, of which table, why, how much, when."""
    for each in refusals:
        table: Cell = link_to(each.table) if each.table else "none: it could not be read"
        # Reasons of former days have what the suite says apart.
        apart = [note for note in each.notes if note not in each.reason]
        why: tuple[Cell, ...] = tuple(FileName(said) for said in (*apart, each.reason) if said)
        what = "all of it" if each.whole else "single rows"
        yield [FileName(each.name), table, why, what, each.rows, day(each.when_utc)]


REFUSAL_COLUMNS = ("File or run", "Table", "Why", "What", "Rows", "When")


def refused_page(facts: Facts) -> Page:
    """Return the page on what was refused and still is."""
    files = [each for each in facts.refusals if each.whole and each.drop is not None]
    runs = [each for each in facts.refusals if each.whole and each.drop is None]
    rows = [each for each in facts.refusals if not each.whole]
    lead = [
        "What could not be read, or did not meet what is expected of it, is published nowhere: it is kept with its "
        "reason until it is corrected.",
        "Files about people are called by their number, because suppliers call files after meters and users.",
    ]
    month = Section("month", "In short, by source", _refused_since(facts, facts.since_utc))
    sections = [
        month,
        *(
            Section(anchor, title, _listed(caption, found, facts.listed))
            for anchor, title, caption, found in (
                ("files", "Files and batches of files", "Refused as a whole", files),
                ("tables", "Tables made of other tables", "Refused when they were made", runs),
                ("rows", "Single rows", "Files of which some rows could not be read; the others are taken", rows),
            )
        ),
    ]
    return Page(REFUSED, "What was refused, and why", lead, sections)


def _listed(caption: str, found: Sequence[Refusal], most: int) -> list[Block]:
    if not found:
        return ["Nothing."]
    rows = list(refusal_rows(found[:most]))
    where = "; ons-assets status and the table governance/drop_ledger have all"
    return [Tabular(caption, REFUSAL_COLUMNS, rows, numbers=("Rows",), more=_more(len(found), len(rows), where))]


def outages_page(facts: Facts) -> Page:
    """Return the calendar of outages."""
    noted: list[Sequence[Cell]] = [
        [each["stream"], each["for_source"], second(each["began_utc"]),
         second(each["ended_utc"]) if each["is_over"] else "lasts", FileName(each["outage_reason"] or ""),
         each["known_by"], _had_later(each)]
        for each in facts.outages
    ]  # fmt: skip
    told = noted[: facts.listed]
    by_collectors: list[Block] = [Tabular("Newest first", NOTED_COLUMNS, told, more=_more(len(noted), len(told)))]
    lead = [
        "Days without data, by source, between the first and the last day of its files.",
        "That a source has ended, or a file is late, is not seen here: look at when the last file came.",
        "Below them the outages that collectors of streams noted, or people.",
    ]
    dated = [source for source in facts.sources if source.spells]
    picture = calendar(dated)
    outages = [spell for source in dated for spell in source.outages]
    rows: list[Sequence[Cell]] = [
        [spell.source, Day(spell.first.isoformat()), Day(spell.last.isoformat()), spell.days, _missing(spell.state)]
        for spell in sorted(outages, key=lambda spell: (spell.last, spell.source), reverse=True)
    ]
    shown = rows[: facts.listed]
    days: list[Block] = [picture] if picture else ["No file with days came yet."]
    if rows:
        columns = ("Source", "First day", "Last day", "Days", "What")
        more = _more(len(rows), len(shown))
        days.append(Tabular("Days without data, the last ones first", columns, shown, numbers=("Days",), more=more))
    elif picture:
        days.append("No day is missing.")
    sources: list[Sequence[Cell]] = [
        [
            source.name,
            link_to(source.table) if source.table else "not said",
            day(source.last_received_utc),
            sum(source.files.values()),
            ", ".join(f"{number:,} {status}" for status, number in source.files.items()),
        ]
        for source in facts.sources
    ]
    columns = ("Source", "Table", "Last file", "Files", "What became of them")
    files: list[Block] = [Tabular("Sources of which a file ever came", columns, sources, numbers=("Files",))]
    return Page(
        OUTAGES,
        "Outages: days without data",
        lead,
        [
            Section("days", "Calendar", days),
            Section("noted", "Outages that are noted", by_collectors if noted else ["None was noted."]),
            Section("files", "Files by source", files if sources else ["No file came yet."]),
        ],
    )


def _had_later(outage: Mapping[str, Any]) -> str:
    since = outage["backfilled_from_utc"]
    if since is None:
        return "nothing"
    return "all" if since <= outage["began_utc"] else f"from {second(since)} on"


def _missing(state: str) -> str:
    return "all files of the day were refused" if state == "refused" else "no file"


def disclosure_page(facts: Facts) -> Page:
    """Return the page that says whether anybody can be identified."""
    aggregates = [each for each in facts.tables if each.table.sensitivity is Sensitivity.AGGREGATE]
    kinds = Counter(each.table.sensitivity for each in facts.tables)
    lead = [
        "Can a figure identify anybody? Every table that counts people, homes or devices passes a disclosure step "
        "before it is published, and an audit then attacks what was published.",
        f"{counted(kinds[Sensitivity.INDIVIDUAL], 'table')} about single people, homes or devices stay in the house; "
        f"{counted(kinds[Sensitivity.AGGREGATE], 'table')} of groups leave it through the step; "
        f"{counted(kinds[Sensitivity.PUBLIC], 'table')} are about nobody.",
    ]
    rows = [_audit_row(each) for each in aggregates if each.disclosure is not None]
    not_yet = [each.table.name for each in aggregates if each.disclosure is None]
    audit: list[Block] = []
    if facts.disclosure_utc is not None:
        audit.append(f"As the audit of {moment(facts.disclosure_utc)} has it.")
    audit += (
        [Tabular("Tables that were audited", AUDIT_COLUMNS, rows, numbers=AUDIT_COLUMNS[3:])]
        if rows
        else ["No table was audited yet."]
    )
    if not_yet:
        audit.append(f"Not audited, because never made: {', '.join(not_yet)}.")
    erased: list[Sequence[Cell]] = [
        [str(e["erasure_id"]), e["of_source"], FileName(e["stated_reason"]), e["erased_rows"] or 0, day(e["begun_utc"]),
         "not finished" if e["finished_utc"] is None else day(e["finished_utc"])]
        for e in reversed(facts.erasures)
    ]  # fmt: skip
    columns = ("Erasure", "Source", "Why", "Rows", "Asked for", "Done and proved")
    shown = erased[: facts.listed]
    erasures: list[Block] = (
        [Tabular("What was erased", columns, shown, numbers=("Rows",), more=_more(len(erased), len(shown)))]
        if erased
        else ["Nothing was erased."]
    )
    looks: list[Sequence[Cell]] = [
        [f"{e['month']:%B %Y}", e["accessed_source"], e["access_outcome"], e["accesses"]]
        for e in reversed(facts.accesses)
    ]
    asked = ("Month", "Source", "What became of it", "Requests")
    accesses: list[Block] = (
        [Tabular("Requests to look at a single unit", asked, looks[: facts.listed], numbers=("Requests",))]
        if looks
        else ["Nobody asked to look at a single unit."]
    )
    return Page(
        DISCLOSURE,
        "Disclosure: can anybody be identified?",
        lead,
        [
            Section("audit", "The audit", audit),
            Section("erasures", "Erasures", erasures),
            Section("accesses", "Looks at single homes", accesses),
        ],
    )


def _audit_row(table: TableFacts) -> list[Cell]:
    audit = table.disclosure or {}
    fewest = "" if audit["fewest"] is None else f"{audit['fewest']:g}"
    withheld = "" if audit["primary"] is None else audit["primary"] + (audit["secondary"] or 0)
    learned: Cell = "" if audit["exposed"] is None else audit["exposed"]
    cells = "" if audit["cells"] is None else audit["cells"]
    return [
        link_to(table.table.name), may_be_published(table), audit["protected_unit"] or "", fewest, cells, withheld,
        learned,
    ]  # fmt: skip


def releases_page(facts: Facts) -> Page:
    """Return the page on what left the house."""
    rows: list[Sequence[Cell]] = []
    for each in reversed(facts.releases):
        why = each.refusal or each.withdrawn_reason or each.approval_reason or ""
        version = "" if each.release_version is None else str(each.release_version)
        rows.append(
            [link_to(each.table_name), version, str(each.release_status), day(each.made_utc),
             FileName(each.approved_by), FileName(why), each.lake_version]
        )  # fmt: skip
    columns = ("Table", "Release", "Status", "Made", "Approved by", "Why", "Version in the lake")
    shown = rows[: facts.listed]
    more = _more(len(rows), len(shown))
    blocks: list[Block] = (
        [Tabular("Newest first", columns, shown, more=more)] if rows else ["Nothing was released yet."]
    )
    lead = ["What left the house: a release never changes, and one that is withdrawn stays known with its reason."]
    return Page(RELEASES, "Releases", lead, [Section("releases", "All releases and refusals", blocks)])


def changes_page(facts: Facts) -> Page:
    """Return the change log."""
    between = f"{moment(facts.since_utc)} and {moment(facts.until_utc)}"
    lead = [f"What changed between {between}."]
    sections = []
    for kind, title in KINDS.items():
        found = [change for change in facts.changes if change.kind == kind]
        known = {table.table.name for table in facts.tables}
        rows: list[Sequence[Cell]] = [
            [_about(each.subject, known), FileName(each.said), moment(each.when_utc)] for each in found[: facts.listed]
        ]
        more = _more(len(found), len(rows))
        table = Tabular(f"{title}, newest first", ("About", "What changed", "When"), rows, more=more)
        sections.append(Section(kind, title, [table] if rows else ["Nothing changed."]))
    return Page(CHANGES, "Change log", lead, sections)


def _about(subject: str, tables: Collection[str]) -> Cell:
    return link_to(subject) if subject in tables else subject


# The pages that are about no single table.
GENERAL_PAGES = (overview, refused_page, outages_page, disclosure_page, releases_page, changes_page)
