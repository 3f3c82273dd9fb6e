"""A table made by parts on an engine that loses a worker, or who asked; run as a module, it is who asked."""

import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

import polars as pl

from ons_assets.engine.parts import Engine, Mapped
from ons_assets.engine.spark import SparkEngine
from ons_assets.lakehouse.derivation import Derivation, Outcome, derive
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

NUMBERS = Table(
    name="test/numbers",
    description="Numbers, some of them in each part.",
    columns=(Column("part", pl.Int64(), "part"), Column("number", pl.Int64(), "number")),
    key=("part", "number"),
    sensitivity=Sensitivity.PUBLIC,
    owner="team:test",
    source="tests",
)
PARTS, NUMBERS_OF_A_PART = 6, 1_000
WAIT_SECONDS = 60


def rows_of(part: int) -> pl.DataFrame:
    return pl.DataFrame({"part": part, "number": range(NUMBERS_OF_A_PART)})


def with_a_loss(part: int, mark: Path, lost: str) -> pl.DataFrame:
    """The first time, part 1 loses who works it, and part 0 says that it was staged before that."""
    if part == 1 and not mark.exists():
        mark.touch()
        # The worker's parent begins workers, and its parent is the executor.
        os.kill(os.getpid() if lost == "worker" else _parent(os.getppid()), signal.SIGKILL)
        time.sleep(WAIT_SECONDS)
    return rows_of(part)


def slowly(part: int, mark: Path) -> pl.DataFrame:
    """The first time, every part but the first works until who asked is no more."""
    if part == 0:
        mark.touch()
    elif not mark.with_suffix(".killed").exists():
        until = time.monotonic() + WAIT_SECONDS
        while not mark.with_suffix(".killed").exists() and time.monotonic() < until:
            time.sleep(0.05)
    return rows_of(part)


def made(home: Home, suites: Path, engine: Engine, function: partial[pl.DataFrame], run_id: str) -> Outcome:
    """Make the table."""
    parts = [(part,) for part in range(PARTS)]
    derivation = Derivation((NUMBERS,), lambda: Mapped(function, parts))
    return derive(home, derivation, expectations=suites, run_id=run_id, parameters={}, engine=engine)


def _parent(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


if __name__ == "__main__":
    # What is sent is found by its name, which is no name of a script.
    from tests.engine import losses

    address, root, suites, mark = sys.argv[1:]
    home = Home(Path(root))
    engine = SparkEngine(address, home.staging, {})
    print(made(home, Path(suites), engine, partial(losses.slowly, mark=Path(mark)), "killed"))
