"""Delta tables: one atomic commit a publication, every version readable again."""

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pyarrow as pa
from deltalake import ColumnProperties, CommitProperties, DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import TableNotFoundError

from ons_assets.lakehouse.home import PRIVATE_DIRECTORY, Home, write_atomically
from ons_assets.lakehouse.tables import Table

# Provenance is read from the log of the table, so the log must outlive Delta's default of 30 days.
CONFIGURATION: Mapping[str, str | None] = {
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
}
COMMIT_KEY = "ons_assets"
ROWS_AT_ONCE = 250_000
# Of a file, with the least and the greatest value of each column, by which a reader passes over groups: small enough
# that rows sorted by bucket are found without reading a whole day.
ROWS_OF_A_GROUP = 65_536
# By these it is seen whether the values of a column come again, as a dictionary of them in the file needs.
ROWS_LOOKED_AT = 10_000
COMMIT_NAME = re.compile(r"[0-9]{20}\.json")
COMMIT_LINE = b'{"commitInfo"'
ROWS_OF_A_FILE = re.compile(rb'\\"numRecords\\":([0-9]+)')
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")


@dataclass(frozen=True)
class Provenance:
    """What made a published version; stored in its Delta commit.

    Parameters
    ----------
    run_id
        Dagster run that published it.
    code_version
        Version of the program and hash of its sources.
    inputs
        Delta version and data version of each input table by its name, or file name of each drop by its
        SHA-256.
    suite
        SHA-256 of the expectation suite and what failed.
    settings
        Method parameters in force.
    data_version
        Hash of code, suite, settings and inputs; the same whenever they are the same.
    partition
        First and last value of the partition that was replaced; None for the whole table.
    disclosure
        What its disclosure step did, for each part: `ons_assets.lakehouse.disclosure.Account`.
    """

    run_id: str
    code_version: str
    inputs: dict[str, str]
    suite: dict[str, Any]
    settings: dict[str, Any]
    data_version: str
    partition: tuple[str, str] | None = None
    disclosure: list[dict[str, Any]] = field(default_factory=list)


class Audited(msgspec.Struct, frozen=True):
    """Of a `Provenance`, the suite and what it found, and the inputs."""

    suite: dict[str, Any] = {}
    inputs: dict[str, str] = {}


class _Commit(msgspec.Struct):
    timestamp: int
    ons_assets: str | None = None


class _Line(msgspec.Struct):
    commitInfo: _Commit  # noqa: N815 (the name is Delta's)


AUDITED, COMMIT = msgspec.json.Decoder(Audited), msgspec.json.Decoder(_Line)


@dataclass(frozen=True)
class Version:
    """A published version of a table.

    Parameters
    ----------
    number
        Of the commit.
    published_utc
        When it was committed.
    made
        What made it, as JSON; None of a commit that this program did not make.
    rows_written
        Rows of the partition that it replaced, or of the whole table; None if the log does not say, as of versions
        that were forgotten.
    """

    table: str
    number: int
    published_utc: datetime
    made: str | None = field(repr=False)
    rows_written: int | None = None

    @cached_property
    def provenance(self) -> Provenance | None:
        """What made it; None of a commit that this program did not make."""
        if self.made is None:
            return None
        stored = json.loads(self.made)
        if stored["partition"]:
            stored["partition"] = tuple(stored["partition"])
        return Provenance(**stored)

    @property
    def audited(self) -> Audited:
        """Of what made it, the suite and the inputs alone: of thousands of versions nobody reads the rest."""
        return AUDITED.decode(self.made) if self.made is not None else Audited()


def rows_by_value(rows: pl.LazyFrame, column: str) -> dict[str, int]:
    """Return how many rows there are of each value of a partition column.

    Parameters
    ----------
    rows, column
        The rows, and the column.
    """
    counts = rows.group_by(column).len().collect(engine="streaming")
    return {str(value): count for value, count in counts.iter_rows()}


