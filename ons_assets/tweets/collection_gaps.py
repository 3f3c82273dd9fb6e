"""When the collector was down: silences that the rate of arrival does not explain, and outages that it recorded."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.intake.times import beginnings
from ons_assets.parameters.tweets import GapParameters

HOUR_S = 3_600
HOURS_OF_WEEK = 168
HOURS_OF_DAY = 24
EPOCH_HOUR_OF_WEEK = 3 * 24
UTC = pl.Datetime("us", "UTC")
Seconds = npt.NDArray[np.float64]


SCHEMA = {
    "from_utc": pl.Datetime("us", "UTC"),
    "to_utc": pl.Datetime("us", "UTC"),
    "hours": pl.Float64(),
    "expected_tweets": pl.Float64(),
    "gap_known_by": pl.String(),
}
ARRIVALS, OUTAGES, BOTH = "arrivals", "outages", "both"


def collection_gaps(
    created_utc: pl.Series,
    parameters: GapParameters | None = None,
    by_hour: pl.DataFrame | None = None,
    outages: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Find the silences of the collector.

    The expected rate is the median of each hour of the week over the weeks, or of each hour of the day
    where there are fewer than three weeks. A silence between two tweets is a gap where the rate adds up
    to more tweets than could be missing by chance. An outage that was recorded is a gap whatever the rate; what
    overlaps is one gap.

    Parameters
    ----------
    created_utc
        Times of all tweets that were collected, in any order.
    parameters
        Parameters; None for the defaults.
    by_hour
        What makes the rate: hour (its beginning), tweets. None for all tweets.
    outages
        What `outages_of` returns; None if nobody recorded any.

    Returns
    -------
    pl.DataFrame
        from_utc (last tweet, or sign of life, before), to_utc (first tweet, or answer, after), hours, expected_tweets,
        gap_known_by (arrivals, outages or both). Sorted by time, none overlaps another. Silences before the first tweet
        and after the last are seen only where they were recorded.
    """
    parameters = parameters or GapParameters()
    recorded = pl.DataFrame(schema={"from_utc": UTC, "to_utc": UTC}) if outages is None else outages
    seconds = np.sort(created_utc.drop_nulls().dt.epoch("us").to_numpy()) / 1e6
    if len(seconds) < 2:
        return _joined(_intervals(np.empty(0), np.empty(0)), recorded, np.zeros_like)
    first_hour = int(seconds[0] // HOUR_S)
    if by_hour is None:
        by_hour = pl.DataFrame({"hour": created_utc.drop_nulls(), "tweets": 1})
    hours = by_hour["hour"].dt.epoch("us").to_numpy() // (HOUR_S * 1_000_000)
    counts = np.zeros(int(seconds[-1] // HOUR_S) - first_hour + 1)
    np.add.at(counts, hours - first_hour, by_hour["tweets"].to_numpy())
    expected = _expected_by_hour(counts, first_hour, parameters.fewest_weeks)
    cumulated = np.concatenate([[0.0], np.cumsum(expected)])

    def arrivals(at: Seconds) -> Seconds:
        """How many tweets are to be expected until then."""
        return np.asarray(np.interp(at / HOUR_S - first_hour, np.arange(len(cumulated)), cumulated))

    missing = np.diff(arrivals(seconds))
    is_gap = (missing > parameters.expected_tweets) & (np.diff(seconds) > parameters.shortest_minutes * 60)
    before = np.flatnonzero(is_gap)
    return _joined(_intervals(seconds[before], seconds[before + 1]), recorded, arrivals)


def outages_of(outages: pl.LazyFrame, source: str) -> pl.DataFrame:
    """Return when nothing of a source was received, and was not had later either.

    Several streams may feed a source: it is not whole while one of them is down.

    Parameters
    ----------
    outages
        Rows of `governance/outages`.
    source
        Drop folder of the files.

    Returns
    -------
    pl.DataFrame
        from_utc, to_utc. What was had later is left out: from the moment on from which it was.
    """
    lost_until = pl.coalesce("backfilled_from_utc", "ended_utc")
    return (
        outages.filter(for_source=source)
        .select(from_utc="began_utc", to_utc=lost_until)
        .filter(pl.col("to_utc") > pl.col("from_utc"))
        .collect()
    )


def _intervals(start: Seconds, end: Seconds) -> pl.DataFrame:
    microseconds = {"from_utc": start, "to_utc": end}
    return pl.DataFrame(
        [pl.Series(name, (each * 1e6).round().astype(np.int64)).cast(UTC) for name, each in microseconds.items()]
    )


def _joined(silent: pl.DataFrame, recorded: pl.DataFrame, arrivals: Callable[[Seconds], Seconds]) -> pl.DataFrame:
    """Make one gap of all that overlap, and say of each how it is known."""
    ways = ((silent, ARRIVALS), (recorded, OUTAGES))
    each = pl.concat([frame.with_columns(way=pl.lit(name)) for frame, name in ways]).sort("from_utc", "to_utc", "way")
    apart = pl.col("from_utc") > pl.col("to_utc").cum_max().shift(1)
    joined = (
        each.group_by(gap=apart.fill_null(value=True).cum_sum(), maintain_order=True)
        .agg(pl.col("from_utc").min(), pl.col("to_utc").max(), pl.col("way").unique())
        .with_columns(
            gap_known_by=pl.when(pl.col("way").list.len() > 1).then(pl.lit(BOTH)).otherwise(pl.col("way").list.first()),
            hours=(pl.col("to_utc") - pl.col("from_utc")).dt.total_microseconds() / (HOUR_S * 1e6),
        )
    )
    from_s, to_s = (joined[name].dt.epoch("us").to_numpy() / 1e6 for name in ("from_utc", "to_utc"))
    expected = pl.Series("expected_tweets", arrivals(to_s) - arrivals(from_s), dtype=pl.Float64())
    return joined.with_columns(expected).select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())


def gaps_of_collection(
    tweets: pl.LazyFrame, parameters: GapParameters, outages: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Find the silences of the collector, whatever a single user does.

    Of each user one tweet an hour makes the rate: a program that begins or ends to tweet is not the collector. A day,
    of UTC, on which fewer users were seen than `fewest_users` is none of the collection: the clock of a single user may
    be wrong by years, and years of silence would be what is usual.

    Parameters
    ----------
    tweets
        Rows of `tweets/raw_tweets`.
    parameters
        Parameters.
    outages
        See `collection_gaps`.
    """
    users = pl.col("user").n_unique()
    by_day = tweets.group_by(day=pl.col("created_utc").dt.date()).agg(users)
    days = by_day.filter(pl.col("user") >= parameters.fewest_users).collect(engine="streaming")["day"].implode()
    seen = tweets.select("user", "created_utc").filter(pl.col("created_utc").dt.date().is_in(days))
    by_hour = seen.group_by(hour=pl.col("created_utc").dt.truncate("1h")).agg(tweets=users)
    times = seen.select("created_utc").collect(engine="streaming")["created_utc"]
    return collection_gaps(times, parameters, by_hour.collect(engine="streaming"), outages)


def _expected_by_hour(counts: npt.NDArray[np.float64], first_hour: int, fewest_weeks: int) -> npt.NDArray[np.float64]:
    hours = np.arange(len(counts)) + first_hour + EPOCH_HOUR_OF_WEEK
    cycle = HOURS_OF_WEEK if len(counts) >= fewest_weeks * HOURS_OF_WEEK else HOURS_OF_DAY
    of_cycle = hours % cycle
    medians = np.array(
        [np.median(counts[of_cycle == hour]) if (of_cycle == hour).any() else 0 for hour in range(cycle)]
    )
    return np.asarray(medians[of_cycle], dtype=np.float64)


def collection_coverage(gaps: pl.DataFrame, days: pl.Series, time_zone: str = "UTC") -> pl.DataFrame:
    """Return how much of each day the collector was up.

    Parameters
    ----------
    gaps
        What `collection_gaps` returns.
    days
        Days.
    time_zone
        Of the clock that they are on.

    Returns
    -------
    pl.DataFrame
        day, share_covered (0 to 1).
    """
    frame = pl.DataFrame(
        {"day": days, "start": beginnings(days, time_zone), "end": beginnings(days.dt.offset_by("1d"), time_zone)}
    )
    lost = (
        frame.join(gaps.select("from_utc", "to_utc"), how="cross")
        .with_columns(
            down=(pl.min_horizontal("end", "to_utc") - pl.max_horizontal("start", "from_utc"))
            .dt.total_seconds()
            .clip(0)
        )
        .group_by("day")
        .agg(pl.col("down").clip(0).sum())
    )
    joined = frame.join(lost, on="day", how="left", maintain_order="left")
    return joined.select(
        "day", share_covered=1 - pl.col("down").fill_null(0) / (pl.col("end") - pl.col("start")).dt.total_seconds()
    )
