"""A table made again of the same rows is the same, to the last bit: however its inputs are ordered and divided.

A test module holds `CASES`: by name, what makes a `Case`. `check` tries it with its rows shuffled and its work divided
otherwise. Run as a program, this module prints what the cases of some modules give, so that a test can run it under
other numbers of threads: those are settled when a process starts.
"""

import hashlib
import importlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

VARIATIONS = 4


@dataclass(frozen=True)
class Case:
    """A function, and frames with ties in them.

    Parameters
    ----------
    make
        Is given the number of a variation, and the frames by name. Number 0 does its work in one piece; another may
        divide it as it likes. Returns a frame, several, or a value.
    frames
        Rows of a key in each, or none that differ.
    """

    make: Callable[..., Any]
    frames: Mapping[str, pl.DataFrame]


def made(case: Case, variation: int) -> list[pl.DataFrame]:
    """What a case gives, in the order of its values; its rows come shuffled unless the variation is 0."""
    frames = {name: shuffled(frame, variation) for name, frame in case.frames.items()}
    return [in_order(frame) for frame in _frames(case.make(variation, **frames))]


def shuffled(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The rows in another order for each seed; for 0, as they are."""
    return frame.sample(fraction=1, shuffle=True, seed=seed) if seed else frame


def in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows in the order of their values."""
    sortable = [name for name, dtype in frame.schema.items() if not dtype.is_nested()]
    return frame.sort(sortable, nulls_last=True)


def _frames(result: Any) -> list[pl.DataFrame]:
    if isinstance(result, pl.DataFrame):
        return [result]
    if isinstance(result, tuple):
        return [frame for part in result for frame in _frames(part)]
    return [pl.DataFrame({"value": [result]}, strict=False)]


def check(case: Case) -> None:
    """Assert that no variation differs, and that there is something that could."""
    first = made(case, 0)
    assert sum(len(frame) for frame in first), "a case without rows shows nothing"
    for variation in range(1, VARIATIONS):
        for one, other in zip(first, made(case, variation), strict=True):
            assert one.columns == other.columns
            differing = [name for name in one.columns if not one[name].equals(other[name])]
            assert one.equals(other), f"variation {variation}: {len(one)} and {len(other)} rows, {differing} differ"


def digest(frames: list[pl.DataFrame]) -> str:
    """A hash of all values, to the last bit."""
    rows = [[frame.columns, [repr(value) for row in frame.rows() for value in row]] for frame in frames]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def main(modules: list[str]) -> None:
    """Print what every case of some modules gives, as JSON."""
    found = {}
    for module in modules:
        for name, build in importlib.import_module(module).CASES.items():
            found[f"{module} {name}"] = digest(made(build(), 1))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
