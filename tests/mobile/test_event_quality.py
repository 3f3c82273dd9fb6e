"""What a day of events is worth is said of local days and of cells: in any zone, and however plans change."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from ons_assets.mobile.event_quality import event_quality, local_day
from ons_assets.mobile.plan import cell_plan

FIRST = date(2015, 10, 20)
# Of whole hours, half ones and quarters; the clock of Lord Howe changes by half an hour, and Havana's at midnight.
ZONES = (
    "Europe/London", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Havana",
)  # fmt: skip
UTC_TYPE = pl.Datetime("us", "UTC")


def midnight(day, zone="Europe/London"):
    return local_day(day, zone)[0]


def plan_of(*forms):
    """Cells by (cell_id, moment since which and until which they are so, azimuth)."""
    rows = [
        {
            "operator": "north", "cell_id": cell, "valid_from_utc": since, "valid_until_utc": until,
            "latitude": 52.0, "longitude": -1.0,
            "azimuth_degrees": azimuth, "beam_width_degrees": 65.0, "range_m": 2_000.0, "technology": "4G",
            "power_w": None, "height_m": None, "cell_type": "macro", "easting_m": 400_000.0, "northing_m": 300_000.0,
            "arrival": 0, "line": line,
        }
        for line, (cell, since, until, azimuth) in enumerate(forms)
    ]  # fmt: skip
    return cell_plan(
        pl.DataFrame(rows, schema_overrides=dict.fromkeys(("valid_from_utc", "valid_until_utc"), UTC_TYPE))
    )


def events_of(zone, days, cells_of, every_minutes=30):
    """An event of a device at each cell of a day, time after time from its midnight to the next."""
    rows = []
    for day in days:
        begins, ends = local_day(day, zone)
        moments = [begins + timedelta(minutes=n) for n in range(0, 26 * 60, every_minutes)]
        rows += [("north", 1, at, day, cell) for at in moments if at < ends for cell in cells_of(day)]
    schema = {"operator": pl.String(), "user": pl.Int64(), "time_utc": UTC_TYPE, "event_date": pl.Date()}
    return pl.DataFrame(rows, schema={**schema, "cell_id": pl.String()}, orient="row").lazy()


@examples(max_examples=25, deadline=None)
@given(zone=st.sampled_from(ZONES), day=st.dates(date(2012, 1, 1), date(2018, 12, 31)))
@example(zone="Europe/London", day=date(2015, 10, 25))
@example(zone="Europe/London", day=date(2015, 6, 10))
@example(zone="Australia/Lord_Howe", day=date(2015, 4, 5))
@example(zone="America/Havana", day=date(2015, 3, 8))
def test_hours_and_cells_are_those_of_the_local_day(zone, day):
    days = [day + timedelta(n) for n in (-1, 0, 1)]
    yesterday, today, tomorrow = (midnight(each, zone) for each in days)
    plan = plan_of(("stays", yesterday, None, 0.0), ("ends", yesterday, today, 0.0), ("begins", tomorrow, None, 0.0))
    made = event_quality(events_of(zone, days, lambda _: ["stays"]), plan, time_zone=zone)
    assert made["hours_covered"].to_list() == made["hours_expected"].to_list()
    assert made["cells_valid"].to_list() == [2, 1, 2]


def test_a_cell_is_silent_only_on_days_on_which_it_is_on_the_air():
    days = [FIRST + timedelta(n) for n in range(20)]
    begins, changes = midnight(FIRST), midnight(days[12])
    plan = plan_of(
        ("turned", begins, changes, 10.0),
        ("turned", changes, None, 40.0),
        ("gone", begins, changes, 0.0),
        ("broken", begins, None, 0.0),
    )
    lost = {("gone", days[4]), ("broken", days[15]), *(("gone", day) for day in days[12:])}

    def seen(day):
        return [cell for cell in ("turned", "gone", "broken") if (cell, day) not in lost]

    made = event_quality(events_of("Europe/London", days, seen), plan)
    assert [n for n, silent in enumerate(made["cells_silent"]) if silent] == [4, 15]
    assert made["cells_valid"].to_list() == [3] * 12 + [2] * 8
    assert made["cells_seen"].to_list() == [len(seen(day)) for day in days]


@pytest.mark.parametrize("hours", [1, 13])
def test_a_cell_that_changes_during_a_day_is_one_and_of_one_that_is_switched_off_nothing_is_due(hours):
    days = [FIRST + timedelta(n) for n in range(5)]
    begins, changes = midnight(FIRST), midnight(days[4]) + timedelta(hours=hours)
    plan = plan_of(
        ("off", begins, changes, 0.0), ("turned", begins, changes, 0.0), ("turned", changes, None, 9.0)
    )  # fmt: skip
    events = events_of("Europe/London", days, lambda day: ["turned"] if day == days[4] else ["turned", "off"])
    made = event_quality(events, plan)
    assert made["cells_silent"].to_list() == [0] * 5
    assert made["cells_valid"].to_list() == [2] * 5
    assert made["cells_seen"].to_list() == [2, 2, 2, 2, 1]
