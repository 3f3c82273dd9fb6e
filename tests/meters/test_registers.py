"""Registers, hours, parts of half hours, flags, and the units that go wrong in a file whose others are right."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_assets.catalogue.meters import HALF_HOURS, READING_QUALITY
from ons_assets.intake.unreadable import Unreadable
from ons_assets.meters.half_hours.clock_face import half_hours
from ons_assets.meters.half_hours.quality import reading_quality
from ons_assets.meters.readings.registers import energy
from tests.meters.conftest import Read

LONG = {"columns": {"meter": "id", "time": "time", "value": "value"}, "unit": "kWh"}
REGISTER = {**LONG, "reading": "register"}
NAN = np.nan


def rows(meter: str, values: list[object], minutes: int = 30, start: datetime = datetime(2020, 1, 1)) -> list[str]:
    return [f"{meter},{start + timedelta(minutes=minutes * n)},{value}" for n, value in enumerate(values)]


def csv(*parts: list[str], header: str = "id,time,value") -> str:
    return "\n".join([header, *(row for part in parts for row in part)]) + "\n"


def differences(shown: list[float], owner: list[int] | None = None) -> list[float]:
    of = np.array(owner if owner is not None else [0] * len(shown), dtype=np.int64)
    return energy(np.array(shown, dtype=np.float64), of)[0].tolist()


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ([10, 11, 13], [1, 2, NAN]),
        # A momentary zero: the register comes back in a leap.
        ([10, 11, 0, 12, 13], [1, NAN, NAN, 1, NAN]),
        # The same over some readings, and over one that is missing.
        ([10, 11, 0, 0, 12, 13], [1, NAN, 0, NAN, 1, NAN]),
        ([10, 11, 0, NAN, 12, 13], [1, NAN, NAN, NAN, 1, NAN]),
        # A new meter passes the level of the old one in small steps.
        ([2, 3, 0, 1, 2, 3, 4, 5], [1, NAN, 1, 1, 1, 1, 1, NAN]),
        # A leap that falls back to where it was.
        ([10, 11, 99, 12, 13], [1, NAN, NAN, 1, NAN]),
    ],
)
def test_faults_of_registers(shown: list[float], expected: list[float]) -> None:
    np.testing.assert_allclose(differences(shown), expected)


def test_what_owners_show_is_kept_apart() -> None:
    np.testing.assert_allclose(differences([10, 11, 5, 6], [0, 0, 1, 1]), [1, NAN, 1, NAN])
    fell = energy(np.array([10.0, 11.0, 5.0, 6.0]), np.array([0, 0, 1, 1]))[1]
    assert not fell.any()


@given(st.lists(st.floats(0, 5), min_size=2, max_size=60), st.data())
def test_a_momentary_zero_costs_two_intervals_and_nothing_else(used: list[float], data: st.DataObject) -> None:
    shown = 100 + np.concatenate([[0], np.cumsum(used)])
    at = data.draw(st.integers(1, len(shown) - 2)) if len(shown) > 2 else None
    dipped = shown.copy()
    if at is not None:
        dipped[at] = 0
    found, fell = energy(dipped, np.zeros(len(shown), dtype=np.int64))
    expected = np.append(np.diff(shown), NAN)
    if at is not None:
        expected[[at - 1, at]] = NAN
    np.testing.assert_array_equal(found, expected)
    assert fell.sum() == (at is not None)


def test_readings_within_a_half_hour_cost_nothing(read: Read) -> None:
    whole = rows("a", [100, 100.1, 100.3, 100.4, 100.6], 15)
    layout = {**REGISTER, "interval_minutes": 15}
    found = read(csv(whole), layout).accepted["readings_kwh"][0].to_list()[:2]
    assert found == pytest.approx([0.3, 0.3])
    assert read(csv(whole[::2]), layout).accepted["readings_kwh"][0].to_list()[:2] == pytest.approx(found)


def test_the_limit_holds_for_the_difference(read: Read) -> None:
    made = read(csv(rows("a", [90_000, 90_000.2, 90_080, 90_080.3])), REGISTER)
    assert made.accepted.select("negative", "too_large").row(0) == (0, 1)
    assert made.usable == 2


def test_a_register_read_too_seldom_is_said_to_be_so(read: Read) -> None:
    with pytest.raises(Unreadable, match=r"are they hourly\? say `interval_minutes: 60`"):
        read(csv(rows("a", list(range(100, 110)), 60)), REGISTER)
    made = read(csv(rows("a", [100, 100.4, 101], 60)), {**REGISTER, "interval_minutes": 60})
    assert made.accepted["readings_kwh"][0].to_list()[:4] == pytest.approx([0.2, 0.2, 0.3, 0.3])


def test_hours_are_two_half_hours_and_counted(read: Read) -> None:
    made = read(csv(rows("a", [0.4, 0.6], 60)), {**LONG, "interval_minutes": 60})
    assert made.accepted["readings_kwh"][0].to_list()[:4] == pytest.approx([0.2, 0.2, 0.3, 0.3])
    assert (made.usable, made.expected, made.accepted["hourly"][0]) == (4, 4, 2)
    assert made.notes == ("2 hourly readings, each two half hours of half its energy",)


def test_hourly_readings_under_a_half_hourly_layout_are_named(read: Read) -> None:
    (warning,) = read(csv(rows("a", [0.4] * 48, 60)), LONG).warnings
    assert "hourly readings" in warning


def test_hours_of_days_on_which_the_clock_changes(read: Read) -> None:
    layout = {**LONG, "interval_minutes": 60, "zone": "UTC", "local_zone": "Europe/London"}
    for day, count in (("2019-03-31", 46), ("2019-10-27", 50)):
        start = datetime.fromisoformat(day) - timedelta(hours=day == "2019-10-27")
        made = read(csv(rows("a", [0.4] * (count // 2), 60, start)), layout).accepted
        assert made["readings_kwh"].list.len().to_list() == [count]
        assert (made["readings_kwh"].list.sum().item(), made["hourly"].item()) == (
            pytest.approx(count * 0.2),
            count / 2,
        )


def test_slots_of_quarters_and_hours_follow_the_clock(read: Read) -> None:
    layout = {
        "columns": {"meter": "id", "date": "date", "slot": "slot", "value": "value"},
        "unit": "kWh",
        "zone": "Europe/London",
        "local_zone": "Europe/London",
    }
    for minutes in (15, 60):
        slots = [f"a,2019-03-31,{slot},0.1" for slot in range(1, 1440 // minutes + 1)]
        made = read(csv(slots, header="id,date,slot,value"), {**layout, "interval_minutes": minutes})
        assert made.accepted["skipped_hour"].item() == 60 // minutes
        assert made.usable == 46


def test_the_stated_share_makes_a_half_hour(read: Read) -> None:
    values = [[0.1, 0.1, 0.1], [0.1, 0.1, ""], [0.1, "", ""]] * 16
    text = csv(rows("a", [value for part in values for value in part], 10))
    layout = {**LONG, "interval_minutes": 10}
    made = read(text, layout)
    assert (made.usable, made.accepted["partial"].sum()) == (16, 32)
    assert any("intervals of 10 minutes missing" in warning for warning in made.warnings)
    kept = read(text, {**layout, "least_coverage": 0.6})
    assert kept.usable == 32
    assert kept.accepted["readings_kwh"].list.explode().fill_nan(None).drop_nulls().to_list() == pytest.approx(
        [0.3] * 32
    )


def test_flags_say_what_a_reading_is(read: Read) -> None:
    text = "id,time,value,flag\n" + "\n".join(
        f"{row},{flag}" for row, flag in zip(rows("a", [0.1] * 5), ("A", "E52", "S14", "N", "?"), strict=True)
    )
    columns = {**LONG["columns"], "quality": "flag"}  # type: ignore[dict-item]
    made = read(text, {**LONG, "columns": columns, "quality": {"E*": "estimated", "S*": "substituted", "N": "missing"}})
    assert made.accepted.select("received", "estimated", "substituted", "unreadable").row(0) == (4, 1, 1, 1)
    assert made.rejected["reason"].to_list() == ["is flagged as missing"]


def test_cubic_metres_need_their_energy(read: Read) -> None:
    with pytest.raises(Unreadable, match="needs kwh_per_m3"):
        read(csv(rows("a", [0.1])), {**LONG, "unit": "m3"})
    made = read(csv(rows("a", [0.1])), {**LONG, "unit": "m3", "kwh_per_m3": 11.2})
    assert made.accepted["readings_kwh"][0][0] == pytest.approx(1.12)


def test_a_second_register_is_named_and_not_quoted(read: Read) -> None:
    both = [f"{row},{code}" for value, code in ((0.2, "1.8.0"), (0.1, "2.8.0")) for row in rows("a", [value] * 48)]
    text = csv(both, header="id,time,value,code")
    with pytest.raises(Unreadable, match="another register or direction") as refusal:
        read(text, LONG)
    assert "8.0" not in str(refusal.value)
    made = read(text, {**LONG, "only": {"code": "1.8.0"}})
    assert (made.usable, made.expected, len(made.rejected)) == (48, 48, 0)


def test_what_is_wrong_with_one_meter_stays_with_it(read: Read) -> None:
    dead, contradictory = rows("b", ["Null"] * 48), rows("c", [0.1] * 48) + rows("c", [0.2] * 48)
    made = read(csv(rows("a", [0.2] * 48), rows("d", [0.2] * 48), rows("e", [0.3] * 48), dead, contradictory), LONG)
    assert (made.usable, made.expected) == (144, 240)
    assert "2 of 5 meters have no reading that can be used" in made.warnings
    laid = HALF_HOURS.conform(half_hours(made.accepted.with_columns(arrival=pl.lit(1), drop_sha256=pl.lit("0"))))
    quality = READING_QUALITY.conform(reading_quality(laid))
    assert sorted(quality["read"].to_list()) == [0, 0, 48, 48, 48]
    assert quality.select("unreadable", "contradictory").sum().row(0) == (48, 48)
    assert quality["expected"].to_list() == [48] * 5


def test_a_file_that_names_no_meter_needs_a_layout_that_says_so(read: Read) -> None:
    text = "time,value\n2020-01-01 00:00:00,0.2\n"
    columns = {"time": "time", "value": "value"}
    with pytest.raises(Unreadable, match="does not say meter"):
        read(text, {**LONG, "columns": columns})
    named = read(text, {**LONG, "columns": {**columns, "meter": {"file_name": "^(.+)$"}}})
    same = read("id,time,value\ndrop,2020-01-01 00:00:00,0.2\n", LONG)
    assert named.accepted["meter"].to_list() == same.accepted["meter"].to_list()


def test_a_few_evening_hours_are_no_day(read: Read) -> None:
    homes = [row for home in "abcd" for row in rows(home, [0.6] * 8, start=datetime(2020, 1, 1, 18))]
    assert read(csv(homes), LONG).warnings == ()
    days = [row for home in "abcd" for row in rows(home, [0.6] * 48)]
    assert "is the unit right" in read(csv(days), LONG).warnings[0]