@dataclass(frozen=True)
class Between:
    """Rows whose partition column lies between two values, both included."""

    column: str
    first: date | str
    last: date | str

    def __post_init__(self) -> None:
        if str(self.first) > str(self.last):
            raise ValueError(f"{self.column}: {self.first} comes after {self.last}")
        _no_quotes(self.column, self.first, self.last)

    @property
    def sql(self) -> str:
        """The condition as Delta reads it."""
        return f"{self.column} >= '{self.first}' AND {self.column} <= '{self.last}'"

    @property
    def polars(self) -> pl.Expr:
        """The condition as Polars reads it."""
        return pl.col(self.column).is_between(pl.lit(self.first), pl.lit(self.last))


@dataclass(frozen=True)
class Among:
    """Rows whose partition column has one of some values."""

    column: str
    values: tuple[date | str, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"{self.column}: no value is given")
        _no_quotes(self.column, *self.values)

    @property
    def first(self) -> date | str:
        """The least of the values."""
        return min(self.values)

    @property
    def last(self) -> date | str:
        """The greatest of the values."""
        return max(self.values)

    @property
    def sql(self) -> str:
        """The condition as Delta reads it."""
        listed = ", ".join(f"'{value}'" for value in self.values)
        return f"{self.column} IN ({listed})"

    @property
    def polars(self) -> pl.Expr:
        """The condition as Polars reads it."""
        return pl.col(self.column).is_in(list(self.values))


Partition = Between | Among


def _no_quotes(column: str, *values: date | str) -> None:
    if any("'" in str(value) for value in values):
        raise ValueError(f"{column}: a partition value cannot contain a quote")


def exists(home: Home, table: Table) -> bool:
    """Return whether the table has ever been published."""
    return DeltaTable.is_deltatable(str(home.table(table.name)))


def publish(
    home: Home, table: Table, staged: pl.LazyFrame, provenance: Provenance, replace: Partition | None = None
) -> int:
    """Commit rows to a table, in place of a partition or of everything, and return the new version.

    Parameters
    ----------
    staged
        Rows that conform to the table.
    replace
        The partition that the rows take the place of; None for the whole table.

    Raises
    ------
    ValueError
        If a row lies outside the partition.
    """
    # Delta refuses such rows too, but prints some of them, and they may be about persons.
    if replace is not None and not staged.select(replace.polars.all()).collect(engine="streaming").item():
        raise ValueError(f"{table.name}: rows outside {replace.sql}")
    path = home.table(table.name)
    path.mkdir(parents=True, exist_ok=True)
    if table.is_individual:
        path.chmod(PRIVATE_DIRECTORY)
    first_time = not exists(home, table)
    write_deltalake(
        path,
        _stream(table, staged),
        mode="overwrite",
        predicate=None if first_time or replace is None else replace.sql,
        partition_by=list(table.partition_by) or None,
        configuration=CONFIGURATION if first_time else None,
        name=table.name,
        description=table.description,
        schema_mode="overwrite" if replace is None and not first_time else None,
        writer_properties=WriterProperties(
            compression="ZSTD",
            max_row_group_size=ROWS_OF_A_GROUP,
            column_properties=_without_dictionary(staged),
        ),
        commit_properties=CommitProperties(
            custom_metadata={COMMIT_KEY: json.dumps(asdict(provenance), sort_keys=True)}
        ),
    )
    return DeltaTable(path).version()


def _without_dictionary(rows: pl.LazyFrame) -> dict[str, ColumnProperties]:
    """Columns of which most values come once, such as ids and coordinates: a dictionary makes them larger and slow."""
    head = rows.head(ROWS_LOOKED_AT).collect()
    plain = [name for name, dtype in head.schema.items() if not dtype.is_nested()]
    once = [name for name in plain if 2 * head[name].n_unique() > len(head)]
    return {name: ColumnProperties(dictionary_enabled=False) for name in once}


def _stream(table: Table, rows: pl.LazyFrame) -> pa.RecordBatchReader:
    """Rows a few at a time: a table of tens of millions is published without ever being in memory whole."""
    schema = table.empty().to_arrow().schema

    def batches() -> Iterator[pa.RecordBatch]:
        for frame in rows.select(table.column_names).collect_batches(chunk_size=ROWS_AT_ONCE):
            yield from frame.to_arrow().cast(schema).to_batches()

    return pa.RecordBatchReader.from_batches(schema, batches())


