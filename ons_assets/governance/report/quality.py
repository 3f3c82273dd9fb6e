"""What the scorecard says of a table: how each dimension of its quality stands, day by day, and what is to be done."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from ons_assets.governance.report.facts import Light, Measured, Stretch, TableQuality
from ons_assets.governance.report.judgement import WORST_FIRST
from ons_assets.governance.scorecard.evaluation import latest
from ons_assets.governance.scorecard.judging import KEY
from ons_assets.governance.scorecard.measures import Dimension, Status

LIGHTS = {Status.ACT: Light.BAD, Status.WATCH: Light.LOOK, Status.GOOD: Light.GOOD, Status.NOT_JUDGED: Light.NONE}
WHOLE = "all"
# Measures that say of every table the same if nothing is wrong.
OF_EVERY_TABLE = {"expectations_met", "explained_parts", "explained_versions", "refused_batch"}
SHOWN = ("table_name", "partition_name", "dimension", "measure", "measured_of", "quality_status", "said", "next_step")
URGENCY = {Status.ACT: 2, Status.WATCH: 1}


def quality_of_tables(rows: pl.DataFrame, recent_days: int) -> dict[str, TableQuality]:
    """Return what the scorecard says, by table.

    Parameters
    ----------
    rows
        The table `governance/quality_scorecard`, with its history.
    recent_days
        Days before the newest day of a table that count for how it stands now; an old outage is known, and no news.
    """
    if rows.is_empty():
        return {}
    by_table = (
        rows.with_columns(since=_since())
        .sort("evaluated_utc")
        .partition_by("table_name", as_dict=True, maintain_order=True)
    )
    return {str(name): _of_table(of_table, recent_days) for (name,), of_table in by_table.items()}


def _since() -> pl.Expr:
    """Day of the evaluation from which on a measure has been as urgent as it is now, or more."""
    urgency, by_time = pl.col("quality_status").replace_strict(URGENCY, default=0), pl.col("evaluated_utc")
    last_calmer = by_time.filter(urgency < urgency.sort_by(by_time).last()).max()
    day = pl.col("evaluated_on")
    return day.filter((by_time > last_calmer) | last_calmer.is_null()).min().over(KEY)


def worst(lights: Iterable[Light]) -> Light:
    """Return the light that needs a person most.

    Parameters
    ----------
    lights
        Without any, nothing is known.
    """
    return min(lights, key=WORST_FIRST.index, default=Light.NONE)


def _of_table(rows: pl.DataFrame, recent_days: int) -> TableQuality:
    now = [_Row.of(row) for row in latest(rows).select(*SHOWN, "since").iter_rows(named=True)]
    days = [row.day for row in now if row.day is not None]
    since = max(days, default=date.min) - timedelta(days=recent_days) if days else date.min
    current = [row for row in now if row.day is None or row.day > since]
    of_dimension = {name: [row for row in current if row.dimension == name] for name in map(str, Dimension)}
    standing = {name: worst(row.light for row in found) for name, found in of_dimension.items() if found}
    urgent = sorted(
        (row for row in current if row.light in (Light.BAD, Light.LOOK)),
        key=lambda row: (WORST_FIRST.index(row.light), -(row.day or date.max).toordinal(), row.dimension, row.measure),
    )
    return TableQuality(
        dimensions=standing,
        measured={name: len(found) for name, found in of_dimension.items() if found},
        found={name: min(found, key=_says_least).said for name, found in of_dimension.items() if found},
        urgent=tuple(row.told() for row in urgent),
        stretches=tuple(_stretches(_by_day(now) if days else _by_evaluation(rows))),
        by_partition=bool(days),
    )


def _says_least(row: "_Row") -> tuple[int, int, bool, str]:
    """Order in which rows of a dimension are told: what is wrong, what is new, what not every table has."""
    return WORST_FIRST.index(row.light), -(row.day or date.max).toordinal(), row.measure in OF_EVERY_TABLE, row.measure


@dataclass(frozen=True)
class _Row:
    """A row of the scorecard."""

    partition: str
    dimension: str
    measure: str
    measured_of: str
    light: Light
    said: str
    next_step: str
    since: date

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "_Row":
        return cls(
            row["partition_name"],
            row["dimension"],
            row["measure"],
            row["measured_of"],
            LIGHTS[Status(row["quality_status"])],
            row["said"],
            row["next_step"],
            row["since"],
        )

    @property
    def day(self) -> date | None:
        """First day of the partition; None of the whole table."""
        if self.partition == WHOLE:
            return None
        return date.fromisoformat(self.partition if len(self.partition) > len("2016-07") else f"{self.partition}-01")

    def told(self) -> Measured:
        return Measured(self.light, self.dimension, self.measure, self.partition, self.said, self.next_step, self.since)


def _by_day(rows: Sequence[_Row]) -> dict[str, dict[date, Light]]:
    """The worst of each dimension on each day, or in each month, of the data."""
    found: dict[str, dict[date, Light]] = {}
    for row in rows:
        if row.day is not None:
            days = found.setdefault(row.dimension, {})
            days[row.day] = worst([row.light, days[row.day]]) if row.day in days else row.light
    return found


def _by_evaluation(rows: pl.DataFrame) -> dict[str, dict[date, Light]]:
    """The worst of each dimension after each evaluation; a row stands until another takes its place."""
    found: dict[str, dict[date, Light]] = {}
    standing: dict[str, dict[tuple[str, str], Light]] = {}
    columns = ("evaluated_on", "dimension", "measure", "measured_of", "quality_status")
    for on, dimension, measure, of, status in rows.select(columns).iter_rows():
        lights = standing.setdefault(dimension, {})
        lights[measure, of] = LIGHTS[Status(status)]
        found.setdefault(dimension, {})[on] = worst(lights.values())
    return found


def _stretches(found: Mapping[str, Mapping[date, Light]]) -> Iterator[Stretch]:
    """Days one after the other on which a dimension stands alike."""
    for dimension, days in sorted(found.items()):
        begun: tuple[date, date, Light] | None = None
        for day, light in sorted(days.items()):
            if begun is not None and begun[2] is light:
                begun = (begun[0], day, light)
                continue
            if begun is not None:
                yield Stretch(dimension, *begun)
            begun = (day, day, light)
        if begun is not None:
            yield Stretch(dimension, *begun)
