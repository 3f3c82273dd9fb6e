"""What the home says of each meter, beside what the simulation knows of it."""

from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.meters.readings.identifiers import Pseudonyms

HOME, TRUTH = Home(Path("trial").resolve()), Path("truth")
WAKING = slice(12, 44)  # the half hours from 06:00 to 22:00


def table(name: str) -> pl.DataFrame:
    """Return a table of the home, also one of individuals, which the database for people does not have."""
    return lake.read(HOME, CATALOGUE[name]).collect()


def homes() -> pl.DataFrame:
    """Return what the truth knows of each home, by the pseudonym that the tables call it by."""
    known = pl.read_parquet(TRUTH / "homes.parquet").rename({"meter": "name"})
    trial = pl.when(pl.col("file").str.starts_with("LCL")).then(pl.lit("low-carbon-london")).otherwise(pl.lit("cer"))
    pseudonyms = Pseudonyms(HOME.secret())
    numbers = [pseudonyms.of(*each) for each in known.select(trial, "name").iter_rows()]
    equipped = (pl.col("solar_kw") > 0) | pl.col("storage_heating") | pl.col("electric_car") | pl.col("heat_pump")
    return known.select("name", "kind", "household_type", equipped=equipped, meter=pl.Series(numbers))


def days() -> pl.DataFrame:
    """Return each day of each home: use, probability that somebody is in, and people who truly are, by half hour."""
    said, read = table("meters/occupancy_probabilities"), table("meters/half_hours").select("meter", "day", "kwh")
    present = pl.read_parquet(TRUTH / "presence.parquet").rename({"meter": "name"}).join(homes(), on="name")
    return said.join(read, on=["meter", "day"]).join(present, on=["meter", "day"]).sort("name", "day")


def halves(rows: pl.DataFrame, column: str) -> np.ndarray:
    """Return a column of half hours as (days, 48)."""
    return rows[column].list.to_array(48).to_numpy().astype(float)
