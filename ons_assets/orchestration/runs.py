"""Runs started from the command line, in this process, in the same history that the UI shows."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import uuid4

import dagster as dg
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from ons_assets.lakehouse.home import Home

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
INSTANCE_FILE = Path(__file__).resolve().parents[1] / "dagster.yaml"


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Parameters
    ----------
    made
        Assets that were materialised.
    failures
        Assets that failed, with the reason in a sentence.
    warnings
        Assets that were made though their check did not pass, with what it says.
    skipped
        Assets that were not made, because one before them failed.
    """

    run_id: str
    made: tuple[str, ...]
    failures: dict[str, str]
    warnings: dict[str, str]
    skipped: tuple[str, ...]

    @property
    def success(self) -> bool:
        """Whether nothing failed."""
        return not self.failures


@contextmanager
def instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """Open Dagster's storage of a home."""
    prepare_instance(home)
    with dg.DagsterInstance.from_config(str(home.dagster)) as opened:
        yield opened


def prepare_instance(home: Home) -> None:
    """Put Dagster's configuration where it is looked for, and point `$DAGSTER_HOME` there."""
    target = home.dagster / INSTANCE_FILE.name
    if not target.exists():
        shutil.copyfile(INSTANCE_FILE, target)
    os.environ["DAGSTER_HOME"] = str(home.dagster)


def close_dead_runs(home: Home) -> None:
    """Mark as failed the runs whose process died; does nothing while another process is at work."""
    with home.alone() as alone, instance(home) as opened:
        if alone:
            for run in opened.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
                opened.report_run_failed(run, "the process of this run ended without a word")


def materialize(
    definitions: dg.Definitions,
    opened: dg.DagsterInstance,
    selection: dg.AssetSelection,
    *,
    days: tuple[date, date] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Materialise a selection of assets in this process.

    Parameters
    ----------
    days
        First and last day, for the assets that have days.
    progress
        Called with the name of each asset that is begun.
    """
    keys = selection.resolve(definitions.resolve_asset_graph())
    tags = {}
    if days is not None:
        tags[ASSET_PARTITION_RANGE_START_TAG] = days[0].isoformat()
        tags[ASSET_PARTITION_RANGE_END_TAG] = days[1].isoformat()
    run_id = str(uuid4())

    def report(entry: EventLogEntry) -> None:
        if entry.dagster_event and entry.dagster_event.is_step_start:
            progress(_asset_name(entry.dagster_event))

    opened.add_event_listener(run_id, report)
    result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=opened,
        asset_selection=sorted(keys),
        tags=tags,
        run_id=run_id,
        raise_on_error=False,
        # The events are in the history; on the terminal stands what the caller makes of the outcome.
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    made = {event.asset_key for event in result.get_asset_materialization_events() if event.asset_key}
    failures = {_asset_name(event): _reason(event) for event in result.all_events if event.is_step_failure}
    checks = {
        evaluation.asset_key.to_user_string(): evaluation.description or ""
        for evaluation in result.get_asset_check_evaluations()
        if not evaluation.passed
    }
    return Outcome(
        run_id=result.run_id,
        made=tuple(sorted(key.to_user_string() for key in made)),
        failures=failures,
        warnings={name: reason for name, reason in checks.items() if name not in failures},
        skipped=tuple(sorted({key.to_user_string() for key in keys - made} - failures.keys())),
    )


def _asset_name(event: dg.DagsterEvent) -> str:
    return (event.step_key or "run").replace("__", "/")


def _reason(event: dg.DagsterEvent) -> str:
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return data.user_failure_data.description
    cause = data.error.cause if data.error and data.error.cause else data.error
    return cause.message.strip() if cause else "failed without a reason"
