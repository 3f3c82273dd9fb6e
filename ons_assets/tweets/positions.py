"""Tables of positions: who was where, and when, as records of tweets."""

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.intake import times, values
from ons_assets.intake.layouts import Layout
from ons_assets.intake.pseudonyms import pseudonyms
from ons_assets.tweets.applications import CLASSES, application_class

ID_BITS = 62


def records(rows: pl.DataFrame, layout: Layout, secret: bytes) -> pl.DataFrame:
    """Turn the fields of a file into records, as `ons_assets.tweets.records.judge` takes them.

    Without a field of ids, an id is made from user, time and position, and the how-manieth of its
    kind a row is: a file that comes again, or a longer one, gives the same ids.

    Parameters
    ----------
    rows
        `line`, `user`, `time`, `latitude`, `longitude`, and if the file says them `id`, `place_type`,
        `source`.
    layout
        Of the file.
    secret
        Key of the pseudonyms.
    """
    users = values.identifier(rows["user"])
    user = users.cast(pl.Int64(), strict=False) if layout.pseudonymised else pseudonyms(users, secret)
    made = pl.DataFrame(
        {
            "line": rows["line"],
            "created_utc": _time(rows["time"], layout),
            "latitude": values.number(rows["latitude"], layout),
            "longitude": values.number(rows["longitude"], layout),
            "place_type": values.column_text(rows, "place_type"),
            "user": user,
            "application": _applications(values.column_text(rows, "source")),
        }
    ).with_columns(
        event=pl.lit("tweet"),
        position=pl.when(pl.col("latitude").is_not_null()).then(pl.lit("point")).otherwise(pl.lit("none")),
    )
    ids = values.identifier(rows["id"]).cast(pl.Int64(), strict=False) if "id" in rows.columns else _made_ids(made)
    return made.with_columns(tweet_id=ids, original_id=ids)


def _time(column: pl.Series, layout: Layout) -> pl.Series:
    """Moments; one that the clock skips, as the hour after: a camera's clock may never have been put forward."""
    found = times.moments(column, layout).early
    naive = times.without_zone(column, layout)
    skipped = found.is_null() & naive.is_not_null()
    if layout.zone is None or not skipped.any():
        return found
    later = naive.dt.offset_by("1h").dt.replace_time_zone(layout.zone, ambiguous="earliest", non_existent="null")
    return found.zip_with(~skipped, later.dt.convert_time_zone("UTC"))


def _applications(texts: pl.Series) -> pl.Series:
    unique = texts.drop_nulls().unique()
    classes = [text if text in CLASSES else application_class(text) for text in unique]
    return texts.replace_strict(unique, pl.Series(classes, dtype=pl.String()), default=application_class(None))


def _made_ids(rows: pl.DataFrame) -> pl.Series:
    keys = rows.select("user", "created_utc", "latitude", "longitude")
    occurrence = pl.int_range(pl.len()).over("user", "created_utc", "latitude", "longitude")
    numbers = keys.with_columns(
        pl.col("created_utc").to_physical(),
        pl.col("latitude", "longitude").fill_null(np.inf),
        occurrence=occurrence,
    ).fill_null(0)
    # Arithmetic on the bits, and not a library's hash, which may change with its version.
    mixed = np.zeros(len(rows), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for column in numbers.iter_columns():
            mixed = _mix(mixed ^ column.to_numpy().astype(column.to_numpy().dtype, copy=True).view(np.uint64))
    return pl.Series((mixed >> np.uint64(64 - ID_BITS)).astype(np.int64))


def _mix(bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of SplitMix64: every bit of the input reaches every bit of the output."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: npt.NDArray[np.uint64] = bits ^ (bits >> np.uint64(31))
    return mixed
