"""Parts worked on a cluster that speaks Spark's protocol: Apache Spark itself, or Sail.

Spark divides the parts among its workers and begins again what a worker lost; everything else is ours, and the same as
on one machine. What a task is to do lies in files of a folder that all machines share, and what it made is staged
there; by Spark go numbers of parts, and what came of them.
"""

import os
import pickle
import re
import socket
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ons_assets.engine.parts import Impossible, Made, Part
from ons_assets.engine.tasks import Outcome
from ons_assets.program import code_version

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

REMOTE = "sc://"
FUNCTION = "function.pickle"
PORTS = {"sc": 15002, "spark": 7077}
SECONDS_TO_ANSWER = 10
RETRIES, LONGEST_BACKOFF_MS = 6, 5_000
# By their addresses.
_SESSIONS: dict[str, "SparkSession"] = {}
INSTALL = "the engine needs PySpark: pip install 'ons-assets[spark]'"


@dataclass(frozen=True)
class SparkEngine:
    """The engine that works on a cluster.

    Parameters
    ----------
    address
        `sc://host:port` of a Spark Connect server, or a master URL.
    folder
        Where tasks and what came of them are put down: private, and the same on all machines.
    options
        Of the session, by Spark's names.
    """

    address: str
    folder: Path
    options: Mapping[str, str]

    def map(self, function: Callable[..., Made], parts: Iterable[Part], at_once: int = 1) -> Iterator[Made]:
        """Yield what a function makes of each part; see `ons_assets.engine.parts.Engine.map`.

        Raises
        ------
        Impossible
            If there is no PySpark, nobody answers at the address, or the workers have another program.
        """
        with TemporaryDirectory(prefix="tasks-", dir=self.folder) as folder:
            tasks = _Tasks(Path(folder), code_version())
            number = tasks.put_down(function, parts)
            if number == 0:
                return
            # A number a task, so that a worker that is lost costs one part and no other waits for it.
            with _main_file():
                session = _session(self.address, self.options)
                try:
                    numbers = session.range(0, number, 1, number)
                    done = numbers.mapInArrow(tasks.work, "part long, outcome binary").collect()
                except Exception as error:
                    _SESSIONS.pop(self.address, None)
                    raise Impossible(f"Spark at {self.address} cannot work: {_reason(error)}") from None
            for row in sorted(done, key=lambda row: row.part):
                yield pickle.loads(row.outcome).get()


@dataclass(frozen=True)
class _Tasks:
    """Parts of one call in a folder, by their numbers."""

    folder: Path
    program: str

    def put_down(self, function: Callable[..., Any], parts: Iterable[Part]) -> int:
        """Write the function and its parts, and return how many there are."""
        (self.folder / FUNCTION).write_bytes(pickle.dumps(function))
        number = 0
        for number, part in enumerate(parts, start=1):
            self._part(number - 1).write_bytes(pickle.dumps(part))
        return number

    def work(self, batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
        """Work the parts whose numbers are given; where the worker is."""
        import pyarrow as pa

        for batch in batches:
            numbers = batch.column(0).to_pylist()
            outcomes = [pickle.dumps(self._outcome(number)) for number in numbers]
            yield pa.RecordBatch.from_pydict(
                {"part": pa.array(numbers, pa.int64()), "outcome": pa.array(outcomes, pa.binary())}
            )

    def _outcome(self, number: int) -> Outcome:
        if code_version() != self.program:
            return Outcome(error=Impossible(f"a worker has {code_version()}, and the run {self.program}"))
        function = pickle.loads((self.folder / FUNCTION).read_bytes())
        return Outcome.of(function, pickle.loads(self._part(number).read_bytes()))

    def _part(self, number: int) -> Path:
        return self.folder / f"{number:06}.pickle"


def _session(address: str, options: Mapping[str, str]) -> "SparkSession":
    """Return the session of this process at an address, begun if there is none."""
    if (session := _SESSIONS.get(address)) is None:
        # Spark's client asks somebody who is not there for ten minutes.
        _knock(address)
        session = _SESSIONS[address] = _begun(address, options)
    return session


@contextmanager
def _main_file() -> Iterator[None]:
    """Have the main module a file: a process without one is taken for a test of PySpark by its client, and ended."""
    main = sys.modules["__main__"]
    if main.__spec__ is not None or hasattr(main, "__file__"):
        yield
        return
    main.__file__ = sys.executable
    try:
        yield
    finally:
        del main.__file__


def _knock(address: str) -> None:
    at = urlsplit(address)
    if at.scheme not in PORTS or at.hostname is None:
        return
    try:
        socket.create_connection((at.hostname, at.port or PORTS[at.scheme]), SECONDS_TO_ANSWER).close()
    except OSError as error:
        raise Impossible(f"nobody answers as Spark at {address}: {error.strerror or error}") from None


def _begun(address: str, options: Mapping[str, str]) -> "SparkSession":
    # It does not know the newest pandas, by which nothing here is sent.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise Impossible(INSTALL) from None
    if is_remote := address.startswith(REMOTE):
        builder = SparkSession.builder.remote(address)
    else:
        builder = SparkSession.builder.master(address)
        # Workers find the program where it is here, unless it was said where they have it.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        # Its pages would be open to the whole network.
        options = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", **options}
    builder = builder.appName("ons-assets")
    for name, value in options.items():
        builder = builder.config(name, value)
    try:
        # A session that is there may be one at another address.
        session: SparkSession = builder.create() if is_remote else builder.getOrCreate()
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise Impossible(f"no session of Spark can be begun at {address}: {said}") from None
    if is_remote:
        _lose_patience(session)
    return session


def _lose_patience(session: "SparkSession") -> None:
    """Have a server that went away be given up after a quarter of a minute; by itself the client asks for ten."""
    from pyspark.sql.connect.client.retries import DefaultPolicy

    session.client.set_retry_policies([DefaultPolicy(max_retries=RETRIES, max_backoff=LONGEST_BACKOFF_MS)])


def _reason(error: Exception) -> str:
    """The kind of what a worker or a server raised last; its text may quote a row, unless a module is lacking."""
    lines = [line.strip() for line in str(error).splitlines() if re.match(r"\s*[\w.]*(Error|Exception)\b", line)]
    last = lines[-1] if lines else type(error).__name__
    return last if last.startswith("ModuleNotFoundError") else last.partition(":")[0]
