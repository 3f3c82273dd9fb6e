"""Homes and places of work that were found, beside those that the simulation knows."""

from pathlib import Path

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.pseudonyms import pseudonyms
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home

HOME, TRUTH = Home(Path("places").resolve()), Path("truth")
RIGHT_M = 200
FILES = {"home": "homes", "work": "jobs"}


def found(anchor: str) -> pl.DataFrame:
    """Return the last place of each user that is a home, or work."""
    places = lake.read(HOME, CATALOGUE["tweets/user_anchors"]).filter(anchor=anchor).collect()
    return places.sort("from", "cluster").unique("user", keep="last", maintain_order=True)


def true(anchor: str) -> pl.DataFrame:
    """Return where each user truly lives, or works, in the end; by the pseudonym that the tables have."""
    places = pl.read_parquet(TRUTH / f"{FILES[anchor]}.parquet").drop_nulls("user_id")
    last = places.sort("from_day", nulls_last=False).unique("user_id", keep="last", maintain_order=True)
    users = pseudonyms(last["user_id"].cast(pl.String()), HOME.secret())
    return last.select(user=users, true_easting_m="easting_m", true_northing_m="northing_m")


def judged(anchor: str) -> pl.DataFrame:
    """Return each user who tweeted: tweets, where they truly live or work, what was found, and how far it is off."""
    people = lake.read(HOME, CATALOGUE["tweets/users"]).filter(user_kind="person").select("user", "tweets").collect()
    both = people.join(true(anchor), on="user").join(found(anchor), on="user", how="left")
    east, north = pl.col("easting_m") - pl.col("true_easting_m"), pl.col("northing_m") - pl.col("true_northing_m")
    return both.with_columns(off_m=(east**2 + north**2).sqrt())