def read(home: Home, table: Table, version: int | None = None) -> pl.LazyFrame:
    """Return a table as published, or as it was at an older version.

    Parameters
    ----------
    home
        Home that holds the lake.
    table
        Declared table.
    version
        Number of a version in the history; None is the latest.

    Raises
    ------
    LookupError
        If the table was never published, or has no such version.
    """
    try:
        return _rows(DeltaTable(home.table(table.name), version=version), home.table(table.name))
    except TableNotFoundError as error:
        raise LookupError(f"{table.name} has not been published yet") from error
    except Exception as error:
        if version is None:
            raise
        raise LookupError(f"{table.name} has no version {version}") from error


def _rows(delta: DeltaTable, path: Path) -> pl.LazyFrame:
    if PLAIN_PATH.fullmatch(str(path.resolve())):
        return pl.scan_delta(delta)
    # Delta gives names of files with blanks and accents as in an address, and Polars takes them as they are.
    schema = pl.from_arrow(pa.schema(delta.schema().to_arrow()).empty_table()).schema  # type: ignore[union-attr]
    files = _as_files(delta, path)
    if not files:
        return pl.LazyFrame(schema=schema)
    within = {name: schema[name] for name in delta.metadata().partition_columns}
    return pl.scan_parquet(
        files,
        glob=False,
        hive_partitioning=bool(within),
        hive_schema=within or None,
        missing_columns="insert",
        extra_columns="ignore",
        schema={name: dtype for name, dtype in schema.items() if name not in within},
    ).select(schema.names())


def _as_files(delta: DeltaTable, path: Path) -> list[str]:
    """Return the files of a version as the file system names them."""
    root = str(path.resolve())
    depth = len(root.split("/"))
    return ["/".join([root, *uri.split("/")[depth:]]) for uri in delta.file_uris()]


@dataclass(frozen=True)
class Change:
    """Rows of a table that one version has and another has not."""

    came: pl.LazyFrame
    went: pl.LazyFrame

    def rows(self) -> pl.LazyFrame:
        """Return the rows that are on one side only."""
        columns = self.came.collect_schema().names()
        return pl.concat(
            [
                self.came.join(self.went, on=columns, how="anti", nulls_equal=True),
                self.went.join(self.came, on=columns, how="anti", nulls_equal=True),
            ]
        )


def change(home: Home, table: Table, since: int, until: int | None = None) -> Change:
    """Return the rows that came and went from one version to another; only files that are not in both are read.

    A day that was made again without a difference comes and goes with equal rows; see `Change.rows`.

    Parameters
    ----------
    until
        The later version; None for the latest.

    Raises
    ------
    LookupError
        If the table has no such version.
    """
    before, now = _files(home, table, since), _files(home, table, until)
    return Change(came=_scan(table, now - before), went=_scan(table, before - now))


def _files(home: Home, table: Table, version: int | None) -> set[str]:
    try:
        return set(_as_files(DeltaTable(home.table(table.name), version=version), home.table(table.name)))
    except Exception as error:
        raise LookupError(f"{table.name} has no version {version}") from error


def _scan(table: Table, files: set[str]) -> pl.LazyFrame:
    if not files:
        return table.empty().lazy()
    # A partition column stands in the names of the folders, not in the files.
    return pl.scan_parquet(sorted(files), glob=False, hive_partitioning=True).select(
        pl.col(name).cast(dtype) for name, dtype in table.schema.items()
    )


def history(home: Home, table: Table, limit: int | None = None) -> list[Version]:
    """Return the published versions of a table, newest first.

    Parameters
    ----------
    home
        Home that holds the lake.
    table
        Declared table; one that was never published has no versions.
    limit
        Newest versions to return; None returns all.
    """
    return list(islice(versions(home, table), limit))


def versions(home: Home, table: Table) -> Iterator[Version]:
    """Yield the published versions of a table, newest first, each when it is asked for.

    Parameters
    ----------
    home
        Home that holds the lake.
    table
        Declared table; one that was never published has no versions.
    """
    # The library opens the table first and builds its state, which takes three times as long.
    log = home.table(table.name) / "_delta_log"
    names = os.listdir(log) if log.is_dir() else []
    for number in sorted((int(name[:-5]) for name in names if COMMIT_NAME.fullmatch(name)), reverse=True):
        with open(log / f"{number:020}.json", "rb") as file:
            content = file.read()
        line = next((line for line in content.splitlines() if line.startswith(COMMIT_LINE)), None)
        if line is None:
            continue
        commit = COMMIT.decode(line).commitInfo
        rows = ROWS_OF_A_FILE.findall(content)
        yield Version(
            table=table.name,
            number=number,
            published_utc=datetime.fromtimestamp(commit.timestamp / 1000, tz=UTC),
            made=commit.ons_assets,
            rows_written=sum(map(int, rows)) if rows else None,
        )


