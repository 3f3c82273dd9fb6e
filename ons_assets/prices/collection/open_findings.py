"""Findings that go on: what was lost stays lost until it is back, or a person accepts the new level.

A trailing median learns any level within half its window. What is held against a level that a fault has taught it looks
well; so the level from before the first day of a finding is kept until the finding ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from ons_assets.parameters.collection import CollectionParameters
from ons_assets.prices.collection.accepted import add_epochs
from ons_assets.prices.collection.counts import DAY

LOST, GROWN, RETURNED = "lost", "grown", "returned"
_Row = tuple[str, str, date, str | None, str, str, float | None]
SCHEMA = {
    "retailer": pl.String,
    "run": pl.String,
    "day": pl.Date,
    "item_id": pl.String,
    "finding": pl.String,
    "evidence": pl.String,
    "level": pl.Float64,
}


# Findings on how many products there are.
OF_NUMBERS = ("truncated", "item_vanished", "inflated")


@dataclass(frozen=True)
class _Open:
    """A finding that has not ended: what it is, since when, and the usual number of products before it."""

    kind: str
    since: date
    level: float
    epoch: int


def with_memory(
    new: pl.DataFrame,
    judged: pl.DataFrame,
    sums: pl.DataFrame,
    chosen: pl.DataFrame,
    accepted: pl.DataFrame,
    parameters: CollectionParameters,
) -> pl.DataFrame:
    """Add to the findings of each day those of earlier days that go on.

    A finding on the products of an item, or of the chosen run, opens where the level before it was settled. It ends
    when the level is back, or is accepted. An item that returns from a swollen level to the one before is no loss,
    though the trailing median has learned the swollen one.

    Parameters
    ----------
    new : DataFrame
        `retailer`, `run`, `day`, `item_id` (null for the run), `finding`, `evidence`, as found by trailing levels.
    judged : DataFrame
        Result of `completeness.judge_items`, from the first day on.
    sums : DataFrame
        Result of `completeness.judge_runs`, from the first day on.
    chosen : DataFrame
        Result of `counts.choose_runs`.
    accepted : DataFrame
        As for `accepted.add_epochs`.
    parameters : CollectionParameters
        Shares at which a level is back.

    Returns
    -------
    DataFrame
        As `new`, with `level`, the usual number of products before a finding that goes on. Of an item of which nothing
        is left, what goes on is item_vanished.
    """
    series = pl.concat([_of_items(judged, chosen), _of_runs(sums, chosen, parameters)], how="diagonal_relaxed")
    series = add_epochs(series, accepted).sort("retailer", "item_id", "day", nulls_last=False)
    walked = [
        row
        for _, days in series.group_by("retailer", "item_id", maintain_order=True)
        for row in _walk(days, parameters)
    ]
    remembered = pl.DataFrame(walked, schema=SCHEMA, orient="row")
    key = [*DAY, "item_id"]
    returned = remembered.filter(pl.col("finding") == RETURNED).select(key)
    new = pl.concat(
        [
            new.filter(pl.col("finding") != "truncated"),
            new.filter(pl.col("finding") == "truncated").join(returned, on=key, how="anti", nulls_equal=True),
        ]
    )
    # What is found without a memory needs none.
    found = new.filter(pl.col("finding").is_in(OF_NUMBERS)).select(key)
    still = remembered.filter(pl.col("finding") != RETURNED).join(found, on=key, how="anti", nulls_equal=True)
    return pl.concat([new, still], how="diagonal")


def _of_items(judged: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """Products of every item on every collected day, 0 where it is absent, with what was found on that day alone."""
    grid = chosen.join(judged.select("retailer", "item_id").unique(), on="retailer")
    found = judged.select(
        "retailer",
        "run",
        "item_id",
        "products",
        "products_usual",
        lost=pl.col("short") | pl.col("unreached") | pl.col("vanished"),
        grown=pl.col("inflated"),
    )
    return grid.join(found, on=["retailer", "run", "item_id"], how="left").with_columns(
        pl.col("products").fill_null(0), pl.col("lost", "grown").fill_null(False)
    )


def _of_runs(sums: pl.DataFrame, chosen: pl.DataFrame, parameters: CollectionParameters) -> pl.DataFrame:
    """Products of every chosen run; a level that swings says nothing of what is lost."""
    slack = parameters.settled_spread * pl.col("products_usual")
    return sums.join(chosen, on=[*DAY, "run"]).select(
        *DAY,
        "run",
        "products",
        "products_usual",
        item_id=pl.lit(None, pl.String),
        lost=(pl.col("truncated") & (pl.col("products_usual") - pl.col("products_low") <= slack)).fill_null(False),
        grown="inflated",
    )


def _walk(days: pl.DataFrame, parameters: CollectionParameters) -> Iterator[_Row]:
    """Walk through the days of one series; each is judged by those before it."""
    held: _Open | None = None
    before_growth: _Open | None = None
    for day in days.iter_rows(named=True):
        found = (day["retailer"], day["run"], day["day"], day["item_id"])
        if held is not None and _has_ended(held, day, parameters):
            if held.kind == GROWN and day["item_id"] is not None:
                before_growth = replace(held, since=day["day"])
            held = None
        elif held is not None:
            yield *found, _name(held, day), _sentence(held, day), held.level
            continue
        if before_growth is not None and _is_return(before_growth, day, parameters):
            yield *found, RETURNED, "", None
            continue
        held = _opened(day, parameters)


def _has_ended(held: _Open, day: dict[str, Any], parameters: CollectionParameters) -> bool:
    products: int = day["products"]
    if day["epoch"] != held.epoch:
        return True
    if held.kind == GROWN:
        return products <= held.level / parameters.short_ratio
    back = parameters.open_ratio if day["item_id"] is None else parameters.short_ratio
    return products >= min(back * held.level, held.level - parameters.sigmas * held.level**0.5) and products > 0


def _is_return(before: _Open, day: dict[str, Any], parameters: CollectionParameters) -> bool:
    """Whether a loss is one against the swollen level alone, which a window later is forgotten."""
    recent = (day["day"] - before.since).days <= parameters.window_days
    as_lost = _Open(LOST, before.since, before.level, before.epoch)
    return bool(day[LOST]) and recent and day["products"] > 0 and _has_ended(as_lost, day, parameters)


def _opened(day: dict[str, Any], parameters: CollectionParameters) -> _Open | None:
    """Return the finding of a day, if it is one of the number of products."""
    if not day["products_usual"]:
        return None
    for kind in (LOST, GROWN):
        found = _Open(kind, day["day"], day["products_usual"], day["epoch"])
        if day[kind] and not _has_ended(found, day, parameters):
            return found
    return None


def _name(held: _Open, day: dict[str, Any]) -> str:
    if held.kind == GROWN:
        return "inflated"
    return "item_vanished" if day["item_id"] is not None and day["products"] == 0 else "truncated"


def _sentence(held: _Open, day: dict[str, Any]) -> str:
    return (
        f"{day['products']} products against {held.level:g} before {held.since}; open since, until they are back or "
        "the level is accepted."
    )
