"""Homes and places of work that were found, beside those that the simulation knows."""

from pathlib import Path

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.pseudonyms import pseudonyms
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home

HOME, TRUTH = Home(Path("places").resolve()), Path("truth")
RIGHT_M = 200
TRUE = {"home": "homes.parquet", "work": "jobs.parquet"}


def table(name: str) -> pl.DataFrame:
    """Return a table of the home, also one of individuals, which the database for people does not have."""
    return lake.read(HOME, CATALOGUE[name]).collect()


def pseudonym(user_id: pl.Series) -> pl.Series:
    """Return the numbers by which the tables call users."""
    return pseudonyms(user_id.cast(pl.String()), HOME.secret())


def known(anchor: str) -> pl.DataFrame:
    """Return where each user truly lives, or works, at the end, and since when if that changed."""
    places = pl.read_parquet(TRUTH / TRUE[anchor]).drop_nulls("user_id").sort("from_day", nulls_last=False)
    last = places.unique("user_id", keep="last", maintain_order=True)
    where = last.select("from_day", true_east="easting_m", true_north="northing_m")
    return where.with_columns(user=pseudonym(last["user_id"]))


def judged(anchor: str) -> pl.DataFrame:
    """Return each person who tweeted: how often, the last place that was found, and how far from the true one."""
    people = table("tweets/users").filter(user_kind="person").select("user", "tweets")
    places = table("tweets/user_anchors").filter(anchor=anchor).sort("from", "cluster")
    last = places.unique("user", keep="last", maintain_order=True)
    east, north = pl.col("easting_m") - pl.col("true_east"), pl.col("northing_m") - pl.col("true_north")
    both = people.join(known(anchor), on="user").join(last, on="user", how="left")
    return both.with_columns(off_m=(east**2 + north**2).sqrt())
