"""The rows of `tweets/raw_tweets`, and what every adapter holds them against."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import polars as pl

from ons_assets.geography.grid import Grid
from ons_assets.intake.rules import repeats
from ons_assets.intake.source import Piece
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA
from ons_assets.parameters.geography import Country
from ons_assets.wording import counted

FUTURE_SLACK = timedelta(days=1)

# Ids hold the millisecond in which they were given out since November 2010; earlier ones are small.
SNOWFLAKE_EPOCH_MS = 1_288_834_974_657
FIRST_SNOWFLAKE = 1 << 36
SNOWFLAKE_TIME_SHIFT = 1 << 22
CLOCK_TOLERANCE_S = 2
HALF_HOUR_S = 1_800
LARGEST_ZONE_S = 14 * 3_600

RECORD_SCHEMA = {
    "event": pl.String(),
    "tweet_id": pl.Int64(),
    "original_id": pl.Int64(),
    "user": pl.Int64(),
    "created_utc": pl.Datetime("us", "UTC"),
    "created_on": pl.Date(),
    "latitude": pl.Float64(),
    "longitude": pl.Float64(),
    "position": pl.String(),
    "place_type": pl.String(),
    "application": pl.String(),
    "line": pl.Int64(),
}
JUDGED_COLUMNS = [name for name in RECORD_SCHEMA if name != "created_on"]


@dataclass(frozen=True)
class Rules:
    """What a record must satisfy.

    Parameters
    ----------
    received_utc
        When the file came; a later tweet is in the future.
    first_day
        Earlier days are refused.
    country
        A file without a position there is refused; its clock says the day.
    """

    received_utc: datetime
    first_day: date
    country: Country = field(default_factory=Country)

    @property
    def grid(self) -> Grid:
        """Of the country."""
        return Grid.of(self.country)


def judge(rows: pl.DataFrame, rejected: pl.DataFrame, rules: Rules, note: str | None = None) -> Piece:
    """Part records into accepted and rejected ones; a rejected one is kept without what it said.

    Parameters
    ----------
    rows
        The columns of `RECORD_SCHEMA` except created_on.
    rejected
        Records that the adapter could not read.

    Raises
    ------
    Unreadable
        If the file has positions and none of them is in the country.
    """
    local_day = pl.col("created_utc").dt.convert_time_zone(rules.country.time_zone).dt.date()
    judged = rows.with_columns(created_on=local_day).with_columns(reason=_reason(rules))
    good = judged.filter(pl.col("reason").is_null())
    if good["tweet_id"].n_unique() < len(good):
        # Ids never stand for two tweets: of two that differ, the first is as good as any.
        again = repeats(good.drop("reason"), ["event", "tweet_id"], "first")
        judged = pl.concat([judged.filter(pl.col("reason").is_not_null()), good.with_columns(reason=again)])
        good = judged.filter(pl.col("reason").is_null())
    bad = judged.filter(pl.col("reason").is_not_null()).select(
        "line", "reason", text=pl.struct("event", "position", "place_type", "application").struct.json_encode()
    )
    notes = [note] if note else []
    placed = good.filter(pl.col("latitude").is_not_null())
    if len(placed):
        grid = rules.grid
        inside = grid.covers(placed["latitude"], placed["longitude"]).sum()
        if inside == 0:
            raise Unreadable(
                f"has {len(placed)} positions and none in {grid.place}: this installation is on the grid {grid.crs} "
                "(geography.crs); are the axes swapped, or is it a file of another country?",
                pl.concat([rejected, bad]).sort("line"),
            )
        if outside := len(placed) - inside:
            notes.append(f"{counted(outside, 'position')} outside {grid.place}")
    accepted = good.select(list(RECORD_SCHEMA)).cast(RECORD_SCHEMA)  # type: ignore[arg-type]
    every = pl.concat([rejected, bad]).sort("line")
    return Piece(accepted, every, tuple(notes), usable=len(accepted), expected=len(accepted) + len(every))


def _reason(rules: Rules) -> pl.Expr:
    latitude, longitude = pl.col("latitude"), pl.col("longitude")
    is_tweet = pl.col("event") == "tweet"
    has_both = latitude.is_not_null() & longitude.is_not_null()
    west, south, east, north = rules.grid.bounds_degrees
    # Great Britain with its axes swapped lies in the Indian Ocean, where nobody tweets.
    swapped = (
        latitude.is_between(west, east)
        & longitude.is_between(south, north)
        & ~(latitude.is_between(south, north) & longitude.is_between(west, east))
    )
    return (
        pl.when(pl.col("tweet_id").is_null())
        .then(pl.lit("id is missing, or is a number that has lost digits"))
        .when(pl.col("user").is_null())
        .then(pl.lit("user is missing, or is a number that has lost digits"))
        .when(pl.col("created_utc").is_null())
        .then(pl.lit("time is missing, cannot be read, or does not say its zone"))
        .when(pl.col("created_utc") > pl.lit(rules.received_utc + FUTURE_SLACK))
        .then(pl.lit("time is in the future"))
        .when(pl.col("created_on") < pl.lit(rules.first_day))
        .then(pl.lit(f"day is before {rules.first_day}"))
        .when(is_tweet & _is_local_clock())
        .then(pl.lit("time is a local clock: it is whole hours away from the time that the id holds"))
        .when(latitude.is_null() != longitude.is_null())
        .then(pl.lit("position has one coordinate"))
        .when(has_both & ~(latitude.is_finite() & longitude.is_finite()))
        .then(pl.lit("position is not a number"))
        .when(has_both & ~(latitude.is_between(-90, 90) & longitude.is_between(-180, 180)))
        .then(pl.lit("position is not on Earth"))
        .when((latitude == 0) & (longitude == 0))
        .then(pl.lit("position is 0, 0"))
        .when(has_both & swapped)
        .then(pl.lit("position has its axes swapped"))
    )


def _is_local_clock() -> pl.Expr:
    """Whether the time differs from the one in the id by whole half hours, as zones do."""
    id_ms = pl.col("tweet_id") // SNOWFLAKE_TIME_SHIFT + SNOWFLAKE_EPOCH_MS
    off_s = (pl.col("created_utc").dt.epoch("ms") - id_ms) / 1_000
    steps = (off_s / HALF_HOUR_S).round()
    is_zone = (
        (steps != 0) & (off_s.abs() <= LARGEST_ZONE_S) & ((off_s - steps * HALF_HOUR_S).abs() <= CLOCK_TOLERANCE_S)
    )
    return (pl.col("tweet_id") >= FIRST_SNOWFLAKE) & is_zone


def rejected_rows(rows: list[tuple[int, str, str]]) -> pl.DataFrame:
    """Return rows of line, reason and text as a frame of rejected records."""
    return pl.DataFrame(rows, schema=REJECTED_SCHEMA, orient="row")
