"""What is no stay is left out, counted and said; the others give what they give without it."""

import logging
from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_assets.mobility import infer_anchors
from ons_assets.mobility.stays import checked_stays, said

MONDAY = datetime(2014, 6, 2)
NIGHTS = [MONDAY + timedelta(days=day, hours=21) for day in range(30)]
DAYS = [MONDAY + timedelta(days=day, hours=9) for day in range(30) if day % 7 < 5]
LIFE = pl.DataFrame(
    {
        "user": 1,
        "place": [0] * len(NIGHTS) + [1] * len(DAYS),
        "start": NIGHTS + DAYS,
        "end": [each + timedelta(hours=8) for each in NIGHTS + DAYS],
    }
)


@settings(deadline=None, max_examples=20)
@given(rows=st.lists(st.integers(0, len(LIFE) - 1), min_size=1, max_size=10, unique=True), data=st.data())
def test_faults_change_nothing_and_are_counted(rows: list[int], data: st.DataObject) -> None:
    chosen = LIFE[rows]
    faults = {
        "without an end": chosen.with_columns(end=pl.lit(None, dtype=pl.Datetime("us"))),
        "without user, place or start": chosen.with_columns(start=pl.lit(None, dtype=pl.Datetime("us"))),
        "at place -1, which other tools write for none": chosen.with_columns(place=pl.lit(-1, dtype=pl.Int64())),
        "that end before they start": chosen.with_columns(end=pl.col("start") - timedelta(minutes=40)),
        "that repeat another": chosen,
    }
    named = data.draw(st.lists(st.sampled_from(sorted(faults)), unique=True))
    mixed = pl.concat([LIFE, *(faults[name] for name in named)]).sample(fraction=1, shuffle=True, seed=len(rows))
    kept, left_out = checked_stays(mixed)
    assert left_out == dict.fromkeys(named, len(rows))
    assert len(kept) == len(LIFE)
    assert_frame_equal(infer_anchors(mixed), infer_anchors(LIFE))


def test_two_instants_at_one_moment_are_two() -> None:
    tweets = LIFE.with_columns(end="start")
    assert checked_stays(pl.concat([tweets, tweets.head(3)]))[1] == {}


def test_it_is_said_once_and_names_nobody(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        infer_anchors(pl.concat([LIFE, LIFE.head(1), LIFE.head(2).with_columns(place=pl.lit(-1, dtype=pl.Int64()))]))
    assert caplog.messages == [
        "left out: 2 stays at place -1, which other tools write for none, 1 stay that repeats another"
    ]
    caplog.clear()
    infer_anchors(LIFE)
    assert caplog.messages == []
    assert said({"that end before they start": 1}) == "left out: 1 stay that ends before it starts"
    assert said({}) is None


@pytest.mark.parametrize(
    ("times", "hint"),
    [
        (pl.col("start", "end").dt.epoch("s"), "pl.from_epoch makes times"),
        (pl.col("start", "end").dt.replace_time_zone("UTC"), "give the local clock"),
        (pl.col("start", "end").cast(pl.String()), "not String"),
    ],
)
def test_times_of_another_kind_are_refused_with_what_would_do(times: pl.Expr, hint: str) -> None:
    with pytest.raises(ValueError, match=f"start must be a time of the local clock without a zone.*{hint}"):
        infer_anchors(LIFE.with_columns(times))


def test_places_may_be_called_in_text_or_be_numbers_with_none_among_them() -> None:
    numbers = LIFE.with_columns(pl.when(pl.col("place") == 1).then(pl.lit(float("nan"))).otherwise(-1.0).alias("place"))
    assert checked_stays(numbers)[1] == {
        "at place -1, which other tools write for none": len(NIGHTS),
        "without user, place or start": len(DAYS),
    }
    named = LIFE.with_columns(pl.col("place").cast(pl.String()).replace("1", "-1"))
    assert checked_stays(named)[1] == {"at place -1, which other tools write for none": len(DAYS)}
