"""Runs started from the command line, in this process, in the same history that the UI shows."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import dagster as dg

from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.checks import OVERALL
from ons_assets.orchestration.events import WAITING_FOR
from ons_assets.orchestration.history import check_history, configure, is_prepared, mark_prepared
from ons_assets.orchestration.marks import ASKING

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# Dagster hands over at once to the log what a run plans, which is an event a table and one an expectation.
EVENTS_AT_ONCE = {"DAGSTER_EVENT_BATCH_SIZE": "1000"}


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Parameters
    ----------
    made
        Assets that were materialised.
    waiting
        Assets that were not made yet, with what they wait for.
    failures
        Assets that failed, with the reason in a sentence.
    warnings
        Assets that were made though their check did not pass, with what it says.
    skipped
        Assets that were not made, because one before them failed.
    """

    run_id: str
    made: tuple[str, ...]
    waiting: dict[str, str]
    failures: dict[str, str]
    warnings: dict[str, str]
    skipped: tuple[str, ...]

    @property
    def success(self) -> bool:
        """Whether nothing failed."""
        return not self.failures

    def and_then(self, other: "Outcome") -> "Outcome":
        """Return how two runs ended, one after the other, as if they were one; it is called after the first.

        Parameters
        ----------
        other
            The later one.
        """
        return Outcome(
            run_id=self.run_id,
            made=tuple(sorted({*self.made, *other.made})),
            waiting=self.waiting | other.waiting,
            failures=self.failures | other.failures,
            warnings=self.warnings | other.warnings,
            skipped=tuple(sorted({*self.skipped, *other.skipped})),
        )


# How it ends that nothing is there to be made.
NOTHING = Outcome(run_id="", made=(), waiting={}, failures={}, warnings={}, skipped=())


@contextmanager
def instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """Open Dagster's storage of a home."""
    prepare_instance(home)
    with dg.DagsterInstance.from_config(str(home.dagster)) as opened:
        yield opened


def prepare_instance(home: Home) -> None:
    """Put Dagster's configuration where it is looked for, make its storage, and point `$DAGSTER_HOME` there.

    Two processes that first open a storage at once can leave it so that no one can open it any more; so
    one makes it, and others wait.

    Raises
    ------
    OtherHistory
        If the storage is of another version of Dagster, and has to be brought up to date first, or cannot be used.
    """
    os.environ |= {"DAGSTER_HOME": str(home.dagster), **EVENTS_AT_ONCE}
    if is_prepared(home):
        return
    with home.table_lock("dagster"):
        if not is_prepared(home):
            configure(home)
            with dg.DagsterInstance.from_config(str(home.dagster)) as opened:
                # Each of its storages is made when it is first asked.
                opened.get_runs_count()
                opened.all_asset_keys()
                opened.all_instigator_state()
                check_history(home, opened)
            mark_prepared(home)


def at_work(opened: dg.DagsterInstance) -> int:
    """Return how many runs have not ended, without those that ask shops: nothing has to wait for these."""
    return sum(run.job_name != ASKING for run in opened.get_runs(dg.RunsFilter(statuses=UNFINISHED)))


def close_dead_runs(home: Home, *, queue_goes_on: bool = False) -> None:
    """Mark as failed the runs whose process died; does nothing while another process is at work.

    Parameters
    ----------
    queue_goes_on
        Whether those that wait in the queue are left there: a daemon that went on meanwhile will begin them.
    """
    waiting = {dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED} if queue_goes_on else set()
    with home.alone() as alone, instance(home) as opened:
        if alone:
            for run in opened.get_runs(dg.RunsFilter(statuses=[each for each in UNFINISHED if each not in waiting])):
                opened.report_run_failed(run, "the process of this run ended without a word")


def materialize(
    definitions: dg.Definitions,
    opened: dg.DagsterInstance,
    selection: dg.AssetSelection,
    *,
    tags: Mapping[str, str] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Materialise a selection of assets in this process.

    Parameters
    ----------
    tags
        Of the run: they say of which days it makes the assets that have days.
    progress
        Called with the name of each asset that is begun.
    """
    keys = selection.resolve(definitions.resolve_asset_graph())
    run_id = str(uuid4())

    def report(entry: dg.EventLogEntry) -> None:
        if entry.dagster_event and entry.dagster_event.is_step_start:
            progress(_asset_name(entry.dagster_event))

    opened.add_event_listener(run_id, report)
    result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=opened,
        asset_selection=sorted(keys),
        tags=dict(tags or {}),
        run_id=run_id,
        raise_on_error=False,
        # The events are in the history; on the terminal stands what the caller makes of the outcome.
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    settled = [_settled(event) for event in result.get_asset_materialization_events()]
    waiting = {name: lacking for name, lacking in settled if lacking is not None}
    made = {name for name, lacking in settled if lacking is None}
    failures = {_asset_name(event): _reason(event) for event in result.all_events if event.is_step_failure}
    checks = {
        evaluation.asset_key.to_user_string(): evaluation.description or ""
        for evaluation in result.get_asset_check_evaluations()
        if evaluation.check_name == OVERALL and not evaluation.passed
    }
    asked = {key.to_user_string() for key in keys}
    return Outcome(
        run_id=result.run_id,
        made=tuple(sorted(made)),
        waiting=waiting,
        failures=failures,
        warnings={name: reason for name, reason in checks.items() if name in made},
        skipped=tuple(sorted(asked - made - waiting.keys() - failures.keys())),
    )


def reasons_of_failure(opened: dg.DagsterInstance, run_id: str) -> dict[str, str]:
    """Return the assets that failed in a run, with the reason in a sentence.

    Parameters
    ----------
    opened
        That knows the run.
    run_id
        Of the run.
    """
    logged = opened.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    failed = [entry.dagster_event for entry in logged if entry.dagster_event is not None]
    return {_asset_name(event): _reason(event) for event in failed}


def _settled(event: dg.DagsterEvent) -> tuple[str, str | None]:
    """An asset that has an event of materialisation, and what it waits for, if it does."""
    materialization = event.step_materialization_data.materialization
    lacking = materialization.metadata.get(WAITING_FOR)
    return materialization.asset_key.to_user_string(), str(lacking.value) if lacking is not None else None


def _asset_name(event: dg.DagsterEvent) -> str:
    return (event.step_key or "run").replace("__", "/")


def _reason(event: dg.DagsterEvent) -> str:
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return data.user_failure_data.description
    cause = data.error.cause if data.error and data.error.cause else data.error
    return cause.message.strip() if cause else "failed without a reason"
