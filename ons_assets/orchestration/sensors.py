"""One sensor a source: it registers complete files and asks for runs over all that wait."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.drops import Sighting, StillChanging, observe
from ons_assets.intake.ledger import Drop, Ledger, Status
from ons_assets.intake.pseudonyms import pseudonym
from ons_assets.intake.reading import read_waiting
from ons_assets.intake.source import Source
from ons_assets.intake.taking import take
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.dagster_internals import tags_of_days
from ons_assets.orchestration.privacy import withholding
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.orchestration.runs import UNFINISHED

if TYPE_CHECKING:
    from ons_assets.orchestration.assets import RawAsset

SOURCE_TAG = "ons_assets/source"
INTERVAL_SECONDS = 10
# Runs that read and runs that publish take turns, so it is odd.
TURNS = 3


def drop_sensor(raw: "RawAsset", selection: dg.AssetSelection, name: str) -> dg.SensorDefinition:
    """Return the sensor of a source: it registers files, and asks for a run that reads or publishes what waits.

    Files are not read here. Those of a table with days are read by a run of their own, because only then is
    it known which days a run has to make.

    Parameters
    ----------
    raw
        The raw asset, with what makes its source.
    selection
        What a run makes: the raw table and what follows from it.
    name
        Name of the source.
    """
    by_day = raw.by_day
    publishing = dg.define_asset_job(f"publish_{name}", selection)
    reading = [reading_job(raw, name)] if by_day else []

    @dg.sensor(
        name=f"{name}_drops",
        jobs=[publishing, *reading],
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Registers complete files in drops/{name} and has them read.",
    )
    def sense(context: dg.SensorEvaluationContext, lakehouse: Lakehouse) -> dg.SensorResult:
        source, ledger = raw.source(lakehouse.settings), lakehouse.ledger
        cursor = _register_complete(context, lakehouse, source, ledger)
        unfinished = dg.RunsFilter(tags={SOURCE_TAG: name}, statuses=UNFINISHED)
        if context.instance.get_runs_count(unfinished):
            return dg.SensorResult(cursor=cursor, skip_reason=dg.SkipReason("a run is at work; what waits follows it"))
        # A run that died before it touched a file leaves no other mark by which the next request differs.
        runs = context.instance.get_runs_count(dg.RunsFilter(tags={SOURCE_TAG: name}))
        unread = ledger.drops(name, [Status.RECEIVED])
        if by_day and unread:
            request = run_request(f"read_{name}", name, unread, runs=runs, by_day=False)
            return dg.SensorResult(cursor=cursor, run_requests=[request])
        attempts = lakehouse.settings.drops.attempts
        waiting = worth_a_run(ledger, [*unread, *ledger.drops(name, [Status.READ])], attempts, runs)
        if not waiting:
            return dg.SensorResult(cursor=cursor, skip_reason=dg.SkipReason("no complete file is waiting"))
        request = run_request(f"publish_{name}", name, waiting, runs=runs, by_day=by_day)
        ledger.count_attempt([drop for drop in waiting if drop.status is Status.READ])
        return dg.SensorResult(cursor=cursor, run_requests=[request])

    return sense


def reading_job(raw: "RawAsset", name: str) -> dg.JobDefinition:
    """Return the job that reads the files of a source that wait, so that their days are known."""

    @dg.op(name=f"read_files_of_{name}")
    def read_files(context: dg.OpExecutionContext, lakehouse: Lakehouse) -> None:
        settings, table = lakehouse.settings, CATALOGUE[raw.table]
        with withholding([table]), lakehouse.home.working():
            read_waiting(
                lakehouse.home,
                lakehouse.ledger,
                raw.source(settings),
                table,
                context.run_id,
                attempts=settings.drops.attempts,
                progress=context.log.info,
            )

    @dg.job(name=f"read_{name}", description=f"Reads the files of {name} that wait; a run that publishes follows.")
    def read_all() -> None:
        read_files()

    return read_all


def run_request(job: str, source: str, drops: list[Drop], *, runs: int, by_day: bool) -> dg.RunRequest:
    """Return the request for one run over some drops; the same drops after the same runs give the same request.

    Parameters
    ----------
    job
        That is asked for.
    source
        Name of the source.
    drops
        That wait.
    runs
        Of the source there were so far.
    by_day
        Whether the run makes their days.
    """
    days = sorted({day for drop in drops for day in drop.days}) if by_day else []
    tags = {SOURCE_TAG: source, **tags_of_days((days[0], days[-1]) if days else None)}
    content = " ".join(f"{drop.sha256}:{drop.status}:{drop.attempts}:{drop.arrival}" for drop in drops)
    run_key = f"{job}-{sha256(f'{runs} {content}'.encode()).hexdigest()[:16]}"
    return dg.RunRequest(run_key=run_key, job_name=job, tags=tags)


def worth_a_run(ledger: Ledger, waiting: list[Drop], attempts: int, runs: int) -> list[Drop]:
    """Return the drops that the next run is for.

    After a run that died, drops are tried singly, those with the fewest attempts first. If several runs died
    over each that waits, the one that came last is refused, and the others are tried without it.

    Parameters
    ----------
    ledger
        Where a drop that is given up is refused.
    waiting
        Drops that wait to be read, in the order of their arrival.
    attempts
        Over how many dead runs a drop is given up.
    runs
        How many of the source there were so far; every third turn is of those that were tried,
        however many files arrive.
    """
    fresh = [drop for drop in waiting if _is_fresh(drop)]
    tried = [drop for drop in waiting if not _is_fresh(drop)]
    if fresh and (runs % TURNS or not tried):
        return fresh
    by_turn = sorted(tried, key=lambda each: (each.attempts, each.arrival))
    if by_turn and by_turn[0].attempts >= attempts:
        last = max(by_turn, key=lambda each: each.arrival)
        ledger.refuse(last, f"{last.name} ended {last.attempts} runs without a result")
        by_turn.remove(last)
    return by_turn[:1] or fresh


def _is_fresh(drop: Drop) -> bool:
    return drop.attempts == 0 or drop.status is Status.RECEIVED


def _register_complete(
    context: dg.SensorEvaluationContext, lakehouse: Lakehouse, source: Source, ledger: Ledger
) -> str:
    """Register what is complete, and return the cursor; a file that cannot be taken never stops the others."""
    home, settings = lakehouse.home, lakehouse.settings.drops
    seen = {file: Sighting(**sighting) for file, sighting in json.loads(context.cursor or "{}").items()}
    folder = home.drop_folder(source.name, is_individual=source.is_individual)
    called = _called(home, source)
    ready, sightings = observe(folder, seen, time.time(), settings.settle_seconds, called)
    began = time.monotonic()
    with home.working():
        taken = 0
        for path in ready:
            # One at least, or nothing would ever be taken where one takes long.
            if taken == settings.files_per_look or (taken and time.monotonic() - began > settings.seconds_per_look):
                break
            try:
                drop = take(home, ledger, source, path, settings, stays=context.log.warning)
                context.log.info(f"{drop.name}: {drop.status}")
            except (StillChanging, FileNotFoundError):
                sightings.pop(called(path))
                continue
            except OSError as error:
                # It may be locked, or on a share that is away; the next look tries again, and the others are taken.
                context.log.warning(f"a file of {source.name} could not be taken now: {error.strerror}")
                continue
            taken += 1
            sightings[called(path)] = replace(sightings[called(path)], taken=True)
    return json.dumps({file: asdict(sighting) for file, sighting in sightings.items()})


def _called(home: Home, source: Source) -> Callable[[Path], str]:
    """What the cursor calls a file, which the UI shows: one about people by a pseudonym of its name."""
    if not source.is_individual:
        return lambda path: path.name
    secret = home.secret()
    return lambda path: str(pseudonym(os.fsencode(path.name).hex(), secret))
