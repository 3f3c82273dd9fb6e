"""What engines are given to work in tests; a worker finds it by name."""

import os
import signal
from pathlib import Path

import polars as pl

from ons_assets.lakehouse.gate import Audit
from ons_assets.lakehouse.publication import Refused
from ons_assets.lakehouse.suites import SuiteError


def total(rows: pl.DataFrame, times: int = 1) -> int:
    return int(rows["value"].sum()) * times


def worker(_: int) -> int:
    return os.getpid()


def quoting(rows: pl.DataFrame) -> None:
    raise ValueError(f"the secret is {rows['value'][0]}")


def panicking(rows: pl.DataFrame) -> None:
    raise pl.exceptions.PanicException(f"the secret is {rows['value'][0]}")


def leaving(rows: pl.DataFrame) -> None:
    raise SystemExit(f"the secret is {rows['value'][0]}")


def refused(_: pl.DataFrame) -> None:
    raise Refused("test/numbers", Audit("0", 0, (), {}))


def ours(_: pl.DataFrame) -> None:
    raise SuiteError("a sentence of the project")


def fails_at(number: int, bad: int) -> int:
    if number == bad:
        raise SuiteError(f"part {number}")
    return number


def killed_once(number: int, mark: Path) -> int:
    """The worker of the first part dies, once."""
    if number == 0 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number
