"""Anchors are the same whatever the order of stays, and however people are divided."""

from datetime import datetime, timedelta
from unittest import mock

import numpy as np
import polars as pl
import pytest

from ons_assets.mobility import commutes, infer_anchors, segments
from ons_assets.mobility.segments import segment
from ons_assets.parameters.mobility import AnchorParameters
from tests.any_order import Case, check

CLASSES = ("residential", "commercial", "education", None)


def stays() -> pl.DataFrame:
    """Stays of odd lengths at few places, so that places tie and no sum of hours is exact in binary."""
    random = np.random.default_rng(29)
    n = 12_000
    start = datetime(2014, 9, 1)
    place = random.integers(0, 4, n)
    begun = [start + timedelta(minutes=int(minutes)) for minutes in random.integers(0, 60 * 24 * 60, n)]
    return pl.DataFrame(
        {
            "user": random.integers(0, 150, n),
            "place": place,
            "start": begun,
            "minutes": random.choice([0, 7, 20, 50, 100, 600, 1_500], n),
            "address_class": [CLASSES[number] for number in place],
        }
    ).select("user", "place", "start", "address_class", end=pl.col("start") + pl.duration(minutes="minutes"))


def evidence() -> pl.DataFrame:
    """Evidence in tenths: places tie by decimals that have no exact sum."""
    random = np.random.default_rng(31)
    n = 8_000
    frame = pl.DataFrame(
        {
            "user": random.integers(0, 200, n),
            "place": random.integers(0, 4, n),
            "day": random.integers(0, 40, n).astype(np.int32),
            "evidence": random.choice([0.1, 0.2, 0.3, 0.6, 0.7], n),
        }
    )
    return frame.unique(["user", "place", "day"], keep="first", maintain_order=True)


def _divided(variation: int, frame: pl.DataFrame) -> list[pl.DataFrame]:
    """People in as many parts as the variation says, and one more."""
    part = pl.col("user") % (variation + 1)
    return [frame.filter(part == number) for number in range(variation + 1)]


def _anchors(variation: int, stays: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    parameters = AnchorParameters(min_home_days=3, min_work_days=3, change_days=3.0, work_change_days=2.0)
    anchors = pl.concat([infer_anchors(part, parameters) for part in _divided(variation, stays)])
    return anchors, commutes(anchors)


def _segments(variation: int, evidence: pl.DataFrame) -> pl.DataFrame:
    penalty = evidence.select("user").unique().with_columns(penalty=pl.lit(0.6))
    with mock.patch.object(segments, "CELLS_AT_ONCE", (8_000_000, 1, 500, 5_000)[variation]):
        return pl.concat([segment(part, penalty) for part in _divided(variation, evidence)])


CASES = {
    "anchors and commutes": lambda: Case(_anchors, {"stays": stays()}),
    "segments": lambda: Case(_segments, {"evidence": evidence()}),
}


@pytest.mark.parametrize("name", CASES)
def test_neither_the_order_of_rows_nor_the_parts_make_a_difference(name: str) -> None:
    check(CASES[name]())
