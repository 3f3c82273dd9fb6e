"""The folder in which everything of one installation lies, and the locks on it."""

import fcntl
import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PRIVATE_DIRECTORY = 0o700
PRIVATE_FILE = 0o600
OF_OTHERS = 0o077
WAIT_SECONDS = 0.2
# Delta takes the path of a table for an address, in which these mean something else.
NOT_IN_PATHS = re.compile(r"[][^|=\\#?\x00-\x1f]|%[0-9A-Fa-f]{2}")


class BadHome(ValueError):
    """A folder cannot be a home; the message is one sentence."""


@dataclass(frozen=True)
class Home:
    """Paths under one home folder.

    Parameters
    ----------
    root
        The folder; made when first used.
    """

    root: Path

    @property
    def drops(self) -> Path:
        """Where suppliers leave files: one folder a source."""
        return self.root / "drops"

    @property
    def archive(self) -> Path:
        """Received files by content hash, read-only."""
        return self.root / "archive"

    @property
    def ledger(self) -> Path:
        """The SQLite file with one row for each file that ever arrived."""
        return self.root / "ledger.sqlite"

    @property
    def lake(self) -> Path:
        """Delta tables, one folder each."""
        return self.root / "lake"

    @property
    def parsed(self) -> Path:
        """Accepted rows of every drop as they were read, and under which layout."""
        return self.root / "parsed"

    @property
    def staging(self) -> Path:
        """Batches that are not yet audited; empty when nothing runs."""
        return self.root / "staging"

    @property
    def quarantine(self) -> Path:
        """Rows that could not be read and batches that were refused."""
        return self.root / "quarantine"

    @property
    def layouts(self) -> Path:
        """Layouts of the office's own: one folder a source."""
        return self.root / "layouts"

    @property
    def expectations(self) -> Path:
        """What the office lays over the shipped suites: one folder a domain."""
        return self.root / "expectations"

    @property
    def erasure(self) -> Path:
        """What an erasure that is not finished has to do, in a folder that only its owner can open."""
        return self.root / "erasure"

    @property
    def reports(self) -> Path:
        """Pages for people, and the results of audits."""
        return self.root / "reports"

    @property
    def report(self) -> Path:
        """Start page of the report."""
        return self.reports / "governance" / "index.html"

    @property
    def releases(self) -> Path:
        """What left the house: one folder a release, which never changes."""
        return self.root / "releases"

    @property
    def release_ledger(self) -> Path:
        """The SQLite file with one row for each release, and for each that was refused."""
        return self.root / "releases.sqlite"

    @property
    def warehouse(self) -> Path:
        """DuckDB database of every table that is not individual."""
        return self.root / "warehouse.duckdb"

    @property
    def restricted_warehouse(self) -> Path:
        """DuckDB database of the individual tables, in a folder that only its owner can open."""
        return self.root / "restricted" / "warehouse.duckdb"

    @property
    def access_ledger(self) -> Path:
        """The SQLite file with one row for each look at a single unit, in the same folder."""
        return self.root / "restricted" / "accesses.sqlite"

    @property
    def pictures(self) -> Path:
        """Pictures of single units: one folder a source, in the same folder."""
        return self.root / "restricted" / "pictures"

    @property
    def dagster(self) -> Path:
        """Dagster's own storage: runs, events, schedules."""
        return self.root / "dagster"

    @property
    def at_work(self) -> Path:
        """What is only of the service while it is at work: signs of life, and the socket of its definitions."""
        return self.root / "run"

    @property
    def is_made(self) -> bool:
        """Whether this is a home, and not a folder that holds something else, or nothing."""
        return self.ledger.is_file()

    def table(self, name: str) -> Path:
        """Folder of the Delta table ``domain/table``."""
        return self.lake / name

    def drop_folder(self, source: str, *, is_individual: bool) -> Path:
        """Return where the files of a source are left, made if need be; files about people are their owner's alone.

        Parameters
        ----------
        source
            Name of the source.
        is_individual
            Whether its files are about people.

        Raises
        ------
        BadHome
            If such a folder is open to others, and not ours to close.
        """
        folder = self.drops / source
        folder.mkdir(parents=True, exist_ok=True)
        if is_individual and folder.stat().st_mode & OF_OTHERS:
            try:
                folder.chmod(PRIVATE_DIRECTORY)
            except OSError as error:
                reason = f"it cannot be closed: {error.strerror}"
                raise BadHome(f"files about people come to {folder}, which is open to others, and {reason}") from None
        return folder

    def ensure(self) -> "Home":
        """Make the folders that must exist, private where they hold individual data.

        Raises
        ------
        BadHome
            If tables cannot lie under this path.
        """
        if (found := NOT_IN_PATHS.search(str(self.root.resolve()))) is not None:
            raise BadHome(
                f"the home {self.root} has {found[0]!r} in its path, which tables cannot have: choose another"
            )
        self.root.mkdir(parents=True, exist_ok=True)
        for folder in (self.archive, self.parsed, self.staging, self.quarantine, self.restricted_warehouse.parent):
            folder.mkdir(exist_ok=True, mode=PRIVATE_DIRECTORY)
        for folder in (self.drops, self.layouts, self.lake, self.reports, self.dagster, self._locks):
            folder.mkdir(exist_ok=True)
        return self

    @property
    def _locks(self) -> Path:
        return self.root / "locks"

    def secret(self) -> bytes:
        """Return the key for pseudonyms, made on first use and readable by its owner alone."""
        path = self.root / "secret.key"
        if not path.exists():
            partial = unfinished(path)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(32))
            # A link, unlike a rename, never replaces a key that another process made meanwhile.
            with suppress(FileExistsError):
                path.hardlink_to(partial)
            partial.unlink()
        return path.read_bytes()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Say that this process writes under the home; many may at once, recovery waits for none."""
        with self._flock("home", fcntl.LOCK_SH):
            yield

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Yield True, and keep others out, if no process is writing under the home; else yield False."""
        try:
            with self._flock("home", fcntl.LOCK_EX | fcntl.LOCK_NB):
                yield True
        except BlockingIOError:
            yield False

    @contextmanager
    def alone_within(self, patience_seconds: float) -> Iterator[bool]:
        """Wait for those who write under the home, and yield True as `alone` does; False if they do not end in time."""
        until = time.monotonic() + patience_seconds
        while True:
            with self.alone() as alone:
                if alone or time.monotonic() >= until:
                    yield alone
                    return
            time.sleep(WAIT_SECONDS)

    @contextmanager
    def served(self, part: str | None = None) -> Iterator[bool]:
        """Yield True, and keep others from it, if nobody serves the home, or this part of it; else yield False.

        Parameters
        ----------
        part
            Of the service that is begun alone, beside the other parts; None for the whole.
        """
        with ExitStack() as stack:
            try:
                mode = fcntl.LOCK_EX if part is None else fcntl.LOCK_SH
                stack.enter_context(self._flock("serve", mode | fcntl.LOCK_NB))
                if part is not None:
                    stack.enter_context(self._flock(f"serve-{part}", fcntl.LOCK_EX | fcntl.LOCK_NB))
            except BlockingIOError:
                alone = False
            else:
                alone = True
            yield alone

    @contextmanager
    def erasing(self) -> Iterator[bool]:
        """Yield True, and keep other erasures out, if none is at work; else yield False."""
        try:
            with self._flock("erase", fcntl.LOCK_EX | fcntl.LOCK_NB):
                yield True
        except BlockingIOError:
            yield False

    @contextmanager
    def table_lock(self, name: str) -> Iterator[None]:
        """Hold one table, so that who reads inputs last also publishes last."""
        with self._flock(name.replace("/", "."), fcntl.LOCK_EX):
            yield

    @contextmanager
    def _flock(self, name: str, mode: int) -> Iterator[None]:
        # The kernel drops an flock when its process dies, however it dies.
        with (self._locks / f"{name}.lock").open("a") as file:
            fcntl.flock(file, mode)
            yield


def unfinished(path: Path) -> Path:
    """Where to write what takes a path's place when it is whole; recovery clears it away.

    Each call gives another name: threads share a process number, and so do containers on one volume.
    """
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")


def sha256_of(path: Path) -> str:
    """Return the hash of the content of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees all of it or nothing, also after a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = unfinished(path)
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
