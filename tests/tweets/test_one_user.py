"""What one user does alters nothing of the others: neither a program nor a wrong clock is the collector."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from ons_assets.parameters.tweets import GapParameters
from ons_assets.tweets.collection_gaps import gaps_of_collection

START = datetime(2014, 9, 1, tzinfo=UTC)
DOWN = (START + timedelta(days=12), START + timedelta(days=14, hours=12))


def tweets(user: int, times: list[datetime]) -> pl.DataFrame:
    return pl.DataFrame({"user": user, "created_utc": times}).with_columns(
        pl.col("created_utc").dt.cast_time_unit("us"), pl.col("user").cast(pl.Int64)
    )


def crowd() -> pl.DataFrame:
    """Forty users who tweet an hour for four weeks; the collector is down once."""
    random = np.random.default_rng(1)
    minutes = np.sort(random.uniform(0, 28 * 24 * 60, 28 * 24 * 40))
    times = [START + timedelta(minutes=float(minute)) for minute in minutes]
    frame = pl.DataFrame({"user": random.integers(0, 400, len(times)), "created_utc": times})
    return frame.with_columns(pl.col("created_utc").dt.cast_time_unit("us")).filter(
        ~pl.col("created_utc").is_between(*DOWN)
    )


def ends(frame: pl.DataFrame) -> list[tuple[datetime, datetime]]:
    return gaps_of_collection(frame.lazy(), GapParameters()).select("from_utc", "to_utc").rows()


@pytest.fixture(scope="module")
def alone() -> list[tuple[datetime, datetime]]:
    found = ends(crowd())
    assert len(found) == 1
    return found


@pytest.mark.parametrize("years", [-8, -1, 2, 6])
def test_the_clock_of_one_user_makes_no_collection(years: int, alone: list[tuple[datetime, datetime]]) -> None:
    """Years of silence would be the usual rate, and no silence a gap."""
    wrong = tweets(999, [START.replace(year=START.year + years), START + timedelta(days=1)])
    assert ends(pl.concat([crowd(), wrong])) == alone


def test_a_program_that_ends_is_no_collector_that_is_down(alone: list[tuple[datetime, datetime]]) -> None:
    """A tweet every ten seconds for two weeks and a half, but while the collector is down."""
    program = tweets(999, [START + timedelta(seconds=10 * n) for n in range(18 * 8_640)])
    program = program.filter(~pl.col("created_utc").is_between(*DOWN))
    [(start, end)] = ends(pl.concat([crowd(), program]))
    assert abs(start - alone[0][0]) < timedelta(minutes=10)
    assert abs(end - alone[0][1]) < timedelta(minutes=10)
