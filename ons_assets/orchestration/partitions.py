"""Partitions of assets that are made by day: the days of which files of a source told, and those between.

Days without end, of which there are no data, would make "materialize all" a run over thousands of empty partitions. So
a day becomes a partition when a file tells of it; the days between are partitions, too, because that nothing came on
one of them is a finding.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

import dagster as dg

from ons_assets.intake.ledger import Ledger, Status
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.dagster_internals import tags_of_range

# What a run can make something of; a file that was not read yet tells of no day.
READ = (Status.READ, Status.ACCEPTED, Status.REFUSED, Status.SUPERSEDED)

Days = tuple[date, date]
# A longer silence is no outage: one wrong date of years ago would make thousands of days, which every run has to plan.
LONGEST_SILENCE_DAYS = 366


def partitions_of(raw_table: str) -> dg.DynamicPartitionsDefinition:
    """Return the partitions of what is made by the days of a raw table.

    Parameters
    ----------
    raw_table
        Its name in the registry.
    """
    return dg.DynamicPartitionsDefinition(name=f"days_of_{raw_table.replace('/', '_')}")


def add_days(home: Home, instance: dg.DagsterInstance, raw_table: str, days: Iterable[date]) -> None:
    """Have days be partitions, and with them those between, but for silences beyond a year; none is ever lost.

    Parameters
    ----------
    home
        In which one process adds days at a time.
    instance
        That knows the partitions.
    raw_table
        As for `partitions_of`.
    days
        That are new, or not.
    """
    name = str(partitions_of(raw_table).name)
    if not (wanted := {*days}):
        return
    with home.table_lock(name):
        known = instance.get_dynamic_partitions(name)
        wanted |= {date.fromisoformat(each) for each in known}
        if missing := [day for day in map(str, _without_gaps(sorted(wanted))) if day not in {*known}]:
            instance.add_dynamic_partitions(name, missing)


def add_days_of_ledger(home: Home, instance: dg.DagsterInstance, raw_table: str, source: str) -> None:
    """Have the days be partitions of which files of a source told, as the ledger has them.

    Parameters
    ----------
    home, instance, raw_table
        As for `add_days`.
    source
        Name of the source of the raw table.
    """
    add_days(home, instance, raw_table, {day for drop in Ledger(home).drops(source, READ) for day in drop.days})


def add_days_until(home: Home, instance: dg.DagsterInstance, raw_table: str, last: date) -> None:
    """Have the days until one be partitions that follow the first there is, if there is one: nothing came on them.

    Parameters
    ----------
    home, instance, raw_table
        As for `add_days`.
    last
        Of the days that somebody asks for.
    """
    known = instance.get_dynamic_partitions(str(partitions_of(raw_table).name))
    if known and last > date.fromisoformat(min(known)):
        add_days(home, instance, raw_table, [last])


def tags_of_days(instance: dg.DagsterInstance, raw_table: str, days: Days | None) -> dict[str, str]:
    """Return the tags of a run over the partitions from the first day to the last; none if there are none.

    Dagster has partitions in the order in which they came. A run over days of which some came later, as of a file of
    years ago, may so be one over more days: what is made once more is as it was.

    Parameters
    ----------
    instance, raw_table
        As for `add_days`.
    days
        First and last; None for all there are.
    """
    within = list(instance.get_dynamic_partitions(str(partitions_of(raw_table).name)))
    if days is not None:
        within = [each for each in within if days[0].isoformat() <= each <= days[1].isoformat()]
    return tags_of_range(within[0], within[-1]) if within else {}


def days_in(keys: Sequence[str]) -> Days:
    """Return the first and the last day of some partitions.

    Parameters
    ----------
    keys
        Of the partitions, in any order; one at least.
    """
    return date.fromisoformat(min(keys)), date.fromisoformat(max(keys))


def _without_gaps(days: Sequence[date]) -> Iterator[date]:
    """Days in order, and those between two of them that are not too far from each other."""
    for day, following in zip(days, [*days[1:], days[-1]], strict=True):
        silence = (following - day).days
        yield from (day + timedelta(number) for number in range(silence if silence <= LONGEST_SILENCE_DAYS else 1))
    yield days[-1]
