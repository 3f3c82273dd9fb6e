"""Devices whose home is in another area in one season than in the season before.

Homes are those of the usual environment of each season. A home that is seen at other cells is not therefore another
one: a device has moved only if its homes of the two seasons hardly share an area.
"""

from collections.abc import Iterable
from itertools import pairwise

import polars as pl

from ons_assets.lakehouse.blurring import Rounded
from ons_assets.lakehouse.disclosure import Protected
from ons_assets.lakehouse.sums import exact_sum
from ons_assets.mobile.in_people import in_people
from ons_assets.mobile.release import STRATA, account_of, release
from ons_assets.mobile.usual_environment import ALL, HOME, NOT_SEEN
from ons_assets.parameters.mobile import ReleaseParameters
from ons_assets.parameters.mobile_presence import InternalMigrationParameters

# In the order of the year; a winter is of the year of its January.
SEASON_ORDER = ("winter", "spring", "summer", "autumn")
DIGITS = 9
KEYS = ("operator", "previous_season", "year_season", "origin", "destination")
DEVICE = ("operator", "user", "previous_season", "year_season")


def successive(seasons: pl.DataFrame) -> pl.DataFrame:
    """Return each season of an operator with the one before it in which that operator saw homes.

    Parameters
    ----------
    seasons
        operator, year_season.

    Returns
    -------
    pl.DataFrame
        operator, previous_season, year_season. Sorted.
    """
    found = []
    for (operator,), rows in seasons.unique().sort("operator").group_by("operator", maintain_order=True):
        named = [name for name in rows["year_season"] if name != ALL]
        ordered = sorted(named, key=lambda name: (int(name[:4]), SEASON_ORDER.index(name[5:])))
        found += [(operator, *pair) for pair in pairwise(ordered)]
    schema = {"operator": pl.String(), "previous_season": pl.String(), "year_season": pl.String()}
    return pl.DataFrame(found, schema=schema, orient="row")


def moves_between_seasons(
    labels: pl.DataFrame,
    places: pl.DataFrame,
    pairs: pl.DataFrame,
    parameters: InternalMigrationParameters | None = None,
    weights: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Count devices by the areas of their homes in two seasons.

    Parameters
    ----------
    labels
        Rows of `mobile/usual_places` of some devices: operator, user, year_season, place, label.
    places
        Rows of `mobile/device_places` of the devices: user, place, area, probability.
    pairs
        What `successive` returns.
    weights
        Rows of `mobile/device_weights` of the devices, to count people; None to count devices.

    Returns
    -------
    pl.DataFrame
        operator, previous_season, year_season, origin, destination, devices. Every device with a home in areas in
        either season counts 1; one that has none in the other goes to "not_seen", or comes from there. One of which the
        homes share `same_home_overlap` of their probability or more stays where it was; of another, origin and
        destination are shared by the product of the probabilities, less what is in one area. Sorted.

    References
    ----------
    Eurostat's reference pipeline (multimno), internal migration: there, homes overlap by tiles.
    """
    parameters = parameters or InternalMigrationParameters()
    homes = labels.filter(label=HOME).with_columns(share=1 / pl.len().over("user", "year_season"))
    located = (
        homes.join(places.select("user", "place", "area", "probability"), on=["user", "place"])
        .group_by("operator", "user", "year_season", "area")
        .agg(weight=exact_sum(pl.col("share") * pl.col("probability")).round(DIGITS))
        .with_columns(weight=pl.col("weight") / exact_sum("weight").over("user", "year_season"))
    )
    after = located.join(pairs, on=["operator", "year_season"]).rename({"area": "destination", "weight": "after"})
    before = located.rename({"year_season": "previous_season"}).join(pairs, on=["operator", "previous_season"])
    before = before.rename({"area": "origin", "weight": "before"})
    both = before.join(after, on=DEVICE)
    same = pl.col("origin") == pl.col("destination")
    overlap = exact_sum(pl.min_horizontal("before", "after").filter(same)).round(DIGITS)
    apart = 1 - exact_sum((pl.col("before") * pl.col("after")).filter(same))
    judged = both.group_by(DEVICE).agg(overlap=overlap, apart=apart)
    stays = pl.col("overlap") >= parameters.same_home_overlap
    moved = both.filter(~same).join(judged.filter(~stays), on=DEVICE)
    at = judged.filter(stays).select(DEVICE)
    one = pl.lit(NOT_SEEN)
    parts = [
        moved.select("user", *KEYS, weight=pl.col("before") * pl.col("after") / pl.col("apart")),
        # Who stays is where both seasons say, in the mean.
        before.join(at, on=DEVICE).select("user", *KEYS[:4], destination="origin", weight=pl.col("before") / 2),
        after.join(at, on=DEVICE).select(
            "user", *KEYS[:3], origin="destination", destination="destination", weight=pl.col("after") / 2
        ),
        before.join(after, on=DEVICE, how="anti").select("user", *KEYS[:4], destination=one, weight="before"),
        after.join(before, on=DEVICE, how="anti").select(
            "user", *KEYS[:3], origin=one, destination="destination", weight="after"
        ),
    ]
    rows = pl.concat(part.with_columns(pl.col("weight").round(DIGITS)) for part in parts)
    rows = in_people(rows, "weight", weights)
    return rows.group_by(KEYS).agg(devices=exact_sum("weight")).sort(KEYS)


def internal_migration(parts: Iterable[pl.DataFrame], parameters: ReleaseParameters, blur: Rounded) -> Protected:
    """Add up the devices of all parts, with totals by origin, by destination and of all, and withhold what is small.

    Parameters
    ----------
    parts
        What `moves_between_seasons` returns of all devices, some at a time.
    parameters
        Fewest devices, as of flows of workers: `ons_assets.mobile.release.release`.
    blur
        How what is told is rounded, which may hang on the fewest devices.

    Returns
    -------
    Protected
        operator, previous_season, year_season, origin, destination ("all" for sums), devices; what is withheld has no
        row. Sorted.
    """
    rounded = blur.at_least(parameters.k)
    counts = pl.concat(parts).group_by(KEYS).agg(exact_sum("devices")).sort(KEYS)
    tables, released = [pl.DataFrame(schema={**dict.fromkeys(KEYS, pl.String()), "devices": pl.Float64()})], []
    for (operator, previous, season), flows in counts.group_by(KEYS[:3], maintain_order=True):
        of_strata = flows.select(*(pl.lit(ALL).alias(name) for name in STRATA), *KEYS[3:], "devices")
        released.append(release(of_strata, parameters.k, parameters.doubt))
        told = released[-1].flows.filter(~pl.col("is_suppressed"))
        named = {"operator": operator, "previous_season": previous, "year_season": season}
        told = told.with_columns(
            rounded.told(told["devices"]), **{name: pl.lit(value) for name, value in named.items()}
        )
        tables.append(told.select(tables[0].columns))
    return Protected(pl.concat(tables).sort(KEYS), account_of(released, parameters.k))
