"""The report of a month in the length of a mail, as Markdown."""

import re
from collections import Counter
from collections.abc import Iterator

from ons_assets.governance.report.facts import Facts, Light
from ons_assets.governance.report.judgement import how_many_may, may_be_published, may_leave, stands, tasks
from ons_assets.governance.report.pages import by_when, day
from ons_assets.wording import OBEYED, counted, one_line

# What somebody reads in a mail; the pages have all.
MOST, LONGEST = 8, 220
MARKUP = re.compile(r"([\\`*\[\]<>|~&@]|(?<!\w)_|_(?!\w)|:(?=//)|(?<=www)\.)")


def summary(facts: Facts) -> str:
    """Return the summary of the days between `since_utc` and `until_utc`.

    Parameters
    ----------
    facts
        Of the home.
    """
    return "\n".join(_lines(facts)).translate(OBEYED) + "\n"


def _lines(facts: Facts) -> Iterator[str]:
    lights = Counter(stands(table).light for table in facts.tables)
    yield f"# Data quality, {day(facts.since_utc)} to {day(facts.until_utc)}"
    yield ""
    yield (
        f"{counted(lights[Light.GOOD], 'table')} in order, {lights[Light.LOOK]:,} to look at, "
        f"{lights[Light.BAD]:,} to act on, {lights[Light.NONE]:,} never made. {_short(facts.office)}."
    )
    todo = [
        f"**{task.light}**, by when: {by_when(task, facts)}. "
        f"{_short(task.about)}: {_short(task.what).removesuffix('.')}. {_short(task.todo)}"
        for task in tasks(facts)
    ]
    yield from _list("What needs a person", todo)
    refused = [each for each in facts.refusals if facts.since_utc < each.when_utc <= facts.until_utc]
    whole = [each for each in refused if each.whole]
    said = [f"{_short(each.name)}: {_short(' '.join(each.notes) or each.reason)}" for each in whole]
    if rows := sum(each.rows for each in refused if not each.whole):
        said.insert(0, f"{counted(rows, 'single row')} of {counted(len(refused) - len(whole), 'file')}")
    yield from _list(f"What was refused ({len(whole):,} whole)", said)
    files = Counter[str]()
    for source in facts.sources:
        files[source.name] = sum(spell.days for spell in source.outages)
    gaps = [f"{_short(name)}: {counted(days, 'day')} without data" for name, days in files.most_common() if days]
    yield from _list("Outages", gaps)
    made = [table for table in may_leave(facts) if table.latest]
    yield ""
    yield "## What may be published"
    yield ""
    yield how_many_may([may_be_published(table) for table in made])
    releases = [
        f"{_short(change.subject)}: {_short(change.said)}" for change in facts.changes if change.kind == "releases"
    ]
    yield from _list("Releases", releases)
    changed = [
        f"{_short(change.subject)}: {_short(change.said)}"
        for change in facts.changes
        if change.kind in ("parameters", "suites", "erasures")
    ]
    yield from _list("Methods and bounds that changed, and erasures", changed)


def _list(title: str, lines: list[str]) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield from (f"- {line}" for line in lines[:MOST])
    if len(lines) > MOST:
        yield f"- and {len(lines) - MOST:,} more, in the report"
    if not lines:
        yield "Nothing."


def _short(text: str) -> str:
    """A text that is no markup, and in which no address becomes a link; readable also as it is."""
    line = one_line(text)
    return MARKUP.sub(r"\\\1", line if len(line) <= LONGEST else f"{line[:LONGEST]} …")
