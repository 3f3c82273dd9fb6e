"""What Dagster keeps to itself and we need: tags of a range of partitions, the UI as an app, its storage, its queue.

The tags themselves are documented, their names in the program are not; the UI can be had as a command only, before
which nothing of ours can stand; its log of events makes each connection anew. Nothing else of the project imports a
private module of another's.
"""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from dagster import DagsterInstance, DagsterRun, EventLogEntry, QueuedRunCoordinator
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.event_api import EventHandlerFn
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS
from dagster._core.run_coordinator import SubmitRunContext
from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata, SqlEventLogStorageTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage, sqlite_event_log
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorageWatchdog
from dagster._core.storage.sql import get_alembic_config
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import GrpcServerTarget
from dagster._grpc.client import DagsterGrpcClient
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event, func, select, text
from sqlalchemy.exc import DatabaseError
from watchdog.events import FileSystemEvent
from watchdog.observers import Observer

from ons_assets.orchestration.marks import ASKING, SHOP_TAG, WORKS, shop_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp

# What the UI and the daemon call the code.
LOCATION = "ons_assets"
LIVE_MILLISECONDS = 2000
# The log of each run is a database of its own; so many stay open in a process that reads many of them.
OPEN_LOGS = 8
# Writers wait for each other so long.
BUSY_SECONDS = 30


def tags_of_range(first: str, last: str) -> dict[str, str]:
    """Return the tags of a run over all partitions from one to another, in the order that Dagster has them in."""
    return {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}


@contextmanager
def user_interface(instance: DagsterInstance, socket: Path) -> Iterator["ASGIApp"]:
    """Yield Dagster's UI over the definitions that another process serves.

    Parameters
    ----------
    instance
        Where runs and events are kept.
    socket
        At which the process with the definitions answers.
    """
    # Only who serves the UI waits for it to be loaded.
    from dagster_webserver.app import create_app_from_workspace_process_context

    target = GrpcServerTarget(host="localhost", port=None, socket=str(socket), location_name=LOCATION)
    with WorkspaceProcessContext(instance, workspace_load_target=target) as context:
        yield create_app_from_workspace_process_context(context, live_data_poll_rate=LIVE_MILLISECONDS)


def code_answers(socket: Path) -> bool:
    """Return whether the process with the definitions answers.

    Parameters
    ----------
    socket
        At which it does.
    """
    try:
        return socket.exists() and DagsterGrpcClient(socket=str(socket)).ping("") is not None
    except DagsterUserCodeUnreachableError:
        return False


def daemons_beat(instance: DagsterInstance, within_seconds: float) -> bool:
    """Return whether every daemon that has something to do has shown lately that it goes on.

    Parameters
    ----------
    instance
        Where they leave their beats.
    within_seconds
        How long ago the last one may be.
    """
    beats = instance.get_daemon_heartbeats()
    latest = (beats[each].timestamp if each in beats else 0.0 for each in instance.get_required_daemon_types())
    return all(time.time() - each <= within_seconds for each in latest)


class Schema(Enum):
    """How the schema of Dagster's storage stands to that of the Dagster that is installed."""

    CURRENT = "current"
    OLDER = "older"
    NEWER = "newer"


def schema_of(instance: DagsterInstance) -> Schema:
    """Return how the schema of a storage stands.

    Parameters
    ----------
    instance
        Whose storage is looked at.
    """
    storages = (instance.run_storage, instance.event_log_storage, instance.schedule_storage)
    versions = [each.alembic_version() for each in storages if each is not None]
    stamped = [version for version in versions if version is not None and version[0] != version[1]]
    if not stamped:
        return Schema.CURRENT
    known = {script.revision for script in _migrations().walk_revisions()}
    return Schema.OLDER if all(found in known for found, _ in stamped if found is not None) else Schema.NEWER


def forget_events(instance: DagsterInstance, before: float) -> int:
    """Delete what runs that ended long ago logged, but for what they made and checked; return of how many runs.

    Parameters
    ----------
    instance
        Whose log it is.
    before
        Only what was logged before that moment, in seconds since 1970.
    """
    log = instance.event_log_storage
    if isinstance(log, SqliteEventLogStorage):
        return sum(_forget_log(instance, Path(log.path_for_shard(run)), before) for run in log.get_all_run_ids())
    if not isinstance(log, SqlEventLogStorage):
        return 0
    events = SqlEventLogStorageTable.c
    kept = [each.value for each in (*ASSET_EVENTS, *ASSET_CHECK_EVENTS)]
    old = (
        (events.timestamp < datetime.fromtimestamp(before, UTC).replace(tzinfo=None))
        & events.asset_key.is_(None)
        & (events.dagster_event_type.is_(None) | events.dagster_event_type.not_in(kept))
    )
    with log.index_connection() as connection:
        runs = connection.execute(select(func.count(func.distinct(events.run_id))).where(old)).scalar_one()
        connection.execute(SqlEventLogStorageTable.delete().where(old))
    return int(runs)


def _forget_log(instance: DagsterInstance, log: Path, before: float) -> bool:
    """Delete the log of a run, which is a database of its own; what was made and checked is in the index, too."""
    files = [log, *(log.with_name(f"{log.name}{end}") for end in ("-wal", "-shm"))]
    if max((each.stat().st_mtime for each in files if each.exists()), default=before) >= before:
        return False
    run = instance.get_run_by_id(log.stem)
    if run is not None and not run.is_finished:
        return False
    for each in files:
        each.unlink(missing_ok=True)
    return True


