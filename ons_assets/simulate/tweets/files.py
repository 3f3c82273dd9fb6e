"""The drops of the collector: v1.1 JSON or Parquet by day, with the faults that such files have."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.simulate.prices.seeds import generator
from ons_assets.simulate.tweets.habits import APPLICATIONS, AUTOMATED, Tweets
from ons_assets.simulate.tweets.scales import Scale
from ons_assets.tweets.records import SNOWFLAKE_EPOCH_MS

ZONE = ZoneInfo("Europe/London")
ID_SHIFT = 22
FIRST_USER_ID = 100_000_000
DELETE_RATE, PLACE_ONLY_RATE = 0.003, 0.3
FAULT_SCHEMA = {"file": pl.String(), "line": pl.Int64(), "fault": pl.String(), "tweet_id": pl.Int64()}


def utc_seconds(second: npt.NDArray[np.int64], scale: Scale) -> npt.NDArray[np.int64]:
    """Return UTC seconds since 1970 of seconds of the local clock since the first day."""
    midnight = datetime.combine(scale.first_day, datetime.min.time(), tzinfo=UTC).timestamp()
    days = np.arange(scale.days + 1)
    # The clock changes in the night; a simulated tweet then may lie an hour off, which nobody can tell.
    offset = np.array(
        [
            datetime.combine(scale.first_day + timedelta(int(day)), datetime.min.time()).replace(hour=12, tzinfo=ZONE)
            .utcoffset().total_seconds()  # type: ignore[union-attr]
            for day in days
        ]
    ).astype(np.int64)  # fmt: skip
    return second + int(midnight) - offset[np.minimum(second // 86_400, scale.days)]


def tweet_ids(utc_s: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return ids that hold the time, as Twitter's do, and are all different."""
    order = np.argsort(utc_s, kind="stable")
    ordered = utc_s[order]
    first = np.searchsorted(ordered, ordered, side="left")
    sequence = np.empty(len(utc_s), dtype=np.int64)
    sequence[order] = np.arange(len(utc_s)) - first
    return ((utc_s * 1_000 - SNOWFLAKE_EPOCH_MS) << ID_SHIFT) + sequence


def write_points(
    folder: Path, tweets: Tweets, utc_s: npt.NDArray[np.int64], ids: npt.NDArray[np.int64], scale: Scale
) -> int:
    """Write one Parquet file a day, `points_2014-08-11.parquet`, and return how many bytes they have.

    Parameters
    ----------
    folder
        Where the files go.
    tweets
        Author, second since the first midnight, place and application of each tweet, in order of time.
    utc_s
        Time of each tweet in seconds since 1970, UTC.
    ids
        Number of each tweet.
    scale
        Gives first day and number of days.
    """
    day = tweets.second // 86_400
    starts = np.searchsorted(day, np.arange(scale.days + 1))
    names = pl.Series([*("mobile", "mobile", "sharing", "check_in", "web"), "automated"], dtype=pl.String())
    written = 0
    for number in range(scale.days):
        rows = slice(starts[number], starts[number + 1])
        if rows.start == rows.stop:
            continue
        latitude, longitude = tweets.take(np.arange(rows.start, rows.stop)).degrees()
        frame = pl.DataFrame(
            {
                "tweet_id": ids[rows],
                "user": tweets.author[rows] + FIRST_USER_ID,
                "created_utc": pl.Series(utc_s[rows] * 1_000_000).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
                "latitude": latitude.round(7),
                "longitude": longitude.round(7),
                "application": names.gather(tweets.application[rows].astype(np.int64) % len(names)),
            }
        )
        path = folder / f"points_{scale.first_day + timedelta(number)}.parquet"
        frame.write_parquet(path, compression="lz4")
        written += path.stat().st_size
    return written


