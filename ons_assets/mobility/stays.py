"""Stays as people and tools give them: what is no stay is left out, counted and said."""

from collections.abc import Mapping

import polars as pl

from ons_assets.wording import counted

REQUIRED = ("user", "place", "start", "end")
# What clustering tools call a point that is in no place.
NO_PLACE = ("-1", "-1.0")
ENDLESS, INCOMPLETE, NOWHERE, BACKWARD, REPEATED = (
    "without an end",
    "without user, place or start",
    "at place -1, which other tools write for none",
    "that end before they start",
    "that repeat another",
)
OF_ONE = {BACKWARD: "that ends before it starts", REPEATED: "that repeats another"}


def checked_stays(stays: pl.DataFrame | pl.LazyFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return the stays that are some, and how many others there were, by why they are left out.

    Of stays of one length, from one moment to another, that come again, the first is kept. Instants may come
    again: two tweets of one second are two tweets.

    Parameters
    ----------
    stays
        user, place, start, end (local clock, without zone) and, if known, address_class.

    Returns
    -------
    pl.DataFrame
        user, place, start, end, address_class (null if it is not known).
    dict
        Stays left out by the reason; none with zero.

    Raises
    ------
    ValueError
        If a column is missing, start or end are no local times, or every stay ends before it starts.
    """
    rows = stays.lazy()
    schema = rows.collect_schema()
    if missing := [name for name in REQUIRED if name not in schema]:
        raise ValueError(f"stays need the columns {', '.join(REQUIRED)}; missing: {', '.join(missing)}")
    for name in ("start", "end"):
        _check_time(name, schema[name])
    if "address_class" not in schema:
        rows = rows.with_columns(address_class=pl.lit(None, dtype=pl.String()))
    if schema["place"].is_float():
        rows = rows.with_columns(pl.col("place").fill_nan(None))
    table = rows.select(*REQUIRED, "address_class").collect()
    reason = (
        pl.when(pl.any_horizontal(pl.col("user", "place", "start").is_null()))
        .then(pl.lit(INCOMPLETE))
        .when(pl.col("end").is_null())
        .then(pl.lit(ENDLESS))
        .when(pl.col("place").cast(pl.String()).is_in(NO_PLACE))
        .then(pl.lit(NOWHERE))
        .when(pl.col("end") < pl.col("start"))
        .then(pl.lit(BACKWARD))
    )
    judged = table.with_columns(reason=reason)
    kept = judged.filter(pl.col("reason").is_null()).drop("reason")
    again = kept.select(pl.struct(REQUIRED).is_first_distinct().not_() & (pl.col("end") > pl.col("start"))).to_series()
    left_out = dict(judged.drop_nulls("reason").group_by("reason").len().sort("reason").iter_rows())
    if len(table) and left_out == {BACKWARD: len(table)}:
        raise ValueError("each stay ends before it starts: do `start` and `end` stand in each other's place?")
    return kept.filter(~again), left_out | ({REPEATED: int(again.sum())} if again.any() else {})


def said(left_out: Mapping[str, int]) -> str | None:
    """Say in a sentence which stays are left out; None if none are.

    >>> said({"without an end": 2, "that repeat another": 1})
    'left out: 2 stays without an end, 1 stay that repeats another'
    """
    if not left_out:
        return None
    told = [
        f"{counted(number, 'stay')} {OF_ONE.get(reason, reason) if number == 1 else reason}"
        for reason, number in left_out.items()
    ]
    return f"left out: {', '.join(told)}"


def _check_time(name: str, dtype: pl.DataType) -> None:
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is None:
        return
    hint = ""
    if dtype.is_integer():
        hint = ": pl.from_epoch makes times of seconds since 1970, which are the local clock only if they were taken so"
    elif isinstance(dtype, pl.Datetime):
        hint = ": convert_time_zone and replace_time_zone(None) give the local clock"
    raise ValueError(f"{name} must be a time of the local clock without a zone, not {dtype}{hint}")
