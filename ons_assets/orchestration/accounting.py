"""The run that follows all others: it says what happened, whatever came of them.

A step of Dagster does not run after one that failed, and what was refused is what has to be told; so the ledger as a
table, the database for people and the report have a run of their own.
"""

import json
import time

import dagster as dg

from ons_assets.intake.ledger import Status
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.orchestration.runs import UNFINISHED, at_work

JOB = "account"
TAG = {"ons_assets/accounts": "yes"}
INTERVAL_SECONDS = 10
# While runs are at work their end is waited for, but not for ever: files may come without a break. What was refused
# needs a person, and is told at once.
PATIENCE_SECONDS = 600


def accounts_sensor(selection: dg.AssetSelection) -> dg.SensorDefinition:
    """Return the sensor that asks for a run over the accounts when something happened, and nothing is at work.

    Parameters
    ----------
    selection
        The accounts.
    """
    job = dg.define_asset_job(JOB, selection, tags=TAG)

    @dg.sensor(
        name="accounts",
        job=job,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Has the ledger, the database and the report follow what happened, whatever came of it.",
    )
    def sense(context: dg.SensorEvaluationContext, lakehouse: Lakehouse) -> dg.SensorResult | dg.SkipReason:
        before = json.loads(context.cursor or "{}")
        happened = happenings(lakehouse.home, context.instance)
        if happened == before.get("happened"):
            return dg.SkipReason("nothing happened since the last account")
        if context.instance.get_runs_count(dg.RunsFilter(tags=TAG, statuses=UNFINISHED)):
            return dg.SkipReason("an account is being made; what happened meanwhile follows")
        refused = len(lakehouse.ledger.drops(statuses=[Status.REFUSED]))
        waits = refused == before.get("refused", refused) and time.time() - before.get("asked", 0) < PATIENCE_SECONDS
        if waits and at_work(context.instance):
            return dg.SkipReason("a run is at work; the account follows it")
        cursor = json.dumps({"happened": happened, "refused": refused, "asked": time.time()})
        return dg.SensorResult(cursor=cursor, run_requests=[dg.RunRequest(tags=TAG)])

    return sense


def happenings(home: Home, instance: dg.DagsterInstance) -> list[int]:
    """Return numbers that are others when something happened: when ledgers were last written, and how many runs ended.

    Parameters
    ----------
    home
        Of the ledgers.
    instance
        That knows the runs; those that make accounts are not counted.
    """
    ledgers = (home.ledger, home.release_ledger, home.access_ledger)
    written = [path.stat().st_mtime_ns if path.exists() else 0 for path in ledgers]
    runs = instance.get_runs_count() - instance.get_runs_count(dg.RunsFilter(statuses=UNFINISHED))
    own = instance.get_runs_count(dg.RunsFilter(tags=TAG)) - instance.get_runs_count(
        dg.RunsFilter(tags=TAG, statuses=UNFINISHED)
    )
    return [*written, runs - own]
