"""The scorecard of a home in which nothing is wrong, and of one with a fault of every kind in its files."""

import os
from dataclasses import replace

import polars as pl
import pytest

from benchmarks import scorecard_homes

SLOW = pytest.mark.skipif("ONS_ASSETS_SLOW_TESTS" not in os.environ, reason="slow: set ONS_ASSETS_SLOW_TESTS")
LESS = {"meters": {"homes": 40}, "tweets": {"users": 300}, "mobile": {}, "prices": {}}
# One missing day, a file that comes again, and half or twice of few rows, or of few meters, are looked at; of these
# a person is to act.
RED = {
    "some days in a row are missing",
    "a fifth unreadable",
    "each line twice",
    "a field is empty",
    "late",
    "a damaged file",
    "a day without any meter",
    "a fifth of the areas unknown",
}


@SLOW
def test_where_nothing_is_wrong_nothing_is_red_and_every_fault_is_seen() -> None:
    worlds = {name: replace(scale, **LESS[name]) for name, scale in scorecard_homes.WORLDS.items()}
    clean, faults = scorecard_homes.of_seed(7, 1_500, worlds, is_whole=False)
    assert clean.filter(pl.col("day").is_not_null(), quality_status="good").height > 2_000
    assert clean.filter(quality_status="act").is_empty()
    wrong = [(fault, status) for fault, status in faults if status not in expected(fault.kind)]
    assert wrong == []


def expected(kind: str) -> tuple[str | None, ...]:
    """Gravest alarms that a fault may raise."""
    if kind.startswith(scorecard_homes.WELL):
        return (None,)
    return ("act",) if kind in RED else ("watch", "act")
