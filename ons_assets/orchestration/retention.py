"""Every night what is older than the settings keep is erased, by the command that does so, in a process of its own.

A run writes under the home itself, and an erasure waits for none that does: so it is not of the run.
"""

import subprocess
import sys
from functools import cache

import dagster as dg

from ons_assets.orchestration.resources import Lakehouse
from ons_assets.parameters.geography import TIME_ZONE

AT = "30 3 * * *"
# Another process may be at work; it is tried again for half a night.
TRIES, SECONDS_BETWEEN = 12, 900


@dg.op(retry_policy=dg.RetryPolicy(max_retries=TRIES, delay=SECONDS_BETWEEN))
def erase_what_is_too_old(context: dg.OpExecutionContext, lakehouse: Lakehouse) -> None:
    """Run the command, and say in numbers what went."""
    command = [sys.executable, "-m", "ons_assets", "retain", "--home", str(lakehouse.settings.home)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in (done.stdout + done.stderr).splitlines():
        context.log.info(line)
    if done.returncode:
        raise dg.Failure("what is older than is kept could not be erased; the messages before this one say why")


@dg.job(description="Erases what is older than drops.retention_days keeps.")
def retention() -> None:
    """Erase what is too old."""
    erase_what_is_too_old()


@cache
def at_night(time_zone: str) -> dg.ScheduleDefinition:
    """Return what asks for a run every night, if the settings say how long something is kept.

    Parameters
    ----------
    time_zone
        Whose night.
    """

    @dg.schedule(
        name="nightly_retention",
        job=retention,
        cron_schedule=AT,
        execution_timezone=time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Every night, if drops.retention_days keeps less than all.",
    )
    def asks(lakehouse: Lakehouse) -> dg.RunRequest | dg.SkipReason:
        if not lakehouse.settings.drops.retention_days:
            return dg.SkipReason("everything is kept: drops.retention_days names no source")
        return dg.RunRequest()

    return asks


# Of an installation that says no other clock.
nightly_retention = at_night(TIME_ZONE)