def row_count(home: Home, table: Table) -> int:
    """Return how many rows the latest version of a table has, as its log says; no file of rows is opened.

    Raises
    ------
    LookupError
        If the table was never published.
    """
    try:
        files = DeltaTable(home.table(table.name)).get_add_actions(flatten=True)
    except TableNotFoundError as error:
        raise LookupError(f"{table.name} has not been published yet") from error
    return int(pl.Series(files.column("num_records")).sum())


def latest(home: Home, table: Table) -> Version | None:
    """Return the newest published version, or None."""
    return next(iter(history(home, table, limit=1)), None)


def remove_orphans(path: Path) -> list[str]:
    """Delete data files that no version of a Delta table names, and return their names.

    A writer that dies between writing its files and committing them leaves such files. Call it only
    while no process writes to the table (`Home.alone`).
    """
    if not DeltaTable.is_deltatable(str(path)):
        return []
    table = DeltaTable(path)
    orphans = table.vacuum(
        retention_hours=0,
        enforce_retention_duration=False,
        dry_run=True,  # a real vacuum would commit versions of its own
        full=True,
        keep_versions=list(range(_oldest(path), table.version() + 1)),
    )
    # What was forgotten with the history is named still, and is not there.
    there = [orphan for orphan in orphans if (path / orphan).exists()]
    for orphan in there:
        (path / orphan).unlink(missing_ok=True)
    return there


def forget_history(path: Path) -> None:
    """Delete every row that the latest version of a Delta table has not, and what the log says of values in them.

    What made each version stays in the log; the rows of older versions can no longer be read. Killed at any point,
    it can be done again. Call it only while no process writes to the table (`Home.alone`).
    """
    table = DeltaTable(path)
    number = table.version()
    table.create_checkpoint()
    # The files first: a log that names what is gone can be forgotten again, one that does not cannot.
    _keep_files(path, set(_as_files(table, path)))
    _keep_what_made(path / "_delta_log", number)


def _keep_files(path: Path, live: Collection[str]) -> None:
    """Delete data files of a table that are not among those that live."""
    # Were a live file called otherwise than it is named here, it would go too.
    if absent := sum(not Path(file).exists() for file in live):
        raise FileNotFoundError(f"{path.parent.name}/{path.name}: {absent} of its {len(live)} files are not there")
    log = path / "_delta_log"
    for file in path.rglob("*.parquet"):
        if log not in file.parents and str(file.resolve()) not in live:
            file.unlink()
    # A folder of a partition says that there was something in it.
    for folder in sorted(path.rglob("*"), reverse=True):
        if folder.is_dir() and folder != log and not any(folder.iterdir()):
            folder.rmdir()


def _keep_what_made(log: Path, number: int) -> None:
    """Leave of commits up to a version what made them, and of checkpoints that of the version."""
    for path in log.iterdir():
        version = path.name.split(".")[0]
        if path.name.endswith(".part") or (".checkpoint" in path.name and version.isdigit() and int(version) < number):
            path.unlink()
        elif path.suffix == ".json" and path.stem.isdigit() and int(version) <= number:
            lines = path.read_bytes().splitlines()
            said = [line for line in lines if "commitInfo" in json.loads(line)]
            if said != lines:
                write_atomically(path, b"\n".join(said) + b"\n")


def _oldest(path: Path) -> int:
    """Number of the oldest version whose rows can be read."""
    log = path / "_delta_log"
    first = log / f"{0:020}.json"
    if first.exists() and any("protocol" in json.loads(line) for line in first.read_bytes().splitlines()):
        return 0
    return min(int(checkpoint.name.split(".")[0]) for checkpoint in log.glob("*.checkpoint*.parquet"))
