"""What a change brings with it by itself: of an input, a parameter or a suite, whoever made it and however.

The run over a file makes what follows from the file. What else changes a table (files that were taken by a command, a
reading that was repeated, an overlay of a suite, a word in the settings) is seen in what its versions were made of.
"""

import json
import time
from collections.abc import Mapping, Sequence, Set

import dagster as dg

from ons_assets.intake.ledger import Ledger, Status
from ons_assets.lakehouse.staleness import ingredients, reached, stale
from ons_assets.orchestration.assets import DerivedAsset
from ons_assets.orchestration.partitions import tags_of_days
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.orchestration.runs import at_work

JOB = "follow"
TAG = {"ons_assets/follows": "yes"}
INTERVAL_SECONDS = 60
# While runs are at work their end is waited for, but not for ever: files may come without a break.
PATIENCE_SECONDS = 600
WAITING = (Status.RECEIVED, Status.READ)


def following_sensor(assets: Sequence[DerivedAsset], accounts: Set[dg.AssetKey]) -> dg.SensorDefinition:
    """Return the sensor that asks for runs over tables that are not what they would be now, each time once.

    Tables by the days of a raw table have a run of their own, and come first.

    Parameters
    ----------
    assets
        That are looked after.
    accounts
        Tables of what happened: they change after every run, and so would be followed for ever.
    """
    unheeded = {key.to_user_string() for key in accounts}
    by_days: dict[str | None, list[DerivedAsset]] = {}
    for asset in assets:
        by_days.setdefault(asset.days_of, []).append(asset)
    jobs = {
        days_of: dg.define_asset_job(_job(days_of), dg.AssetSelection.assets(*_keys(of)), tags=TAG)
        for days_of, of in by_days.items()
    }

    @dg.sensor(
        name=JOB,
        jobs=list(jobs.values()),
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Has tables follow their inputs, parameters and suites where no run over a file does.",
    )
    def sense(context: dg.SensorEvaluationContext, lakehouse: Lakehouse) -> dg.SensorResult | dg.SkipReason:
        before = json.loads(context.cursor or "{}")
        since = before.setdefault("busy_since", time.time())
        is_busy = at_work(context.instance) or _waiting(lakehouse.ledger)
        if is_busy and time.time() - since < PATIENCE_SECONDS:
            return dg.SensorResult(
                cursor=json.dumps(before), skip_reason=dg.SkipReason("runs or files are at work; what follows waits")
            )
        asked, found = before.get("asked", {}), outdated(lakehouse, assets, unheeded)
        of_all_days, known = _of_all_days(lakehouse, assets, unheeded), before.get("of_all_days", {})
        # A run over the days of a file leaves a version that looks as if all days were made of what there is.
        found = {**{name: of for name, of in of_all_days.items() if known.get(name, of) != of}, **found}
        fresh = {name for name, made_of in found.items() if asked.get(name) != made_of}
        chosen, requests = _runs(context.instance, by_days, reached(fresh, [each.derivation for each in assets]))
        # What is not asked for yet is fresh at the next look, too.
        asked = {name: made_of for name, made_of in found.items() if name not in fresh or name in chosen}
        is_open = fresh - chosen
        known = {name: known.get(name, of) if name in is_open else of for name, of in of_all_days.items()}
        cursor = json.dumps({"asked": asked, "of_all_days": known})
        if not requests:
            return dg.SensorResult(cursor=cursor, skip_reason=dg.SkipReason("every table is what it would be now"))
        context.log.info(f"made anew: {', '.join(sorted(fresh & chosen))}")
        return dg.SensorResult(cursor=cursor, run_requests=requests)

    return sense


def _runs(
    instance: dg.DagsterInstance, assets: Mapping[str | None, Sequence[DerivedAsset]], concerned: Set[str]
) -> tuple[set[str], list[dg.RunRequest]]:
    """Tables that are asked for, and the runs: those by days first, because others are made of them."""
    asked: set[str] = set()
    requests: list[dg.RunRequest] = []
    for days_of, of in sorted(assets.items(), key=lambda each: each[0] is None):
        names = {table.name for each in of for table in each.tables} & concerned
        tags = tags_of_days(instance, days_of, None) if days_of is not None else {}
        if not names or (days_of is not None and not tags) or (days_of is None and requests):
            continue
        keys = [key for each in of if names & {table.name for table in each.tables} for key in each.keys]
        requests.append(dg.RunRequest(job_name=_job(days_of), asset_selection=keys, tags={**TAG, **tags}))
        asked |= names
    return asked, requests


def outdated(
    lakehouse: Lakehouse, assets: Sequence[DerivedAsset], unheeded: Set[str] = frozenset()
) -> Mapping[str, str]:
    """Return the first table of each asset that is not what it would be now, and a hash of what it would be made of.

    Parameters
    ----------
    lakehouse
        The home and its settings.
    assets
        That are looked at.
    unheeded
        Tables whose changes nothing has to follow.
    """
    settings = lakehouse.settings
    found = {
        each.tables[0].name: stale(
            lakehouse.home, each.derivation, settings.expectations, each.groups.recorded(settings), unheeded
        )
        for each in assets
    }
    return {name: made_of for name, made_of in found.items() if made_of is not None}


def _of_all_days(lakehouse: Lakehouse, assets: Sequence[DerivedAsset], unheeded: Set[str]) -> dict[str, str]:
    """Of each asset by days a hash of what bears on all of them: all of which it is made but the days themselves."""
    settings = lakehouse.settings
    found = {
        each.tables[0].name: ingredients(
            lakehouse.home,
            each.derivation,
            settings.expectations,
            each.groups.recorded(settings),
            {*unheeded, str(each.days_of)},
        )
        for each in assets
        if each.by_day
    }
    return {name: made_of for name, made_of in found.items() if made_of is not None}


def _job(days_of: str | None) -> str:
    return JOB if days_of is None else f"{JOB}_days_of_{days_of.replace('/', '_')}"


def _keys(assets: Sequence[DerivedAsset]) -> list[dg.AssetKey]:
    return [key for each in assets for key in each.keys]


def _waiting(ledger: Ledger) -> bool:
    return bool(ledger.drops(statuses=WAITING))
