"""The sensor of files: it registers those that are complete, and asks for runs over all that wait."""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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
from ons_assets.orchestration.partitions import add_days_of_ledger, tags_of_days
from ons_assets.orchestration.privacy import withholding
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.orchestration.runs import UNFINISHED
from ons_assets.settings import Drops

if TYPE_CHECKING:
    from ons_assets.orchestration.assets import RawAsset

SOURCE_TAG = "ons_assets/source"
INTERVAL_SECONDS = 10
# Runs that read and runs that publish take turns, so it is odd.
TURNS = 3


@dataclass(frozen=True)
class Fed:
    """A source, and what is made of its files.

    Parameters
    ----------
    name
        Of the source.
    raw
        The raw asset, with what makes the source.
    selection
        What a run makes: the raw table and what follows from it.
    """

    name: str
    raw: "RawAsset"
    selection: dg.AssetSelection


def drop_sensor(sources: Sequence[Fed]) -> dg.SensorDefinition:
    """Return the sensor that registers files, and asks for runs that read or publish what waits, one a source.

    Files are not read here. Those of a table with days are read by a run of their own, because only then is
    it known which days a run has to make.

    Parameters
    ----------
    sources
        All that there are; one sensor for all, because each would look every few seconds.
    """
    publishing = [dg.define_asset_job(f"publish_{fed.name}", fed.selection) for fed in sources]
    reading = [reading_job(fed.raw, fed.name) for fed in sources if fed.raw.by_day]

    @dg.sensor(
        name="drops",
        jobs=[*publishing, *reading],
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Registers complete files in the drop folders, and has them read.",
    )
    def sense(context: dg.SensorEvaluationContext, lakehouse: Lakehouse) -> dg.SensorResult:
        cursor = _look(context, lakehouse, sources)
        at_work = context.instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
        busy = {run.tags[SOURCE_TAG] for run in at_work if SOURCE_TAG in run.tags}
        waiting = {drop.source for drop in lakehouse.ledger.drops(statuses=[Status.RECEIVED, Status.READ])}
        asked = [_request(context, lakehouse, fed) for fed in sources if fed.name in waiting - busy]
        requests = [request for request in asked if request is not None]
        if requests:
            return dg.SensorResult(cursor=cursor, run_requests=requests)
        why = "a run is at work; what waits follows it" if waiting & busy else "no complete file is waiting"
        return dg.SensorResult(cursor=cursor, skip_reason=dg.SkipReason(why))

    return sense


def _request(context: dg.SensorEvaluationContext, lakehouse: Lakehouse, fed: Fed) -> dg.RunRequest | None:
    """The run that a source needs now, of which files wait and no run is at work; None if all that wait are refused."""
    name, ledger, instance = fed.name, lakehouse.ledger, context.instance
    # A run that died before it touched a file leaves no other mark by which the next request differs.
    runs = instance.get_runs_count(dg.RunsFilter(tags={SOURCE_TAG: name}))
    unread = ledger.drops(name, [Status.RECEIVED])
    if fed.raw.by_day and unread:
        return run_request(f"read_{name}", name, unread, runs=runs)
    attempts = lakehouse.settings.drops.attempts
    waiting = worth_a_run(ledger, [*unread, *ledger.drops(name, [Status.READ])], attempts, runs)
    if not waiting:
        return None
    tags: dict[str, str] = {}
    if fed.raw.by_day:
        days = [day for drop in waiting for day in drop.days]
        add_days_of_ledger(lakehouse.home, instance, fed.raw.table, name)
        tags = tags_of_days(instance, fed.raw.table, (min(days), max(days)))
    ledger.count_attempt([drop for drop in waiting if drop.status is Status.READ])
    return run_request(f"publish_{name}", name, waiting, runs=runs, tags=tags)


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


def run_request(
    job: str, source: str, drops: list[Drop], *, runs: int, tags: Mapping[str, str] | None = None
) -> dg.RunRequest:
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
    tags
        That say which days the run makes.
    """
    content = " ".join(f"{drop.sha256}:{drop.status}:{drop.attempts}:{drop.arrival}" for drop in drops)
    run_key = f"{job}-{sha256(f'{runs} {content}'.encode()).hexdigest()[:16]}"
    return dg.RunRequest(run_key=run_key, job_name=job, tags={SOURCE_TAG: source, **(tags or {})})


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


@dataclass(frozen=True)
class _Folder:
    """Where files of a source are looked for, and where they are written down."""

    home: Home
    ledger: Ledger
    source: Source
    settings: Drops


def _look(context: dg.SensorEvaluationContext, lakehouse: Lakehouse, sources: Sequence[Fed]) -> str:
    """Register what is complete in the drop folders, and return the cursor; no source stops another.

    Where the time of a look is over, the next one goes on with the source that follows: each has its turn.
    """
    before = json.loads(context.cursor or "{}")
    seen, first = before.get("seen", {}), before.get("next", 0)
    # Each of them is made anew where the resource is asked, which for all sources takes longer than the look.
    home, ledger, settings = lakehouse.home, lakehouse.ledger, lakehouse.settings
    deadline, taken = time.monotonic() + settings.drops.seconds_per_look, 0
    with home.working():
        for number in [*range(first, len(sources)), *range(min(first, len(sources)))]:
            # One file at least, or nothing would ever be taken where one takes long.
            if taken and time.monotonic() > deadline:
                return json.dumps({"seen": seen, "next": number})
            fed = sources[number]
            sightings = {file: Sighting(**each) for file, each in seen.pop(fed.name, {}).items()}
            try:
                folder = _Folder(home, ledger, fed.raw.source(settings), settings.drops)
                here, sightings = _register_complete(context, folder, sightings, deadline, one_at_least=not taken)
                taken += here
            except OSError as error:
                context.log.warning(f"the drop folder of {fed.name} could not be looked into now: {error.strerror}")
            if sightings:
                seen[fed.name] = {file: asdict(sighting) for file, sighting in sightings.items()}
    return json.dumps({"seen": seen})


def _register_complete(
    context: dg.SensorEvaluationContext,
    of: _Folder,
    seen: Mapping[str, Sighting],
    deadline: float,
    *,
    one_at_least: bool,
) -> tuple[int, dict[str, Sighting]]:
    """Register what is complete of a source, and say how much; a file that cannot be taken never stops the others."""
    home, ledger, source, settings = of.home, of.ledger, of.source, of.settings
    folder = home.drop_folder(source.name, is_individual=source.is_individual)
    called = _called(home, source)
    ready, sightings = observe(folder, seen, time.time(), settings.settle_seconds, called)
    taken = 0
    for path in ready:
        is_owed = one_at_least and not taken
        if taken == settings.files_per_look or (time.monotonic() > deadline and not is_owed):
            break
        try:
            drop = take(home, ledger, source, path, settings, stays=context.log.warning)
            context.log.info(f"{source.name}: {drop.name} is {drop.status}")
        except (StillChanging, FileNotFoundError):
            sightings.pop(called(path))
            continue
        except OSError as error:
            # It may be locked, or on a share that is away; the next look tries again, and the others are taken.
            context.log.warning(f"a file of {source.name} could not be taken now: {error.strerror}")
            continue
        taken += 1
        sightings[called(path)] = replace(sightings[called(path)], taken=True)
    return taken, sightings


def _called(home: Home, source: Source) -> Callable[[Path], str]:
    """What the cursor calls a file, which the UI shows: one about people by a pseudonym of its name."""
    if not source.is_individual:
        return lambda path: path.name
    secret = home.secret()
    return lambda path: str(pseudonym(os.fsencode(path.name).hex(), secret))
