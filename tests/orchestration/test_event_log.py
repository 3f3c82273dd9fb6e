"""Dagster's storage with databases that stay open holds what its own holds, and each can go on where the other was."""

import multiprocessing
import queue
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ons_assets.lakehouse.home import Home
from ons_assets.orchestration import dagster_internals
from ons_assets.orchestration.dagster_internals import EventLog
from ons_assets.orchestration.runs import instance

DagstersOwn = EventLog.__mro__[1]


@dg.asset(check_specs=[dg.AssetCheckSpec(f"check_{number}", asset="numbers") for number in range(3)])
def numbers():
    for number in range(3):
        yield dg.AssetCheckResult(check_name=f"check_{number}", passed=number != 1)
    yield dg.MaterializeResult(metadata={"rows": 7})


def make(opened: dg.DagsterInstance) -> str:
    return dg.materialize([numbers], instance=opened).run_id


def told(log: Any, run: str) -> tuple[list[str | None], int, list[bool]]:
    """Kinds of the events of a run, times that the asset was made, and how its checks went."""
    events = [record.event_log_entry for record in log.get_records_for_run(run).records]
    made = log.fetch_materializations(dg.AssetKey("numbers"), limit=10).records
    keys = [dg.AssetCheckKey(dg.AssetKey("numbers"), f"check_{number}") for number in range(3)]
    checks = [log.get_asset_check_execution_history(key, limit=1)[0] for key in keys]
    passed = [each.status.value == "SUCCEEDED" for each in checks]
    return [each.dagster_event_type and each.dagster_event_type.value for each in events], len(made), passed


def test_a_home_has_it_and_dagsters_own_reads_and_continues_what_it_wrote(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").ensure()
    with instance(home) as opened:
        assert isinstance(opened.event_log_storage, EventLog)
        first = make(opened)
        ours = told(opened.event_log_storage, first)
    folder = str(home.dagster / "history" / "runs")
    theirs = DagstersOwn(folder)
    assert told(theirs, first) == ours
    assert ours[1:] == (1, [True, False, True])
    # As the configuration of a home was before.
    configuration = home.dagster / "dagster.yaml"
    of_today = configuration.read_text()
    configuration.write_text("telemetry: {enabled: false}")
    with instance(home) as opened:
        assert type(opened.event_log_storage) is DagstersOwn
        second = make(opened)
    configuration.write_text(of_today)
    with instance(home) as opened:
        kinds, made, _ = told(opened.event_log_storage, second)
    assert (sorted(map(str, kinds)), made) == (sorted(map(str, ours[0])), 2)


def test_few_logs_are_open_however_many_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dagster_internals, "OPEN_LOGS", 2)
    with instance(Home(tmp_path / "home").ensure()) as opened:
        runs = [make(opened) for _ in range(4)]
        log = opened.event_log_storage
        assert isinstance(log, EventLog)
        assert {len(told(log, run)[0]) for run in runs} == {len(told(log, runs[0])[0])}
        assert len(log._engines) == 2


def _in_a_child(log: EventLog, run: str, answer: "multiprocessing.queues.Queue[int]") -> None:
    answer.put(len(told(log, run)[0]))


def test_a_child_opens_its_own(tmp_path: Path) -> None:
    """SQLite must not be used through a connection from before a fork."""
    fork = multiprocessing.get_context("fork")
    with instance(Home(tmp_path / "home").ensure()) as opened:
        run, log = make(opened), opened.event_log_storage
        assert isinstance(log, EventLog)
        before, answer = dict(log._engines), fork.Queue()
        child = fork.Process(target=_in_a_child, args=(log, run, answer))
        child.start()
        assert answer.get(timeout=60) == len(told(log, run)[0])
        child.join()
        assert log._engines == before
        make(opened)


def entry(message: str, run: str = "run") -> dg.EventLogEntry:
    return dg.EventLogEntry(
        error_info=None, level=20, user_message=message, run_id=run, timestamp=time.time(), dagster_event=None
    )


def test_who_looks_at_a_run_is_told_what_another_writes_while_it_stays_open(tmp_path: Path) -> None:
    """SQLite writes beside a database that is open; the UI would show no event of a run before its end."""
    writer, reader, said = EventLog(str(tmp_path)), EventLog(str(tmp_path)), queue.Queue[str]()
    writer.store_event(entry("before"))
    cursor = reader.get_records_for_run("run").cursor
    reader.watch("run", cursor, lambda event, _: said.put(event.user_message))
    writer.store_event(entry("now"))
    assert said.get(timeout=20) == "now"
    writer.store_event(entry("later"))
    assert said.get(timeout=20) == "later"
    reader.dispose()
    writer.dispose()


