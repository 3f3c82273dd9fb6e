"""Dagster's storage in a home: its configuration, and whether its schema is that of the Dagster that is installed."""

import hashlib
import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import dagster as dg

from ons_assets.lakehouse.home import Home, sha256_of, write_atomically
from ons_assets.orchestration.dagster_internals import Schema, schema_of

INSTANCE_FILE = Path(__file__).resolve().parents[1] / "dagster.yaml"
PREPARED = ".prepared"
# By their hashes, the configurations that came with versions until now, in their order; the last one is that of now.
# One of before that nobody changed is replaced.
SHIPPED = (
    "9a3614ce64fd99954a5e6fcab34b6426bfb29053980e31bdb7d97efd65c5d18a",
    "951530207418a04d3873aab47415be10e71abb2dc96db542aa47b1633435a8c7",
    "af5a8eb00d2cdc54e0fcb26d805dd4156ff27f6d79d7777509a041c544fd4d10",
    "3ffbbc8a7c2b79a899ed03b7a008e0793e01cb2a4b5136f697c0d050c13ed5a2",
    "a7df3825ba793aaecf210e5da28fccedcab7f6f8e54b7f5785e25cc1eb4d979f",
    "9b1afc34edd241f90fdd054b4eabe9030990679ae13f559dfc2ab8ee562041ba",
    "da19dcd9aecfecb02457caf8196995a97d75465bd21fc5623316870ff14b78d0",
    "1f7d88178b84deb65229d6a767f0b8f540dbf9869cc0f210f59f1f6d0db95462",
)


class OtherHistory(ValueError):
    """The history of runs is of another version of Dagster; the message is one sentence."""


def is_prepared(home: Home) -> bool:
    """Return whether this program with this Dagster has looked at the storage of a home and found it in order."""
    try:
        return (home.dagster / PREPARED).read_text() == _mark()
    except FileNotFoundError:
        return False


def mark_prepared(home: Home) -> None:
    """Write that this program with this Dagster found the storage in order."""
    write_atomically(home.dagster / PREPARED, _mark().encode())


def configure(home: Home) -> None:
    """Put the configuration of now into a home; whoever has one of his own keeps it, as of a storage in PostgreSQL."""
    configuration = home.dagster / INSTANCE_FILE.name
    if not configuration.exists() or sha256_of(configuration) in SHIPPED[:-1]:
        write_atomically(configuration, INSTANCE_FILE.read_bytes())


def check_history(home: Home, opened: dg.DagsterInstance) -> None:
    """Refuse a storage whose schema is another one.

    Parameters
    ----------
    home
        In which it is.
    opened
        The storage.

    Raises
    ------
    OtherHistory
        If it is older, and has to be brought up to date first, or newer.
    """
    match schema_of(opened):
        case Schema.OLDER:
            raise OtherHistory(
                f"the history of runs of the home {home.root} is of an older Dagster: end its service, make a backup, "
                "and run ons-assets upgrade"
            )
        case Schema.NEWER:
            raise OtherHistory(
                f"the history of runs of the home {home.root} was written by a newer Dagster than "
                f"{version('dagster')}: install the newer program, or put back a backup of before"
            )


def upgrade(home: Home, say: Callable[[str], None]) -> bool:
    """Bring the storage of a home up to date, and return whether there was anything to do.

    Each step of Dagster's looks first whether it was done: one that was ended in between goes on from there, and until
    all is done the storage counts as older, so that nobody works with half of it.

    Parameters
    ----------
    home
        That is not served, and in which nobody works.
    say
        Called with what is done.

    Raises
    ------
    OtherHistory
        If the storage is newer than this program.
    """
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    with home.table_lock("dagster"):
        configure(home)
        with dg.DagsterInstance.from_config(str(home.dagster)) as opened:
            is_older = schema_of(opened) is Schema.OLDER
            if is_older:
                opened.upgrade(say)
            check_history(home, opened)
        mark_prepared(home)
    return is_older


def _mark() -> str:
    """Say of which program and which Dagster a storage was found in order."""
    return f"dagster {version('dagster')}, {hashlib.sha256(INSTANCE_FILE.read_bytes()).hexdigest()}\n"
