"""The 48 half hours of the clock face: clock changes, corrections, signs, and memory that is not copied."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.catalogue.meters import HALF_HOURS, RAW_READINGS
from ons_assets.meters.half_hours.clock_face import as_array, dense, half_hours, measured
from ons_assets.meters.readings.clock import local_clock, to_day
from ons_assets.meters.readings.day_rows import COUNTS, day_rows
from ons_assets.meters.readings.placed import MARK_SCHEMA, Mark, ReadingKind

SPRING, AUTUMN, PLAIN = date(2010, 3, 28), date(2009, 10, 25), date(2009, 10, 26)


def raw(*days: tuple[int, date, list[float], int], zone: str = "Europe/London") -> pl.DataFrame:
    return RAW_READINGS.conform(
        pl.DataFrame(
            {
                "bucket": 0,
                "meter": [meter for meter, *_ in days],
                "day": [day for _, day, *_ in days],
                "layout": "test",
                "zone": zone,
                "readings_kwh": [readings for *_, readings, _ in days],
                "delivered_mask": [(1 << len(readings)) - 1 for *_, readings, _ in days],
                "estimated_mask": 0,
                "received": [len(readings) for *_, readings, _ in days],
                **dict.fromkeys(COUNTS, 0),
                "arrival": [drop for *_, drop in days],
                "drop_sha256": [f"file {drop}" for *_, drop in days],
            }
        )
    )


def test_a_plain_day_is_itself() -> None:
    values = np.arange(48) / 100
    made = HALF_HOURS.conform(half_hours(raw((1, PLAIN, values.tolist(), 1))))
    assert made["kwh"][0].to_list() == pytest.approx(values.tolist())
    assert made.select("missing", "clock_change", "extra_kwh", "imputed_mask").row(0) == (0, 0, 0.0, 0)


def test_the_hour_that_the_clock_skips_is_missing_but_not_a_missing_reading() -> None:
    made = half_hours(raw((1, SPRING, [0.1] * 46, 1)))
    kwh = np.array(made["kwh"][0])
    assert np.flatnonzero(np.isnan(kwh)).tolist() == [2, 3]
    assert made.select("missing", "clock_change").row(0) == (0, -1)


def test_the_hour_that_comes_twice_is_the_mean_and_no_energy_is_lost() -> None:
    values = [0.1, 0.1, 0.2, 0.4, 0.6, 0.8] + [0.1] * 44
    made = half_hours(raw((1, AUTUMN, values, 1)))
    kwh = np.array(made["kwh"][0])
    assert kwh[2:4] == pytest.approx([0.4, 0.6])
    assert made["extra_kwh"][0] == pytest.approx(1.0)
    assert kwh.sum() + made["extra_kwh"][0] == pytest.approx(sum(values), abs=1e-5)
    assert made["clock_change"][0] == 1


def test_of_an_hour_that_comes_twice_and_was_read_once_the_one_counts() -> None:
    values = [0.1, 0.1, float("nan"), 0.4, 0.6, 0.8] + [0.1] * 44
    made = half_hours(raw((1, AUTUMN, values, 1)))
    assert np.array(made["kwh"][0])[2:4] == pytest.approx([0.6, 0.6])
    assert made["missing"][0] == 1
    assert np.nansum(np.array(made["kwh"][0])) + made["extra_kwh"][0] == pytest.approx(np.nansum(values), abs=1e-5)


def test_another_zone_changes_its_clock_at_another_hour() -> None:
    # Sydney springs from two to three o'clock.
    made = half_hours(raw((1, date(2012, 10, 7), [0.1] * 46, 1), zone="Australia/Sydney"))
    assert np.flatnonzero(np.isnan(np.array(made["kwh"][0]))).tolist() == [4, 5]


def test_the_file_received_last_counts_half_hour_by_half_hour() -> None:
    later = [0.5, float("nan"), 0.1] + [float("nan")] * 45
    made = half_hours(raw((1, PLAIN, later, 7), (1, PLAIN, [0.1] * 48, 3)))
    assert np.array(made["kwh"][0])[:3] == pytest.approx([0.5, 0.1, 0.1])
    assert made.select("replaced", "received", "missing").row(0) == (1, 96, 0)


@pytest.mark.parametrize(("rule", "expected"), [("missing", np.nan), ("zero", 0.0), ("keep", -0.3)])
def test_what_a_negative_reading_becomes(rule: str, expected: float) -> None:
    made = half_hours(raw((1, PLAIN, [-0.3] + [0.1] * 47, 1)), negative=rule)  # type: ignore[arg-type]
    assert np.array(made["kwh"][0])[0] == pytest.approx(expected, nan_ok=True)


def test_days_outside_the_life_of_a_meter_are_left_out() -> None:
    days = raw((1, PLAIN, [0.1] * 48, 1), (1, date(2011, 1, 1), [float("nan")] * 48, 1))
    days = days.with_columns(delivered_mask=pl.when(pl.col("day") == PLAIN).then("delivered_mask").otherwise(0))
    assert half_hours(days)["day"].to_list() == [PLAIN]


def test_readings_reach_the_kernels_without_a_copy() -> None:
    days = [(meter, date(2009, 11, day), [0.1] * 48, 1) for meter in (5, 9) for day in (1, 2, 3)]
    made = half_hours(raw(*days))
    array = dense(made)
    assert array.kwh.shape == (6, 48)
    assert array.kwh.dtype == np.float32
    assert array.meter_offsets.tolist() == [0, 3, 6]
    assert array.meters.tolist() == [5, 9]
    column = made["kwh"].rechunk()
    assert as_array(column, 48).ctypes.data == as_array(column, 48).ctypes.data
    assert not array.kwh.flags.owndata


def test_unsorted_rows_are_refused() -> None:
    made = half_hours(raw((1, PLAIN, [0.1] * 48, 1), (2, PLAIN, [0.1] * 48, 1)))
    with pytest.raises(ValueError, match="sorted by meter"):
        dense(made.reverse())


def test_no_rows_make_no_rows() -> None:
    made = HALF_HOURS.conform(half_hours(RAW_READINGS.empty()))
    assert made.is_empty()
    assert dense(made).kwh.shape == (0, 48)


@pytest.mark.parametrize("zone", ["Europe/London", "Australia/Sydney", "Asia/Kolkata", "America/New_York"])
def test_every_half_hour_of_a_year_has_its_place(zone: str) -> None:
    clock = local_clock(zone)
    first = to_day(date(2019, 1, 1))
    lengths = clock.half_hours(np.arange(first, first + 365))
    assert set(lengths.tolist()) <= {46, 48, 50}
    for day in (first + np.flatnonzero(lengths != 48)).tolist():
        labels = clock.labels(day)
        assert len(labels) == clock.half_hours(day)
        assert labels[0] == 0
        assert labels[-1] == 47


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from([SPRING, AUTUMN, PLAIN]), st.integers(0, 45), st.integers(0, 3)),
        min_size=1,
        max_size=60,
    )
)
def test_gathering_readings_agrees_with_a_dictionary(records: list[tuple[int, date, int, int]]) -> None:
    meter, day, position, value = (list(column) for column in zip(*records, strict=True))
    rows = day_rows(
        np.array(meter, dtype=np.int64),
        np.array([to_day(each) for each in day], dtype=np.int32),
        np.array(position, dtype=np.int16),
        np.array(value, dtype=np.float32),
        pl.DataFrame(schema=MARK_SCHEMA),
        ReadingKind("test", "Europe/London"),
    )
    seen: dict[tuple[int, date], dict[int, list[int]]] = {}
    for one, when, where, what in records:
        seen.setdefault((one, when), {}).setdefault(where, []).append(what)
    assert list(rows.select("meter", "day").iter_rows()) == sorted(seen)
    for row in rows.iter_rows(named=True):
        cells = seen[row["meter"], row["day"]]
        assert row["received"] == sum(len(values) for values in cells.values())
        assert row["contradictory"] == sum(len(set(values)) > 1 for values in cells.values())
        assert row["repeated"] == sum(len(values) - 1 for values in cells.values() if len(set(values)) == 1)
        for where, got in enumerate(row["readings_kwh"]):
            one = set(cells.get(where, []))
            assert np.isnan(got) if len(one) != 1 else got == one.pop()


def test_marks_are_counted_by_meter_and_day() -> None:
    marks = pl.DataFrame(
        {
            "meter": [1, 1, 2],
            "day": [to_day(PLAIN), to_day(PLAIN), to_day(SPRING)],
            "mark": [Mark.OFF_GRID, Mark.UNREADABLE, Mark.SKIPPED_HOUR],
            "count": [1, 1, 1],
            "half_hours": [0, 0b1000, 0],
        },
        schema=MARK_SCHEMA,
    )
    empty = np.empty(0)
    rows = day_rows(
        empty.astype(np.int64),
        empty.astype(np.int32),
        empty.astype(np.int16),
        empty.astype(np.float32),
        marks,
        ReadingKind("test", "Europe/London"),
    )
    assert rows.select("meter", "received", "off_grid", "unreadable", "skipped_hour").rows() == [
        (1, 0, 1, 1, 0),
        (2, 0, 0, 0, 1),
    ]


def test_what_was_filled_was_not_measured() -> None:
    kwh = np.full((2, 48), 0.3, dtype=np.float32)
    rows = pl.DataFrame(
        {"kwh": pl.Series(kwh, dtype=pl.Array(pl.Float32(), 48)).arr.to_list(), "imputed_mask": [0, (1 << 47) | 0b101]}
    )
    read = measured(rows)
    assert np.isfinite(read[0]).all()
    assert np.flatnonzero(np.isnan(read[1])).tolist() == [0, 2, 47]
    assert measured(rows.with_columns(imputed_mask=pl.lit(0))).base is not None