def write_json(
    folder: Path, tweets: Tweets, utc_s: npt.NDArray[np.int64], ids: npt.NDArray[np.int64], scale: Scale, seed: int
) -> tuple[int, pl.DataFrame, pl.DataFrame]:
    """Write one file of v1.1 statuses a day, `tweets_2014-08-20.json.gz`.

    Parameters
    ----------
    folder
        Where the files go.
    tweets
        Author, second since the first midnight, place and application of each tweet, in order of time.
    utc_s
        Time of each tweet in seconds since 1970, UTC.
    ids
        Number of each tweet.
    scale
        Gives first day and number of days.
    seed
        Seed of the world, which the faults come from.

    Returns
    -------
    bytes, faults, deleted
        faults: file, line, fault, tweet_id. deleted: tweet_id, of tweets whose authors took them back.
    """
    random = generator(seed, "faults")
    day = tweets.second // 86_400
    starts = np.searchsorted(day, np.arange(scale.days + 1))
    faults: list[tuple[str, int, str, int | None]] = []
    deleted: list[int] = []
    written = 0
    for number in range(scale.days):
        rows = np.arange(starts[number], starts[number + 1])
        name = f"tweets_{scale.first_day + timedelta(number)}.json.gz"
        lines = list(_day(rows, tweets, utc_s, ids, scale, random, name, faults, deleted))
        if not lines:  # the collector was down all day
            continue
        path = folder / name
        with path.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as file:
            file.writelines(lines)
        written += path.stat().st_size
    return (
        written,
        pl.DataFrame(faults, schema=FAULT_SCHEMA, orient="row"),
        pl.DataFrame({"tweet_id": pl.Series(deleted, dtype=pl.Int64())}),
    )


def _day(
    rows: npt.NDArray[np.int64], tweets: Tweets, utc_s: npt.NDArray[np.int64], ids: npt.NDArray[np.int64], scale: Scale,
    random: np.random.Generator, name: str, faults: list[tuple[str, int, str, int | None]], deleted: list[int],
) -> Iterator[bytes]:  # fmt: skip
    latitude, longitude = tweets.take(rows).degrees()
    line = 0
    for place, row in enumerate(rows):
        app = AUTOMATED if tweets.application[row] < 0 else APPLICATIONS[tweets.application[row]]
        position = (round(float(latitude[place]), 7), round(float(longitude[place]), 7))
        status = _status(int(ids[row]), int(utc_s[row]), int(tweets.author[row]), app, position)
        text = msgspec.json.encode(status) + b"\n"
        line += 1
        yield text
        draw = random.random(5)
        if draw[0] < scale.faults.duplicate:
            line += 1
            faults.append((name, line, "duplicate", int(ids[row])))
            yield text
        if draw[1] < scale.faults.broken:
            line += 1
            faults.append((name, line, "broken", None))
            yield text[: len(text) // 2].rstrip() + b"\n"
        if draw[2] < scale.unlocated_share:
            line += 1
            has_place = draw[3] < PLACE_ONLY_RATE
            # Above the sequence numbers of located tweets in the same second.
            other = int(ids[row]) + (1 << (ID_SHIFT - 1))
            yield (
                msgspec.json.encode(_status(other, int(utc_s[row]), int(tweets.author[row]), app, None, has_place))
                + b"\n"
            )
        if draw[4] < DELETE_RATE:
            line += 1
            deleted.append(int(ids[row]))
            user = str(int(tweets.author[row]) + FIRST_USER_ID)
            what = {"id": int(ids[row]), "id_str": str(ids[row]), "user_id": int(user), "user_id_str": user}
            notice = {"delete": {"status": what, "timestamp_ms": str(int(utc_s[row]) * 1_000 + 500)}}
            yield msgspec.json.encode(notice) + b"\n"


def _status(
    tweet_id: int, utc_s: int, author: int, app: str, position: tuple[float, float] | None, has_place: bool = False
) -> dict[str, object]:
    user = author + FIRST_USER_ID
    when = datetime.fromtimestamp(utc_s, UTC)
    box = [[[-1.2, 50.7], [-1.0, 50.7], [-1.0, 50.9], [-1.2, 50.9]]]
    placed = position is not None or has_place
    return {
        "created_at": f"{when:%a %b %d %H:%M:%S} +0000 {when.year}",
        "id": tweet_id,
        "id_str": str(tweet_id),
        "text": "",
        "source": f'<a href="https://example.org" rel="nofollow">{app}</a>',
        "truncated": False,
        "user": {"id": user, "id_str": str(user), "name": "", "screen_name": "", "geo_enabled": True},
        "geo": {"type": "Point", "coordinates": [position[0], position[1]]} if position else None,
        "coordinates": {"type": "Point", "coordinates": [position[1], position[0]]} if position else None,
        "place": {"place_type": "city", "country_code": "GB", "bounding_box": {"type": "Polygon", "coordinates": box}}
        if placed
        else None,
        "lang": "en",
    }
