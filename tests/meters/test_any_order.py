"""Tables of meters are the same whatever the order of rows, and however meters are divided."""

import numpy as np
import polars as pl
import pytest

from ons_assets.meters.areas.small_area import area_occupancy
from ons_assets.meters.half_hours.clock_face import half_hours
from ons_assets.meters.households.household_model import fit_household_model
from ons_assets.meters.occupancy.calibration import reliability_curve
from ons_assets.meters.profiles.cluster_tables import cluster_tables
from ons_assets.meters.profiles.load_profiles import descriptors
from ons_assets.meters.readings.day_rows import COUNTS
from ons_assets.meters.readings.plausibility import kwh_per_day
from ons_assets.parameters.meters import ProfileClusterParameters
from tests.any_order import Case, check, shuffled
from tests.meters.homes import half_hours_of


def readings(homes: int = 40, days: int = 12) -> np.ndarray:
    """Use of homes of a few shapes, (homes, days, 48)."""
    random = np.random.default_rng(59)
    peaks = (np.arange(48) == random.integers(10, 40, (homes, 1, 1))) * random.uniform(0.5, 3, (homes, days, 1))
    return (random.gamma(2, 0.1, (homes, days, 48)) + peaks).astype(np.float32)


def raw() -> pl.DataFrame:
    """Days that three files delivered, of which the last to come counts."""
    kwh = readings(20)
    days = half_hours_of(kwh)
    parts = [
        days.filter((pl.col("meter") + pl.col("day").dt.day()) % 3 != number).with_columns(
            readings_kwh=pl.col("kwh").list.eval(pl.element() * (1 + number / 7)),
            arrival=pl.lit(number, dtype=pl.Int64()),
        )
        for number in range(3)
    ]
    counts = {name: pl.lit(1, dtype=pl.Int32()) for name in COUNTS}
    return (
        pl.concat(parts)
        .drop("kwh")
        .with_columns(
            layout=pl.lit("test"),
            delivered_mask=pl.lit((1 << 48) - 1),
            estimated_mask=pl.lit(0b101, dtype=pl.Int64()),
            zone=pl.lit("Europe/London"),
            received=pl.lit(48, dtype=pl.Int32()),
            **counts,
        )
    )


def _clusters(variation: int, rows: pl.DataFrame) -> tuple[pl.DataFrame, ...]:
    """Days in buckets of other sizes."""
    buckets = (1, 3, 7, 20)[variation]

    def parts():
        for number in range(buckets):
            yield rows.filter(pl.col("meter") % buckets == number).sort("meter", "day")

    parameters = ProfileClusterParameters(most=3, starts=1, reseedings=2, fit_days=300)
    return cluster_tables(parts, parameters)


def homes_of_areas() -> pl.DataFrame:
    random = np.random.default_rng(61)
    return pl.DataFrame(
        {
            "meter": np.repeat(np.arange(3_000), 2),
            "area_code": random.choice(["X", "Y"], 3_000).repeat(2),
            "measure": ["vacant", "lived_in"] * 3_000,
            "probability": random.random(6_000),
        }
    )


def said_and_seen() -> pl.DataFrame:
    random = np.random.default_rng(67)
    said = random.random(60_000)
    return pl.DataFrame({"said": said, "seen": (random.random(60_000) < said).astype(float)})


def indicators() -> pl.DataFrame:
    return descriptors(half_hours_of(readings(60, 20)))


def answers() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "meter": np.arange(60),
            "has_children": [False, True] * 30,
        }
    )


CASES = {
    "half hours": lambda: Case(lambda _, raw: half_hours(raw), {"raw": raw()}),
    "use of a file": lambda: Case(lambda _, raw: kwh_per_day(raw), {"raw": raw()}),
    "clusters of profiles": lambda: Case(_clusters, {"rows": half_hours_of(readings())}),
    "figures of areas": lambda: Case(
        lambda _, homes: area_occupancy(homes, by=("measure",)), {"homes": homes_of_areas()}
    ),
    "reliability of probabilities": lambda: Case(
        lambda _, both: reliability_curve(both["said"].to_numpy(), both["seen"].to_numpy()), {"both": said_and_seen()}
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_neither_the_order_of_rows_nor_the_parts_make_a_difference(name: str) -> None:
    check(CASES[name]())


def test_what_is_learned_of_households_is_the_same_in_any_order() -> None:
    once, again = (
        fit_household_model(shuffled(indicators(), seed), shuffled(answers(), seed + 1), "has_children")
        for seed in (1, 2)
    )
    assert once.probabilities(indicators()).equals(again.probabilities(indicators()))