def test_many_logs_that_are_watched_come_to_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each that was closed for another would be opened again by what closing it changed, without end."""
    monkeypatch.setattr(dagster_internals, "OPEN_LOGS", 2)
    writer, reader, said = EventLog(str(tmp_path)), EventLog(str(tmp_path)), queue.Queue[str]()
    runs = [f"run {number}" for number in range(5)]
    for run in runs:
        writer.store_event(entry("before", run))
        reader.watch(run, None, lambda event, _: said.put(event.run_id))
        writer.store_event(entry("now", run))
    assert sorted(said.get(timeout=20) for _ in range(2 * len(runs))) == sorted(2 * runs)
    writer.dispose()
    time.sleep(0.3)
    began = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - began < 0.25
    reader.dispose()


def test_after_all_was_deleted_new_events_are_kept(tmp_path: Path) -> None:
    log = EventLog(str(tmp_path))
    log.store_event(entry("before"))
    log.wipe()
    log.store_event(entry("after"))
    log.dispose()
    records = EventLog(str(tmp_path)).get_records_for_run("run").records
    assert [each.event_log_entry.user_message for each in records] == ["after"]


def in_the_file(database: Path) -> tuple[list[tuple[str, str]], list[tuple[str]], str]:
    """Tables and indexes of a database, the revision that it says to be of, and how it is written."""
    with closing(sqlite3.connect(database)) as connection:
        made = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
        revision = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        [[mode]] = connection.execute("PRAGMA journal_mode").fetchall()
        return made, revision, mode


def test_the_log_of_a_run_is_made_as_dagster_makes_it(tmp_path: Path) -> None:
    for name, of in (("ours", EventLog), ("theirs", DagstersOwn)):
        assert of(str(tmp_path / name)).get_logs_for_run("run") == []
    ours, theirs = (in_the_file(tmp_path / name / "run.db") for name in ("ours", "theirs"))
    assert ours == theirs
    assert ours[0]
    assert len(ours[1]) == 1


def test_a_log_that_two_make_at_once_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process has made the tables after one looked, and before one makes them."""
    first, second = EventLog(str(tmp_path)), EventLog(str(tmp_path))
    made = dagster_internals._make_tables

    def made_by_the_other_before(*arguments: Any) -> None:
        monkeypatch.setattr(dagster_internals, "_make_tables", made)
        assert first.get_logs_for_run("run") == []
        made(*arguments)

    monkeypatch.setattr(dagster_internals, "_make_tables", made_by_the_other_before)
    assert second.get_logs_for_run("run") == []
    assert len(in_the_file(tmp_path / "run.db")[1]) == 1


def test_what_a_run_plans_is_stored_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored: list[int] = []
    store = EventLog.store_event_batch

    def counted(log: EventLog, events: Sequence[dg.EventLogEntry]) -> None:
        stored.append(len(events))
        store(log, events)

    monkeypatch.setattr(EventLog, "store_event_batch", counted)
    with instance(Home(tmp_path / "home").ensure()) as opened:
        make(opened)
    assert max(stored) == 1 + len(list(numbers.check_specs))


def test_of_events_that_are_stored_together_all_are_there_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with instance(Home(tmp_path / "home").ensure()) as opened:
        run, log = make(opened), opened.event_log_storage
        events = [record.event_log_entry for record in log.get_records_for_run(run).records]
        asked_for = dg.DagsterEventType.ASSET_CHECK_EVALUATION
        checked = [each for each in events if each.dagster_event and each.dagster_event.event_type is asked_for]
        before = told(log, run)
        stored = DagstersOwn.store_event

        def all_but_the_last(log: Any, event: dg.EventLogEntry) -> None:
            if event is checked[-1]:
                raise OSError("the disk is full")
            stored(log, event)

        monkeypatch.setattr(DagstersOwn, "store_event", all_but_the_last)
        with pytest.raises(OSError, match="full"):
            log.store_event_batch(checked)
        assert told(log, run) == before
        log.store_event(checked[0])
        assert len(told(log, run)[0]) == len(before[0]) + 1
