"""Tables whose input is thin, and what homes bring to the figures of their areas."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.catalogue.meters import AREA_OCCUPANCY, CLUSTER_PROFILES, FIELDWORK
from ons_assets.governance.disclosure.step import Thresholds, protect
from ons_assets.lakehouse import gate
from ons_assets.lakehouse.buckets import groups, read_parts
from ons_assets.lakehouse.gate import Suite
from ons_assets.meters.areas.area_figures import area_tables, days_of, home_months
from ons_assets.meters.half_hours.clock_face import half_hours
from ons_assets.meters.households.household_tables import household_tables
from ons_assets.meters.occupancy import occupancy_table
from ons_assets.meters.profiles.cluster_tables import cluster_tables
from ons_assets.meters.profiles.load_profiles import descriptors
from ons_assets.parameters.meters import OccupancyParameters, ProfileClusterParameters
from tests.meters.homes import half_hours_of, ordinary_home, readings_of, world

EXPECTATIONS = Path(__file__).parents[2] / "expectations"
MONDAY = date(2010, 3, 1)
MORE_UNSAID = (
    pl.lit(None, pl.Boolean).alias("earner_in_work"),
    pl.lit(None, pl.Boolean).alias("is_rented"),
    pl.lit(None, pl.String).alias("dwelling_type"),
)


def passes(name: str, frame: pl.DataFrame) -> bool:
    table = CATALOGUE[f"meters/{name}"]
    return not gate.audit(Suite.load(EXPECTATIONS, table.name), table, table.conform(frame)).is_critical


def spells_of(*rows: tuple[int, date, date, str, float | None]) -> pl.DataFrame:
    columns = ["meter", "first_day", "last_day", "state", "probability"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def absence_of(vacant: dict[int, float], days: int, empty: float = 0.05) -> pl.DataFrame:
    """Rows of `meters/daily_absence`: meters by how likely they are vacant."""
    return (
        pl.DataFrame({"meter": list(vacant), "vacant_probability": list(vacant.values())})
        .with_columns(
            bucket=pl.lit(0, pl.Int16),
            day=pl.lit([MONDAY + timedelta(day) for day in range(days)]),
            empty_probability=pl.max_horizontal(pl.lit(empty), "vacant_probability"),
            second_home_probability=pl.lit(0.0),
        )
        .explode("day")
    )


def probabilities_of(values: np.ndarray, start: date = MONDAY) -> pl.DataFrame:
    """Rows of `meters/occupancy_probabilities` of the meters 0, 1, ..., (homes, days, 48)."""
    return half_hours_of(values, start).rename({"kwh": "occupied_probability"})


def test_with_few_answers_every_home_is_unknown_and_told_why() -> None:
    described = descriptors(readings_of(world(12, 20, seed=1)))
    answers = pl.DataFrame(
        {"meter": [0, 1], "size_band": ["1", "2"], "has_children": [False, None], "respondent_over_65": [True, None]}
    ).with_columns(MORE_UNSAID)
    sizes, accuracy = household_tables(described, answers)
    assert sizes.height == 6 * described.height
    assert set(sizes["target_class"]) == {"unknown"}
    assert sizes["probability"].null_count() == sizes.height
    assert accuracy["homes"].to_list() == [2, 1, 1, 0, 0, 0]
    assert all("at least 10 labelled homes" in warning for warning in accuracy["warning"])
    assert passes("household_size", sizes)
    assert passes("household_size_accuracy", accuracy)


def test_a_home_of_few_days_is_unknown_among_others_that_are_not() -> None:
    homes = [home for home in world(60, 20, seed=2) if str(home.household.kind) == "main"]
    described = descriptors(readings_of(homes))
    described = described.with_columns(
        pl.when(pl.col("meter") > 0).then(column).alias(column) for column in described.columns[3:]
    )
    children = [home.household.children > 0 for home in homes]
    answers = pl.DataFrame(
        {"meter": np.arange(len(homes)), "size_band": ["1"] * len(homes), "has_children": children}
    ).with_columns(MORE_UNSAID, respondent_over_65=pl.lit(None, pl.Boolean))
    sizes, accuracy = household_tables(described, answers)
    said = sizes.filter(target="has_children")
    assert said.filter(meter=0).select("target_class", "probability", "reason").rows() == [
        ("unknown", None, "fewer than 14 days are known")
    ]
    assert said.filter(pl.col("meter") > 0)["target_class"].unique().sort().to_list() == ["no", "yes"]
    assert accuracy.filter(target="has_children").height == 3
    assert accuracy.filter(target="size_band")["warning"].str.contains("two classes or more").all()
    assert passes("household_size", sizes)


def test_with_few_days_all_are_one_cluster() -> None:
    rows = half_hours_of(np.stack([ordinary_home(8, seed=n) for n in range(3)]))
    clusters, choice, profiles = cluster_tables(lambda: iter([rows]))
    assert set(clusters["profile_cluster"]) == {0}
    assert choice.select("clusters", "is_chosen", "drawn_days").rows() == [(1, True, 24)]
    assert "taken as one cluster" in choice["reason"][0]
    assert profiles.height == 48
    told = protect(CLUSTER_PROFILES, profiles, Thresholds(10)).rows
    assert told["is_suppressed"].all()
    assert told["mean_half_hour_kwh"].null_count() == 48
    assert all(passes(*each) for each in zip(NAMES, (clusters, choice, told), strict=True))


NAMES = ("profile_clusters", "profile_cluster_choice", "cluster_profiles")


def test_the_profile_of_a_cluster_is_the_mean_of_its_days() -> None:
    rows = half_hours_of(np.stack([ordinary_home(3, seed=n) for n in range(12)]))
    _, _, profiles = cluster_tables(lambda: iter([rows[:12], rows[12:]]))
    kwh = rows["kwh"].list.to_array(48).to_numpy().astype(float)
    np.testing.assert_allclose(profiles["mean_half_hour_kwh"].to_numpy(), kwh.mean(axis=0))
    np.testing.assert_allclose(profiles["share"].to_numpy(), (kwh / kwh.sum(axis=1, keepdims=True)).mean(axis=0))
    assert profiles["homes"].unique().to_list() == [12]


@pytest.mark.parametrize(
    ("homes", "days_of_first", "kwh_of_first", "is_told"),
    [(12, 300, 1, False), (12, 3, 100, False), (24, 10, 1, True)],
    ids=["days", "use", "neither"],
)
def test_a_cluster_whose_figures_are_nearly_those_of_one_home_is_not_told(
    homes: int, days_of_first: int, kwh_of_first: float, is_told: bool
) -> None:
    days = pl.concat(
        [
            half_hours_of(ordinary_home(days_of_first if meter == 0 else 1, seed=meter)[None]).with_columns(
                meter=pl.lit(meter, pl.Int64()),
                kwh=pl.col("kwh").list.eval(pl.element() * (kwh_of_first if meter == 0 else 1)),
            )
            for meter in range(homes)
        ]
    )
    parts = [days.filter(pl.col("meter") % 3 == each) for each in range(3)]
    _, _, profiles = cluster_tables(lambda: iter(parts), ProfileClusterParameters(fewest_days=1_000))
    assert profiles["homes"].unique().to_list() == [homes]
    # What the largest homes bring, by hand.
    kwh = days["kwh"].list.to_array(48).to_numpy().astype(float)
    for name, brought in {
        "mean_half_hour_kwh": kwh,
        "share": kwh / kwh.sum(axis=1, keepdims=True),
        "meter_days": kwh**0,
    }.items():
        of_homes = np.stack([brought[(days["meter"] == meter).to_numpy()].sum(axis=0) for meter in range(homes)])
        share = np.sort(of_homes / of_homes.sum(axis=0), axis=0)
        assert profiles[f"largest_{name}"].to_numpy() == pytest.approx(share[-1].max(), rel=1e-6)
        assert profiles[f"largest_two_{name}"].to_numpy() == pytest.approx(share[-2:].sum(axis=0).max(), rel=1e-6)
    told = protect(CLUSTER_PROFILES, profiles, Thresholds(10)).rows
    assert told["mean_half_hour_kwh"].null_count() == told["homes"].null_count() == (0 if is_told else 48)
    assert told["is_suppressed"].to_list() == [not is_told] * 48


def test_a_home_brings_shares_of_its_days_and_absence_bounds_presence() -> None:
    values = np.full((1, 31, 48), 0.8)
    values[0, :10, :24] = np.nan
    days = days_of(
        spells_of(
            (0, MONDAY, date(2010, 3, 10), "occupied", 0.9),
            (0, date(2010, 3, 11), date(2010, 3, 31), "holiday", 0.95),
            (1, MONDAY, date(2010, 3, 31), "unknown", None),
        )
    )
    assert days["meter"].unique().to_list() == [0]
    made = dict(home_months(probabilities_of(values), days).select("measure", "probability").iter_rows())
    assert made["on_holiday"] == pytest.approx(21 / 31)
    assert (made["lived_in"], made["vacant"], made["second_home"]) == (1, 0, 0)
    # Ten half days at 0.8; and 21 days at no more than the 0.05 that the day was lived in.
    assert made["somebody_at_home"] == pytest.approx((10 * 24 * 0.8 + 21 * 48 * 0.05) / (10 * 24 + 21 * 48), rel=1e-5)


def test_a_month_without_readings_brings_nothing() -> None:
    values = np.full((1, 3, 48), np.nan)
    days = days_of(spells_of((0, MONDAY, date(2010, 3, 3), "occupied", 0.9)))
    assert home_months(probabilities_of(values), days).is_empty()


def test_nobody_is_called_in_homes_that_stand_empty() -> None:
    values = np.full((24, 7, 48), 0.6)
    spells = spells_of(
        *((meter, MONDAY, date(2010, 3, 7), "vacant" if meter < 12 else "occupied", 0.99) for meter in range(24))
    )
    areas = pl.DataFrame({"meter": np.arange(24), "area_code": ["A"] * 24})
    absence = absence_of({meter: 0.97 if meter < 12 else 0.01 for meter in range(24)}, days=7)
    occupancy, calls = area_tables([(probabilities_of(values), spells, absence)], areas)
    assert occupancy.filter(measure="vacant")["estimate"].to_list() == [0.5]
    assert occupancy["homes"].unique().to_list() == [24]
    assert calls["called_on"].unique().to_list() == [12]
    assert calls["homes"].unique().to_list() == [24], "the difference would tell how many are vacant"
    assert calls["estimate"].to_list() == pytest.approx([0.6] * calls.height)
    assert passes("area_occupancy", protect(AREA_OCCUPANCY, occupancy, Thresholds(10)).rows)
    assert passes("fieldwork", protect(FIELDWORK, calls, Thresholds(10)).rows)


def test_meters_without_an_area_make_no_figure() -> None:
    areas = pl.DataFrame({"meter": [99], "area_code": ["A"]})
    spells = spells_of((0, MONDAY, date(2010, 3, 7), "occupied", 0.9))
    absence = absence_of({0: 0.01}, days=7)
    occupancy, calls = area_tables([(probabilities_of(np.full((1, 7, 48), 0.5)), spells, absence)], areas)
    assert (occupancy.height, calls.height) == (0, 0)


def test_presence_is_judged_by_readings_and_not_by_what_was_filled() -> None:
    rows = half_hours_of(ordinary_home(10)[None]).with_columns(imputed_mask=pl.lit(0b11, pl.Int64))
    made = occupancy_table(rows, OccupancyParameters(method="threshold"))
    said = made["occupied_probability"].list.to_array(48).to_numpy()
    assert np.isnan(said[:, :2]).all()
    assert np.isfinite(said[:, 2:]).all()
    raised = occupancy_table(rows, OccupancyParameters(calibration=(2.0, 1.0)))
    plain = occupancy_table(rows, OccupancyParameters())
    higher = (
        raised["occupied_probability"].list.to_array(48).to_numpy()
        - plain["occupied_probability"].list.to_array(48).to_numpy()
    )
    assert np.nanmin(higher) > 0


def test_buckets_are_grouped_up_to_a_size_and_tables_keep_step() -> None:
    assert list(groups({2: 5, 0: 4, 1: 4, 3: 20}, 9)) == [[0, 1], [2], [3]]
    rows = pl.LazyFrame({"bucket": [1, 0, 1], "meter": [3, 2, 1], "day": [1, 1, 1]})
    beside = pl.LazyFrame({"bucket": [0, 1], "meter": [2, 3], "first_day": [1, 1]})
    made = read_parts(rows, beside, order=["meter", "first_day"], at_once=2)
    found = [(here["meter"].to_list(), there["meter"].to_list()) for here, there in made]
    assert found == [([2], [2]), ([1, 3], [3])]
    assert list(read_parts(rows.clear(), order=["meter"])) == []
    assert half_hours(CATALOGUE["meters/raw_readings"].empty()).is_empty()
