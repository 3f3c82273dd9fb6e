"""What the facts mean: how a table stands, whether it may be published, and what needs a person."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import takewhile
from zoneinfo import ZoneInfo

from ons_assets.governance.releases.barred import barred
from ons_assets.governance.releases.release_ledger import Entry as Release
from ons_assets.governance.releases.release_ledger import ReleaseStatus
from ons_assets.governance.report.deadlines import due
from ons_assets.governance.report.facts import Facts, Judgement, Light, Refusal, TableFacts, TableQuality
from ons_assets.lakehouse.disclosure import Exempt, OfReleased
from ons_assets.lakehouse.tables import Sensitivity
from ons_assets.wording import counted

# The measure that tells again what the gate warned of.
EXPECTATIONS_MET = "expectations_met"
WORST_FIRST = (Light.BAD, Light.LOOK, Light.GOOD, Light.NONE, Light.NEVER)


@dataclass(frozen=True)
class Task:
    """Something that needs a person.

    Parameters
    ----------
    table
        Whose page says more; None if it is about no table.
    about
        What it is about, in words.
    what
        What is the matter.
    todo
        What to do.
    by
        Day by which it is to be done; None if nobody knows since when it has been so: at once.
    """

    light: Light
    table: str | None
    about: str
    what: str
    todo: str
    by: date | None


def stands(table: TableFacts) -> Judgement:
    """Return how a table stands: the worst that is known of it."""
    return min(_faults(table), key=lambda found: WORST_FIRST.index(found.light), default=_without_fault(table))


def _faults(table: TableFacts) -> Iterator[Judgement]:
    latest, refused = table.latest, open_refusals(table)
    if exposed := (table.disclosure or {}).get("exposed"):
        yield Judgement(Light.BAD, f"{counted(exposed, 'number')} that may not be told can be worked out of it.")
    if table.suite_fault is not None:
        yield Judgement(Light.BAD, "It cannot be made: its suite cannot be used.")
    if refused and latest is None:
        yield Judgement(Light.BAD, f"Never made: {_batches(refused)} refused.")
    elif refused and latest is not None and not made_of_files(table):
        since = f"the figures of {latest.published_utc:%d %B %Y} stand"
        yield Judgement(Light.BAD, f"Refused on {refused[0].when_utc:%d %B %Y}; {since}.")
    elif refused:
        yield Judgement(Light.LOOK, f"{_batches(refused)} refused; what the others say is in the table.")
    if latest is not None and table.quality is not None and table.quality.urgent:
        yield Judgement(table.quality.urgent[0].light, _urgent(table.quality))
    if latest is not None and latest.warnings:
        yield Judgement(Light.LOOK, f"Made with {counted(len(latest.warnings), 'warning')}.")


def _without_fault(table: TableFacts) -> Judgement:
    if table.latest is None:
        return Judgement(Light.NONE, "Never made.")
    evaluated = table.publications[0].evaluated
    met = f"met all {evaluated} expectations" if evaluated else "no batch was refused"
    return Judgement(Light.GOOD, f"Made on {table.latest.published_utc:%d %B %Y}, {met}.")


def _urgent(quality: TableQuality) -> str:
    """How many measures need a person, and the first of them."""
    first = quality.urgent[0]
    more = len(quality.urgent) - 1
    return f"{first.dimension.capitalize()}: {first.said}{f' And {more:,} more.' if more else ''}"


def made_of_files(table: TableFacts) -> bool:
    """Whether a table is read from files, and so a refusal is one of a file and not of the table."""
    return any(refusal.drop is not None for refusal in table.refusals) or bool(table.latest and table.latest.files)


def open_refusals(table: TableFacts) -> list[Refusal]:
    """Return what of a table is refused as a whole and was not made since, the newest first."""
    whole = [refusal for refusal in table.refusals if refusal.whole]
    if table.latest is None or made_of_files(table):
        return whole
    return [refusal for refusal in whole if refusal.when_utc > table.latest.published_utc]


def _batches(refused: Sequence[Refusal]) -> str:
    files = {refusal.drop.drop_id for refusal in refused if refusal.drop is not None}
    return f"{counted(len(files), 'file')} {_was(len(files))}" if files else f"{counted(len(refused), 'run')} was"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def may_be_published(table: TableFacts) -> Judgement:
    """Return whether a table may leave the house now, and why; not while it, or one behind it, is to be acted on."""
    if (why := barred(table.table)) is not None:
        return Judgement(Light.NEVER, f"It {why}.")
    if table.latest is None:
        return Judgement(Light.NONE, "It was never made.")
    if (own := stands(table)).light is Light.BAD:
        return Judgement(Light.BAD, f"Not now: {own.sentence}")
    if faults := faults_behind(table):
        first, fault = faults[0]
        more = f" And {counted(len(faults) - 1, 'more table')}." if faults[1:] else ""
        return Judgement(Light.BAD, f"Not now: {first.table.name}, which it is made of: {fault.sentence}{more}")
    if not table.latest.rows and not _standing(table):
        return Judgement(Light.NONE, "It has no rows: there is nothing to tell.")
    identifies = can_identify(table)
    if identifies.light is Light.NONE:
        return Judgement(Light.LOOK, "Not yet: the disclosure audit has not seen it.")
    private = identifies.sentence
    if any(each.lake_version == table.latest.number for each in _standing(table)):
        return Judgement(Light.GOOD, f"It is released. {private}")
    owner = table.register.owner.name if table.register else table.table.owner
    return Judgement(Light.GOOD, f"Ready: it waits for somebody to approve it ({owner}). {private}")


def can_identify(table: TableFacts) -> Judgement:
    """Return whether somebody can be identified by a table, and why."""
    declared, audit = table.table, table.disclosure
    if declared.is_individual:
        return Judgement(Light.NEVER, "It is about single people, homes or devices, and never leaves the house.")
    if isinstance(declared.disclosure, Exempt):
        return Judgement(Light.GOOD, f"Nobody can be identified: {declared.disclosure.reason}.")
    if declared.sensitivity is Sensitivity.PUBLIC:
        return Judgement(Light.GOOD, "Nobody can be identified: it is about no single person, home or device.")
    if audit is None:
        return Judgement(Light.NONE, "The disclosure audit has not seen it.")
    if exposed := audit["exposed"]:
        return Judgement(Light.BAD, f"{counted(exposed, 'number')} that may not be told can be worked out of it.")
    if isinstance(declared.disclosure, OfReleased):
        said = "Nobody can be identified: it is made only of tables that passed a disclosure step of their own."
        return Judgement(Light.GOOD, said)
    unit = audit["protected_unit"] or "units"
    few = "small groups" if audit["fewest"] is None else f"groups of fewer than {audit['fewest']:g} {unit}"
    withheld = (audit["primary"] or 0) + (audit["secondary"] or 0)
    said = f"Nobody can be identified: {few} are left out, {counted(withheld, 'figure')} in all."
    if audit["attacked"] is not None:
        said += f" An attack on {counted(audit['attacked'], 'figure')} learned nothing."
    return Judgement(Light.GOOD, said)


def faults_behind(table: TableFacts) -> list[tuple[TableFacts, Judgement]]:
    """Return the tables behind a table that somebody has to act on, the nearest first, and why."""
    stand = [(each, stands(each)) for each in table.behind]
    return [(each, judged) for each, judged in stand if judged.light is Light.BAD]


def look_at_first(table: TableFacts) -> list[tuple[TableFacts, Judgement]]:
    """Return the tables behind a table of which something is to be looked at or acted on, the most urgent first."""
    stand = [(each, stands(each)) for each in table.behind]
    found = [(each, judged) for each, judged in stand if judged.light in (Light.BAD, Light.LOOK)]
    return sorted(found, key=lambda each: WORST_FIRST.index(each[1].light))


def may_leave(facts: Facts) -> list[TableFacts]:
    """Return the tables of figures that nothing bars from leaving; those of the house about itself are none."""
    return [
        each
        for each in facts.tables
        if barred(each.table) is None
        and (each.table.domain != "governance" or isinstance(each.table.disclosure, OfReleased))
    ]


def how_many_may(judged: Sequence[Judgement]) -> str:
    """Return in a sentence how many tables may be published.

    Parameters
    ----------
    judged
        Of each, whether it may.
    """
    lights = Counter(each.light for each in judged)
    return (
        f"{counted(lights[Light.GOOD], 'table')} may be published as soon as somebody approves it, "
        f"{lights[Light.BAD]:,} not while something is to be acted on, {lights[Light.LOOK]:,} not yet."
    )


def released(table: TableFacts) -> str:
    """Return in a sentence what of a table was released."""
    standing = _standing(table)
    if not standing:
        withdrawn = any(each.release_status is ReleaseStatus.WITHDRAWN for each in table.releases)
        return "Withdrawn." if withdrawn else "Not released."
    last = standing[-1]
    said = f"Release {last.release_version} of {last.made_utc:%d %B %Y}, approved by {last.approved_by}."
    if table.latest is not None and table.latest.number > last.lake_version:
        said += f" It is of version {last.lake_version}; the table has version {table.latest.number} by now."
    return said


def _standing(table: TableFacts) -> list[Release]:
    return [each for each in table.releases if each.release_status is ReleaseStatus.RELEASED]


def tasks(facts: Facts) -> list[Task]:
    """Return what needs a person, the most urgent first."""
    kinds = (_register, _suites, _erasure, _exposures, _refused_tables, _refused_files, _measured, _warnings)
    found = [task for kind in kinds for task in kind(facts)]
    return sorted(found, key=lambda task: (WORST_FIRST.index(task.light), task.by or date.min))


def is_late(task: Task, facts: Facts) -> bool:
    """Return whether something should have been done before the day of the report."""
    return days_late(task, facts) > 0


def days_late(task: Task, facts: Facts) -> int:
    """Return how many days ago something should have been done, on the day of the report; 0 if it is not late."""
    return max((_local_day(facts.made_utc, facts) - task.by).days, 0) if task.by is not None else 0


def _local_day(when: datetime, facts: Facts) -> date:
    return when.astimezone(ZoneInfo(facts.time_zone)).date()


def _task(facts: Facts, light: Light, table: str | None, about: str, what: str, todo: str, since: date | None) -> Task:
    by = due(since, facts.working_days[light], facts.holidays) if since else None
    return Task(light, table, about, what, todo, by)


def _register(facts: Facts) -> Iterator[Task]:
    if facts.register_fault is not None:
        what = f"The register cannot be used: {facts.register_fault}."
        yield _task(facts, Light.BAD, None, "register", what, "Mend it.", None)


def _suites(facts: Facts) -> Iterator[Task]:
    for table in facts.tables:
        if table.suite_fault is not None:
            name = table.table.name
            what = f"It cannot be made, because its suite cannot be used: {table.suite_fault}."
            yield _task(facts, Light.BAD, name, name, what, f"Mend it, then: ons-assets materialize {name}", None)


def _erasure(facts: Facts) -> Iterator[Task]:
    if facts.unfinished_erasure:
        what = "An erasure was begun and is not finished."
        begun = [_local_day(each["begun_utc"], facts) for each in facts.erasures if each["finished_utc"] is None]
        todo = "Go on with it: ons-assets erase --resume."
        yield _task(facts, Light.BAD, None, "erasure", what, todo, min(begun, default=None))


def _exposures(facts: Facts) -> Iterator[Task]:
    for table in facts.tables:
        if (table.disclosure or {}).get("exposed"):
            todo = "Withdraw what was released of it, and make the table coarser before it is released again."
            # Since when is not known: it may have been told in earlier versions.
            name = table.table.name
            yield _task(facts, Light.BAD, name, name, stands(table).sentence, todo, None)


def _refused_tables(facts: Facts) -> Iterator[Task]:
    for table in facts.tables:
        refused = open_refusals(table)
        if refused and not made_of_files(table):
            said = " ".join(refused[0].notes) or refused[0].reason
            what = f"The gate refused it on {refused[0].when_utc:%d %B %Y}: {said}"
            todo = "Mend its inputs or its bounds, then: ons-assets materialize " + table.table.name
            name, since = table.table.name, _local_day(refused[-1].when_utc, facts)
            yield _task(facts, Light.BAD, name, name, what, todo, since)


def _refused_files(facts: Facts) -> Iterator[Task]:
    by_source: dict[str, list[Refusal]] = defaultdict(list)
    for refusal in facts.refusals:
        if refusal.whole and refusal.drop is not None:
            by_source[refusal.drop.source].append(refusal)
    published = {table.table.name for table in facts.tables if table.latest is not None}
    for source, refused in sorted(by_source.items()):
        files = {refusal.drop.drop_id for refusal in refused if refusal.drop is not None}
        table = next((refusal.table for refusal in refused if refusal.table is not None), None)
        light = Light.LOOK if table in published else Light.BAD
        newest = refused[0]
        why = " ".join(newest.notes) or newest.reason
        what = f"{counted(len(files), 'file')} refused, whole or in part; the last: {newest.name}: {why}"
        todo = "Ask for a corrected file and drop it; if a layout or a bound is at fault, mend it: ons-assets retry"
        yield _task(facts, light, table, f"files of {source}", what, todo, _local_day(refused[-1].when_utc, facts))


def _measured(facts: Facts) -> Iterator[Task]:
    """The most urgent measure of each table; a warning of the gate is a task of its own."""
    for table in facts.tables:
        warned = table.latest is not None and table.latest.warnings
        urgent = () if table.quality is None else table.quality.urgent
        measured = [each for each in urgent if not (warned and each.measure == EXPECTATIONS_MET)]
        if measured:
            first = measured[0]
            where = "" if first.partition == "all" else f" ({first.partition})"
            what = f"{first.dimension.capitalize()}{where}: {first.said}"
            since = min(each.since for each in measured if each.light is first.light)
            yield _task(facts, first.light, table.table.name, table.table.name, what, first.next_step, since)


def _warnings(facts: Facts) -> Iterator[Task]:
    for table in facts.tables:
        if table.latest is None or not table.latest.warnings:
            continue
        reason, notes = table.latest.warnings[0]
        more = len(table.latest.warnings) - 1
        what = f"Made with a warning: {notes or reason}{f' And {more} more.' if more else ''}"
        name = table.table.name
        todo = (
            f"See with ons-assets expectations show {name} what was expected, and look whether the figures are right."
        )
        warned = takewhile(lambda made: made.unmet, table.publications)
        since = min((made.published_utc for made in warned), default=table.latest.published_utc)
        yield _task(facts, Light.LOOK, name, name, what, todo, _local_day(since, facts))
