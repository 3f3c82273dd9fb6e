"""Simulated homes as rows of `meters/half_hours`, for tests that need their truth."""

import datetime as dt

import numpy as np
import polars as pl

from ons_assets.simulate.meters import Scale, SimulatedHome, simulated_homes


def half_hours_of(kwh: np.ndarray, start: dt.date = dt.date(2010, 1, 4)) -> pl.DataFrame:
    """Lay (homes, days, 48) readings out as rows of the meters 0, 1, ..."""
    homes, days = kwh.shape[:2]
    return pl.DataFrame(
        {
            "bucket": pl.Series([0], dtype=pl.Int16).new_from_index(0, homes * days),
            "meter": np.repeat(np.arange(homes), days),
            "day": np.tile(np.arange(days), homes),
            "kwh": pl.Series(kwh.reshape(-1, 48).astype(np.float32), dtype=pl.Array(pl.Float32, 48)).arr.to_list(),
        }
    ).with_columns(day=pl.lit(start) + pl.duration(days="day"))


def world(homes: int, days: int, seed: int, start: dt.date = dt.date(2009, 7, 14)) -> list[SimulatedHome]:
    """Simulate homes."""
    return list(simulated_homes(Scale("test", homes=homes, days=days, start=start), seed))


def readings_of(homes: list[SimulatedHome], start: dt.date = dt.date(2009, 7, 14)) -> pl.DataFrame:
    """Return the readings of simulated homes; export counts as nothing."""
    return half_hours_of(np.maximum(np.stack([home.kwh for home in homes]), 0), start)


def _ordinary_day(rng: np.random.Generator) -> np.ndarray:
    day = rng.normal(0.06, 0.01, 48)
    day[13:17] += 0.3
    day[35:45] += 0.35
    return np.maximum(day, 0.005)


def ordinary_home(days: int, seed: int = 0) -> np.ndarray:
    """Days with a breakfast and an evening."""
    rng = np.random.default_rng(seed)
    return np.stack([_ordinary_day(rng) for _ in range(days)])


def fridge_only(days: int, seed: int = 1, base: float = 0.05) -> np.ndarray:
    """Days on which nothing runs but what runs by itself."""
    return np.random.default_rng(seed).normal(base, 0.008, (days, 48)).clip(0.01)