class RunQueue(QueuedRunCoordinator):
    """Dagster's queue of runs, in which those that work are marked, so that they alone are limited to a few."""

    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        """Mark a run that works, or asks a shop, and queue it; who begins one in the UI gives no tags.

        Parameters
        ----------
        context
            As Dagster gives it: the run.
        """
        run = context.dagster_run
        marks = WORKS if run.job_name != ASKING else {SHOP_TAG: shop_of(run)}
        self._instance.add_run_tags(run.run_id, marks)
        return super().submit_run(context)


class EventLog(SqliteEventLogStorage):
    """Dagster's log of events, with databases that stay open.

    Dagster opens a database for every event and has every statement compiled anew, which was half of the processor
    time of a run with a check an expectation; for each new one it reads all its migrations twice. A commit is in the
    system's hands at once and on the disk a little later: a killed process loses nothing, a power cut the last moments
    of the history, and of the tables nothing.
    """

    # Dagster says of it only that there is none at first.
    _obs: Any

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._process = os.getpid()
        self._tables: set[str] = set()
        # The transactions of what is written together, and the connections in them.
        self._together: tuple[ExitStack, dict[str, Connection]] | None = None
        super().__init__(base_dir, inst_data)
        # Who writes several things together opens the same database again for each.
        self._db_lock = threading.RLock()  # type: ignore[assignment]

    def has_table(self, table_name: str) -> bool:
        """Return whether the index has a table; each check asks, and what is there stays."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            if self._together is None:
                with self._begun(shard) as connection:
                    yield connection
                return
            stack, opened = self._together
            if shard not in opened:
                opened[shard] = stack.enter_context(self._begun(shard))
            yield opened[shard]

    @contextmanager
    def _begun(self, shard: str) -> Iterator[Connection]:
        engine = self._engine(shard)
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        with engine.begin() as connection:
            yield connection

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event, and all that follows from it in one transaction a database."""
        self.store_event_batch([event])

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events in one transaction a database: all that a run plans to make and to check come at once."""
        with self._db_lock, ExitStack() as stack:
            self._together = stack, {}
            stack.callback(self._apart)
            for event in events:
                super().store_event(event)

    def _apart(self) -> None:
        self._together = None

    def _initdb(self, engine: Engine, for_index_shard: bool = False) -> None:
        with engine.connect() as connection:
            if MigrationContext.configure(connection).get_current_revision():
                return
            try:
                if not for_index_shard:
                    _make_tables(engine, connection)
                    return
            except DatabaseError:
                # Another process makes them, too.
                connection.rollback()
        super()._initdb(engine, for_index_shard)

    def _engine(self, shard: str) -> Engine:
        if self._process != os.getpid():
            # A database that was opened before a fork is the parent's.
            self._engines, self._process = OrderedDict(), os.getpid()
        if shard not in self._engines:
            engine = create_engine(self.conn_string_for_shard(shard), connect_args={"timeout": BUSY_SECONDS})
            event.listen(engine, "connect", _sync_at_checkpoints)
            self._engines[shard] = engine
        self._engines.move_to_end(shard)
        # Who closes a log that is watched changes its files, which would have it opened again, and another closed.
        idle = [each for each in self._engines if each != shard and not self._watchers.get(each)]
        for each in idle[: max(0, len(self._engines) - OPEN_LOGS)]:
            self._engines.pop(each).dispose()
        return self._engines[shard]

    def watch(self, run_id: str, cursor: str | None, callback: EventHandlerFn) -> None:
        """Have something called with each new event of a run, as the UI has for a run that is looked at.

        Parameters
        ----------
        run_id
            Of the run.
        cursor
            After which event; None for all.
        callback
            Is given an event and its cursor.
        """
        if not self._obs:
            self._obs = Observer()
            self._obs.start()
        watchdog = _Watchdog(self, run_id, callback, cursor)
        watched = self._obs.schedule(watchdog, self._base_dir, recursive=True)
        self._watchers[run_id][callback] = (watchdog, watched)

    def wipe(self) -> None:
        """Delete all events; what stays open would be written to and never be read."""
        self._close()
        super().wipe()

    def dispose(self) -> None:
        """Close all databases."""
        super().dispose()
        self._close()

    def _close(self) -> None:
        with self._db_lock:
            if self._process == os.getpid():
                for engine in self._engines.values():
                    engine.dispose()
            self._engines.clear()


class _Watchdog(SqliteEventLogStorageWatchdog):
    """Looks for new events of a run where they are while the database is open: in a file beside it."""

    @property
    def patterns(self) -> list[str]:
        """Files that change."""
        return [self._log_path, f"{self._log_path}-wal"]

    def on_modified(self, event: FileSystemEvent) -> None:
        """Tell what is new."""
        self._process_log()


@cache
def _migrations() -> ScriptDirectory:
    """Dagster's migrations, which are read once."""
    return ScriptDirectory.from_config(get_alembic_config(sqlite_event_log.__file__))


def _make_tables(engine: Engine, connection: Connection) -> None:
    """Make the tables of the log of a run, as Dagster makes them."""
    SqlEventLogStorageMetadata.create_all(engine)
    connection.execute(text("PRAGMA journal_mode=WAL;"))
    MigrationContext.configure(connection).stamp(_migrations(), "head")
    connection.commit()


def _sync_at_checkpoints(connection: Any, _: object) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")


class Storage(DagsterSqliteStorage):
    """Dagster's storage in SQLite, with such a log of events; named in `dagster.yaml`."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage: SqliteEventLogStorage = EventLog(str(Path(base_dir) / "history" / "runs"))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> "Storage":
        """Return the storage that the configuration says."""
        return cls.from_local(inst_data=inst_data, **config_value)
