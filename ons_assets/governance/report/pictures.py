"""Pictures of the report: faults of a table over time, and days with and without data."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from markupsafe import Markup

from ons_assets.drawing import svg_of
from ons_assets.governance.report.facts import Light, Publication, SourceFacts, TableQuality
from ons_assets.governance.report.page import Figure
from ons_assets.wording import counted

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
WIDTH, ROW = 760, 22
# More bars than that are no longer told apart on paper.
MOST_BARS = 30
# And so few are said in a sentence.
FEWEST_BARS = 3
MET, WARNED, REFUSED, MISSING = "#5b7f95", "#c77c11", "#b3261e", "#8a9097"
STATES = {"data": ("data", MET), "refused": ("refused", WARNED), "none": ("no data", REFUSED)}
QUALITY_COLOURS = {Light.BAD.value: REFUSED, Light.LOOK.value: WARNED, Light.GOOD.value: MET, Light.NONE.value: MISSING}
CONFIG: dict[str, Any] = {
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {"gridColor": "#9aa1a855", "domainColor": MISSING, "tickColor": MISSING, "labelFontSize": 12,
             "titleFontSize": 12, "titleFontWeight": "normal"},
    "legend": {"labelFontSize": 12, "orient": "top", "title": None},
}  # fmt: skip


def faults_over_time(publications: Sequence[Publication]) -> Figure | str:
    """Return a picture of warnings and refused batches by publication, or a sentence where there were none.

    Parameters
    ----------
    publications
        Of a table, the newest first; of many, those of a week or a month are taken together.
    """
    first, last = publications[-1].published_utc, publications[0].published_utc
    span = f"{first:%d %B %Y} to {last:%d %B %Y}" if first.date() != last.date() else f"{last:%d %B %Y}"
    faulty = sum(bool(each.unmet or each.refused) for each in publications)
    if not faulty:
        return f"No fault in {counted(len(publications), 'publication')}, {span}."
    bars = _bars(publications)
    most = max(bar["warned"] + bar["refused"] for bar in bars)
    warned, refused = (sum(bar[kind] for bar in bars) for kind in ("warned", "refused"))
    words = (
        f"{counted(faulty, 'publication')} of {len(publications):,} had a fault, {span}: "
        f"{counted(warned, 'warning')}, {refused:,} refused {'batch' if refused == 1 else 'batches'}."
    )
    if len(publications) < FEWEST_BARS:
        return words
    values = [
        {"time": bar["time"].isoformat(), "what": what, "number": bar[kind]}
        for bar in bars
        for kind, what in (("warned", "warnings"), ("refused", "refused batches"))
        if bar[kind]
    ]
    # So that a quiet year looks like one.
    reach = [first.isoformat(), last.isoformat()]
    specification = {
        "$schema": SCHEMA,
        "description": words,
        "width": WIDTH,
        "height": 120,
        "config": CONFIG,
        "data": {"values": values},
        "mark": {"type": "bar", "width": max(3, min(14, WIDTH // (2 * len(bars))))},
        "encoding": {
            "x": {"field": "time", "type": "temporal", "title": None,
                  "scale": {"domain": reach, "padding": 10} if first != last else {"padding": 10},
                  "axis": {"format": "%d %b %Y", "labelOverlap": True, "tickCount": 6, "grid": False}},
            "y": {"field": "number", "type": "quantitative", "title": None,
                  "axis": {"format": "d", "values": _whole(most)}},
            "color": {"field": "what", "type": "nominal",
                      "scale": {"domain": ["warnings", "refused batches"], "range": [WARNED, REFUSED]}},
        },
    }  # fmt: skip
    return Figure(_drawn(specification), words)


def _whole(most: int) -> list[int]:
    """At most five whole numbers from none to the most."""
    return list(range(0, most + 1, max(1, -(-most // 4))))


def _bars(publications: Sequence[Publication]) -> list[dict[str, Any]]:
    """Publications one by one, or by week, or by month: as fine as can be told apart."""
    for begin in (_itself, _week, _month):
        bars: dict[datetime | date, dict[str, Any]] = {}
        for each in reversed(publications):
            bar = bars.setdefault(begin(each.published_utc), {"warned": 0, "refused": 0})
            bar["warned"] += each.unmet
            bar["refused"] += each.refused
        if len(bars) <= MOST_BARS:
            break
    return [{"time": time, **bar} for time, bar in bars.items()]


def _itself(time: datetime) -> datetime | date:
    return time


def _week(time: datetime) -> datetime | date:
    return time.date() - timedelta(days=time.weekday())


def _month(time: datetime) -> datetime | date:
    return time.date().replace(day=1)


def calendar(sources: Sequence[SourceFacts]) -> Figure | None:
    """Return a picture of the days of all sources that have days; None if none has.

    Parameters
    ----------
    sources
        Each is a line of the picture.
    """
    dated = [source for source in sources if source.spells]
    if not dated:
        return None
    values = [
        {"source": spell.source, "state": STATES[spell.state][0], "from": spell.first.isoformat(),
         "to": (spell.last + timedelta(days=1)).isoformat()}
        for source in dated for spell in source.spells
    ]  # fmt: skip
    outages = sum(spell.days for source in dated for spell in source.outages)
    words = f"Days with and without data of {counted(len(dated), 'source')}: {counted(outages, 'day')} without."
    return Figure(_drawn(_strips(values, "source", "state", dict(STATES.values()), words)), words)


def dimensions_over_time(quality: TableQuality) -> Figure | None:
    """Return a picture of how dimensions of quality stood day by day; None where there is one day only, or none."""
    days = [day for stretch in quality.stretches for day in (stretch.first, stretch.last)]
    if not days or min(days) == max(days):
        return None
    step = timedelta(days=1)
    values = [
        {"dimension": each.dimension, "state": each.light.value, "from": each.first.isoformat(),
         "to": (each.last + step).isoformat()}
        for each in quality.stretches
    ]  # fmt: skip
    faults = [each for each in quality.stretches if each.light in (Light.BAD, Light.LOOK)]
    which = "days of the data" if quality.by_partition else "days of evaluations"
    said = ", ".join(dict.fromkeys(each.dimension for each in faults)) or "none"
    words = f"Quality by {which}, {min(days)} to {max(days)}. With something to look at or act on: {said}."
    return Figure(_drawn(_strips(values, "dimension", "state", QUALITY_COLOURS, words)), words)


def _strips(
    values: list[dict[str, str]], line: str, state: str, colours: Mapping[str, str], words: str
) -> dict[str, Any]:
    """A strip of days for each of some names, coloured by how the days stand."""
    return {
        "$schema": SCHEMA,
        "description": words,
        # Letters of the reader's system may be wider than those that the library measures with.
        "padding": {"left": 25, "right": 5, "top": 5, "bottom": 5},
        "width": WIDTH - 80,
        "height": {"step": ROW},
        "config": CONFIG,
        "data": {"values": values},
        "mark": {"type": "bar", "height": 13},
        "encoding": {
            "y": {"field": line, "type": "nominal", "title": None, "axis": {"labelLimit": 140}},
            "x": {"field": "from", "type": "temporal", "title": None,
                  "axis": {"format": "%d %b %Y", "tickCount": 6, "labelOverlap": True}},
            "x2": {"field": "to"},
            "color": {"field": state, "type": "nominal",
                      "scale": {"domain": list(colours), "range": list(colours.values())}},
        },
    }  # fmt: skip


def _drawn(specification: dict[str, Any]) -> Markup:
    # What the library draws has its text escaped.
    return Markup(svg_of(specification))
