"""Quality by meter and month, gaps and their reasons, and filling with its error measured."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ons_assets.catalogue.meters import HALF_HOURS, RAW_READINGS, READING_QUALITY
from ons_assets.lakehouse import gate
from ons_assets.lakehouse.gate import Suite
from ons_assets.meters.half_hours.clock_face import dense, half_hours
from ons_assets.meters.half_hours.imputation import hidden_error, impute, impute_half_hours
from ons_assets.meters.half_hours.missing_runs import Gap, classify, runs
from ons_assets.meters.half_hours.quality import collection, reading_quality
from ons_assets.meters.readings.identifiers import Pseudonyms
from ons_assets.meters.readings.sources import BUILT_IN, MeterFiles
from ons_assets.parameters.meters import ImputationParameters, QualityParameters
from ons_assets.simulate.meters import Scale, simulate_meters
from tests.meters.conftest import RECEIVED, SECRET, keyed

EXPECTATIONS = Path(__file__).parents[2] / "expectations"
START = date(2009, 11, 1)
NAN = float("nan")


def frame(kwh: np.ndarray, start: date = START, clock_change: dict[int, int] | None = None) -> pl.DataFrame:
    """Make `meters/half_hours` of (meters, days, 48)."""
    meters, days = kwh.shape[:2]
    keys = pl.DataFrame({"meter": np.arange(meters).repeat(days), "day": np.tile(np.arange(days), meters)})
    change = keys["day"].replace_strict(clock_change or {}, default=0, return_dtype=pl.Int8())
    zero = dict.fromkeys(
        (
            "imputed_mask",
            "delivered_mask",
            "estimated_mask",
            "replaced",
            "repeated",
            "contradictory",
            "negative",
            "off_grid",
            "unreadable",
            "too_large",
            "skipped_hour",
            "estimated",
            "substituted",
            "hourly",
            "partial",
        ),
        0,
    )
    return HALF_HOURS.conform(
        keys.with_columns(
            bucket=pl.lit(0, dtype=pl.Int16),
            layout=pl.lit("test"),
            day=pl.lit(start) + pl.duration(days="day"),
            kwh=pl.Series(kwh.reshape(-1, 48).astype(np.float32)).arr.to_list(),
            extra_kwh=0.0,
            missing=np.isnan(kwh).sum(axis=2).ravel(),
            clock_change=change,
            received=48,
            **{name: pl.lit(value) for name, value in zero.items()},
        )
    )


def readings(meters: int = 1, days: int = 40) -> np.ndarray:
    return np.random.default_rng(7).uniform(0.05, 0.6, (meters, days, 48)).astype(np.float32)


def of(quality: pl.DataFrame, meter: int = 0, month: int = 0) -> dict[str, object]:
    return quality.filter(pl.col("meter") == meter).sort("month").row(month, named=True)


def test_a_whole_month_without_fault() -> None:
    row = of(READING_QUALITY.conform(reading_quality(frame(readings()))))
    assert (row["expected"], row["read"], row["gaps"], row["zero_runs"], row["spikes"]) == (1440, 1440, 0, 0, 0)
    assert (row["first_reading_day"], row["last_reading_day"]) == (START, date(2009, 12, 10))


def test_gaps_are_told_apart() -> None:
    kwh = readings(meters=8)
    flat = kwh.reshape(8, -1)
    flat[0, :100] = NAN
    flat[0, -50:] = NAN
    flat[:, 500:503] = NAN
    flat[1, 600:610] = NAN
    flat[1, 598:600] = 0
    flat[2, 700:760] = NAN
    quality = reading_quality(frame(kwh))
    first, second, third = of(quality, 0), of(quality, 1), of(quality, 2)
    assert (first["missing_not_started"], first["missing_collection"]) == (100, 3)
    assert of(quality, 0, 1)["missing_ended"] == 50
    assert (second["missing_meter_off"], second["missing_collection"], second["gaps"]) == (10, 3, 2)
    assert (third["missing_communication"], third["longest_gap"]) == (60, 60)
    missing = [f"missing_{gap.name.lower()}" for gap in Gap]
    assert quality.select((pl.sum_horizontal("read", *missing) == pl.col("expected")).all()).item()


def test_with_few_meters_a_common_gap_is_no_failed_collection() -> None:
    kwh = readings(meters=3)
    kwh[:, 5] = NAN
    assert of(reading_quality(frame(kwh)))["missing_communication"] == 48


def test_a_whole_collection_may_be_counted_by_parts() -> None:
    kwh = readings(meters=8)
    kwh[:, 3, 5:9] = NAN
    whole = frame(kwh)
    parts = [whole.filter(pl.col("meter") < 2), whole.filter(pl.col("meter") >= 2)]
    trial = collection(parts)
    together = pl.concat([reading_quality(part, trial) for part in parts])
    assert together.equals(reading_quality(whole))
    assert together["missing_collection"].sum() == 32


def test_zero_runs_flat_runs_and_spikes() -> None:
    kwh = readings()
    flat = kwh.reshape(1, -1)
    flat[0, 100:106] = 0
    flat[0, 200:205] = 0
    flat[0, 300:312] = 0.25
    flat[0, 400:411] = 0.35
    flat[0, 700] = 20
    row = of(reading_quality(frame(kwh)))
    assert (row["zero"], row["zero_runs"], row["longest_zero_run"]) == (11, 1, 6)
    assert (row["flat_runs"], row["longest_flat_run"], row["spikes"]) == (1, 12, 1)


def test_the_hour_that_the_clock_skips_is_neither_missing_nor_the_end_of_a_run() -> None:
    kwh = readings(days=10)
    kwh[0, 5, :6] = 0
    kwh[0, 5, 2:4] = NAN
    row = of(reading_quality(frame(kwh, clock_change={5: -1})))
    assert (row["expected"], row["read"], row["gaps"], row["clock_change_days"]) == (478, 478, 0, 1)
    kwh[0, 5, 6:8] = 0
    assert of(reading_quality(frame(kwh, clock_change={5: -1})))["longest_zero_run"] == 6


def test_months_without_a_reading_are_there() -> None:
    kwh = readings(meters=2)
    kwh[1, :30] = NAN
    quality = reading_quality(frame(kwh))
    assert quality.height == 4
    assert of(quality, 1)["missing_not_started"] == 1440


@settings(max_examples=100, deadline=None)
@given(hnp.arrays(bool, st.tuples(st.integers(1, 4), st.integers(1, 60))))
def test_runs_agree_with_counting_one_by_one(marked: np.ndarray) -> None:
    expected = []
    for row, line in enumerate(marked):
        start = None
        for place, mark in enumerate([*line, False]):
            if mark and start is None:
                start = place
            elif not mark and start is not None:
                expected.append((row, start, place - start))
                start = None
    found = runs(marked)
    assert list(zip(found.row, found.start, found.length, strict=True)) == expected


@settings(max_examples=100, deadline=None)
@given(hnp.arrays(np.int8, (6, 40), elements=st.integers(-1, 2)))
def test_every_missing_half_hour_has_one_reason(values: np.ndarray) -> None:
    kwh = np.where(values < 0, np.nan, values).astype(np.float32)
    kinds = classify(kwh, (~np.isnan(kwh)).sum(axis=0), np.full(40, 6), QualityParameters())
    assert ((kinds > 0) == np.isnan(kwh)).all()


# -- the simulator's faults


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, pl.DataFrame, Path]:
    """Return half hours and quality of a simulated trial, and the folder of its truth."""
    root = tmp_path_factory.mktemp("world")
    simulate_meters(root / "drops", root / "truth", scale=Scale("test", homes=40, days=120, lcl_share=0.0))
    source = MeterFiles((BUILT_IN,), home=keyed(root / "home"))
    parsed = [source.whole(path, path.name, RECEIVED).accepted for path in sorted((root / "drops").iterdir())]
    raw = [rows.with_columns(arrival=pl.lit(n), drop_sha256=pl.lit(str(n))) for n, rows in enumerate(parsed)]
    made = HALF_HOURS.conform(half_hours(RAW_READINGS.conform(pl.concat(raw))))
    return made, READING_QUALITY.conform(reading_quality(made)), root / "truth"


def test_the_simulated_faults_are_found(world: tuple[pl.DataFrame, pl.DataFrame, Path]) -> None:
    _, quality, truth = world
    faults = pl.read_parquet(truth / "faults.parquet")
    pseudonyms = Pseudonyms(SECRET)
    faults = faults.with_columns(number=pl.Series(pseudonyms.all_of("cer", faults["meter"]), dtype=pl.Int64()))
    by_meter = quality.group_by("meter").agg(pl.col(pl.Int32).sum())

    def found(column: str, kind: str) -> tuple[int, int]:
        """Meters with the fault, and those of them for which the column is above zero."""
        with_fault = by_meter.filter(pl.col("meter").is_in(faults.filter(kind=kind)["number"].implode()))
        return len(with_fault), int((with_fault[column] > 0).sum())

    for column, kind in (
        ("missing_not_started", "not_started"),
        ("missing_ended", "ended"),
        ("repeated", "repeated"),
        ("contradictory", "contradicted"),
    ):
        there, seen = found(column, kind)
        assert there == seen > 0, kind
    there, seen = found("missing_communication", "communication")
    assert seen >= 0.9 * there > 0
    assert by_meter["missing_collection"].min() > 0


def test_tables_of_a_simulated_trial_pass_their_gates(world: tuple[pl.DataFrame, pl.DataFrame, Path]) -> None:
    made, quality, _ = world
    for table, rows in ((HALF_HOURS, made), (READING_QUALITY, quality)):
        assert not gate.audit(Suite.load(EXPECTATIONS, table.name), table, rows).is_critical


# -- filling


def test_a_short_gap_is_drawn_straight() -> None:
    kwh = readings()[0]
    kwh[3, 10:14] = [0.1, NAN, NAN, 0.4]
    filled, imputed = impute(kwh)
    assert filled[3, 10:14] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert np.argwhere(imputed).tolist() == [[3, 11], [3, 12]]


def test_a_longer_gap_takes_like_days_and_leaves_readings_alone() -> None:
    kwh = np.tile(np.arange(48) / 100, (30, 1)).astype(np.float32)
    holed = kwh.copy()
    holed[15, 8:30] = NAN
    filled, imputed = impute(holed)
    assert filled == pytest.approx(kwh, abs=1e-6)
    assert imputed.sum() == 22


def test_what_cannot_be_known_stays_missing() -> None:
    kwh = readings()[0]
    kwh[0, :5] = NAN
    kwh[-1, 40:] = NAN
    kwh[10:20] = NAN
    filled, imputed = impute(kwh)
    assert not imputed.any()
    assert np.array_equal(filled, kwh, equal_nan=True)
    nothing = np.full((3, 48), np.nan, dtype=np.float32)
    assert np.isnan(impute(nothing)[0]).all()


def test_filling_of_a_table_is_flagged_by_half_hour_and_spares_the_skipped_hour() -> None:
    kwh = readings(meters=2, days=10)
    kwh[0, 4, 20:23] = NAN
    kwh[1, 5, 2:4] = NAN
    table = frame(kwh, clock_change={5: -1})
    made = HALF_HOURS.conform(impute_half_hours(table))
    assert made.filter(pl.col("imputed_mask") != 0).select("meter", "imputed_mask").rows() == [(0, 0b111 << 20)]
    array = dense(made).kwh
    assert np.isnan(array).sum() == 2
    assert reading_quality(made)["imputed_half_hours"].sum() == 3


def test_the_error_of_filling_real_readings(shared_data: Path) -> None:
    table = pl.read_parquet(shared_data / "meters" / "edrp_scotland_500_homes_half_hour.parquet", columns=["kwh"])
    kwh = table["kwh"].to_numpy().reshape(500, 92, 48)[::5]
    straight, like = (hidden_error(kwh, 1, ImputationParameters(method=method)) for method in ("straight", "like_days"))
    assert straight.hidden == 100
    assert straight.mean_absolute_kwh < like.mean_absolute_kwh
    day = hidden_error(kwh, 48)
    assert 0.4 < day.relative < 0.7
    assert abs(day.energy_bias) < 0.05
