"""One sensor a source: it registers complete files and asks for one run over all that wait."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from hashlib import sha256

import dagster as dg

from ons_assets.lakehouse.drops import Sighting, StillChanging, observe, register
from ons_assets.lakehouse.ledger import Drop, Ledger, Status
from ons_assets.lakehouse.sources import Source
from ons_assets.orchestration.dagster_internals import tags_of_days
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.orchestration.runs import UNFINISHED
from ons_assets.settings import Settings

SOURCE_TAG = "ons_assets/source"
INTERVAL_SECONDS = 10


def drop_sensor(
    make_source: Callable[[Settings], Source], selection: dg.AssetSelection, name: str
) -> dg.SensorDefinition:
    """Return the sensor of a source.

    Parameters
    ----------
    selection
        What a run makes: the raw table and what follows from it.
    name
        Name of the source.
    """

    @dg.sensor(
        name=f"{name}_drops",
        target=selection,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Registers complete files in drops/{name} and has them read.",
    )
    def sense(context: dg.SensorEvaluationContext, lakehouse: Lakehouse) -> dg.SensorResult:
        source, ledger = make_source(lakehouse.settings), lakehouse.ledger
        cursor = _register_complete(context, lakehouse, source, ledger)
        unfinished = dg.RunsFilter(tags={SOURCE_TAG: name}, statuses=UNFINISHED)
        if context.instance.get_runs_count(unfinished):
            return dg.SensorResult(cursor=cursor, skip_reason=dg.SkipReason("a run is at work; what waits follows it"))
        waiting = list(_worth_a_run(ledger, name, lakehouse.settings.drops.attempts))
        if not waiting:
            return dg.SensorResult(cursor=cursor, skip_reason=dg.SkipReason("no complete file is waiting"))
        request = run_request(name, waiting)
        ledger.count_attempt(waiting)
        return dg.SensorResult(cursor=cursor, run_requests=[request])

    return sense


def run_request(source: str, drops: list[Drop]) -> dg.RunRequest:
    """Return the request for one run over all days of some drops; the same drops give the same request."""
    days = sorted({day for drop in drops for day in drop.days})
    tags = {SOURCE_TAG: source, **tags_of_days((days[0], days[-1]) if days else None)}
    content = " ".join(f"{drop.sha256}:{drop.attempts}" for drop in drops)
    return dg.RunRequest(run_key=f"{source}-{sha256(content.encode()).hexdigest()[:16]}", tags=tags)


def _register_complete(
    context: dg.SensorEvaluationContext, lakehouse: Lakehouse, source: Source, ledger: Ledger
) -> str:
    """Register what is complete, and return the cursor; a file that cannot be taken never stops the others."""
    home, settings = lakehouse.home, lakehouse.settings.drops
    seen = {file: Sighting(**sighting) for file, sighting in json.loads(context.cursor or "{}").items()}
    folder = home.drops / source.name
    folder.mkdir(exist_ok=True)
    ready, sightings = observe(folder, seen, time.time(), settings.settle_seconds)
    with home.working():
        for path in ready[: settings.files_per_look]:
            try:
                drop = register(home, ledger, source, path, settings.max_bytes)
                context.log.info(f"{drop.name}: {drop.status}")
            except (StillChanging, FileNotFoundError):
                sightings.pop(path.name)
                continue
            sightings[path.name] = replace(sightings[path.name], taken=True)
    return json.dumps({file: asdict(sighting) for file, sighting in sightings.items()})


def _worth_a_run(ledger: Ledger, source: str, attempts: int) -> Iterator[Drop]:
    """Drops that wait; one over which several runs died is refused, so that it cannot block the others."""
    for drop in ledger.drops(source, [Status.RECEIVED]):
        if drop.attempts < attempts:
            yield drop
        else:
            ledger.refuse(drop, f"{drop.name} ended {drop.attempts} runs without a result")
