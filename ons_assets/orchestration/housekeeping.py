"""Every night what runs logged and printed long ago goes: Dagster keeps all of it, and a disk is full one day."""

import shutil
import time
from functools import cache
from pathlib import Path

import dagster as dg

from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.dagster_internals import forget_events
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.parameters.geography import TIME_ZONE

AT = "30 4 * * *"
DAY_SECONDS = 86_400


def tidy(home: Home, opened: dg.DagsterInstance, keep_days: int, now: float) -> tuple[int, int]:
    """Delete what is older than it is kept; return of how many runs events went, and printed output.

    Parameters
    ----------
    home
        In which the output of runs lies.
    opened
        Dagster's storage.
    keep_days
        How long it is kept.
    now
        In seconds since 1970.
    """
    before = now - keep_days * DAY_SECONDS
    events = forget_events(opened, before)
    printed = [folder for folder in (home.dagster / "storage").glob("*/") if _latest(folder) < before]
    for folder in printed:
        shutil.rmtree(folder, ignore_errors=True)
    return events, len(printed)


def _latest(folder: Path) -> float:
    """When something in a folder was last written."""
    return max((each.stat().st_mtime for each in folder.rglob("*") if each.is_file()), default=folder.stat().st_mtime)


@dg.op
def let_old_logs_go(context: dg.OpExecutionContext, lakehouse: Lakehouse) -> None:
    """Delete them, and say in numbers what went."""
    days = lakehouse.settings.service.keep_logs_days
    events, printed = tidy(lakehouse.home, context.instance, days, time.time())
    context.log.info(f"older than {days} days, and gone: the events of {events:,} runs, and what {printed:,} printed")


@dg.job(description="Deletes what runs logged and printed longer ago than service.keep_logs_days says.")
def housekeeping() -> None:
    """Delete old logs."""
    let_old_logs_go()


@cache
def tidied_at_night(time_zone: str) -> dg.ScheduleDefinition:
    """Return what asks for a run every night.

    Parameters
    ----------
    time_zone
        Whose night.
    """
    return dg.ScheduleDefinition(
        name="nightly_housekeeping",
        job=housekeeping,
        cron_schedule=AT,
        execution_timezone=time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Every night; what runs made and checked stays known.",
    )


# Of an installation that says no other clock.
nightly_housekeeping = tidied_at_night(TIME_ZONE)
