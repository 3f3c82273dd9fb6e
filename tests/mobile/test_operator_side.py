"""From cells and events to anchors: where a place is, worker classes, uncertainty carried and devices conserved."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy.sparse import csr_array

from benchmarks.mobile_flows import whereabouts_of
from ons_assets.engine.local import worked_here
from ons_assets.mobile import release, workers
from ons_assets.mobile import spans as spans_module
from ons_assets.mobile.anchors import device_anchors, found_anchors, locate_anchors
from ons_assets.mobile.event_quality import event_quality, hours_of
from ons_assets.mobile.evidence import FLAGS, evidence, sort_events
from ons_assets.mobile.located import Whereabouts
from ons_assets.mobile.plan import cell_plan
from ons_assets.mobile.spans import worked_spans
from ons_assets.parameters.mobile import DeviceAnchorParameters, Mobile, ReleaseParameters
from ons_assets.parameters.mobile_network import FootprintParameters

MONDAY = date(2014, 10, 6)
# Towns A and B, 20 km apart, with a mast each; A has a second mast, 3 km out.
PARTS = pl.DataFrame(
    {
        "part": ["A1", "B1"],
        "area": ["A", "B"],
        "easting_m": [400_000.0, 420_000.0],
        "northing_m": 300_000.0,
        "residents": 1_000.0,
    }
)


VALIDITY = {name: pl.Datetime("us", "UTC") for name in ("valid_from_utc", "valid_until_utc")}


def cells(*rows):
    """(cell_id, easting, northing) and perhaps azimuth and range."""
    return pl.DataFrame(
        [
            {
                "operator": "north",
                "cell_id": row[0],
                "valid_from_utc": datetime(2014, 1, 1, tzinfo=UTC),
                "valid_until_utc": None,
                "technology": "4G",
                "latitude": 52.0 + row[1] / 1e7,
                "longitude": -1.0,
                "easting_m": row[1],
                "northing_m": row[2],
                "azimuth_degrees": row[3] if len(row) > 3 else None,
                "beam_width_degrees": 120.0 if len(row) > 3 and row[3] is not None else None,
                "range_m": row[4] if len(row) > 4 else 5_000.0,
                "power_w": None,
                "height_m": None,
                "cell_type": "macro",
                "arrival": 1,
                "line": line,
            }
            for line, row in enumerate(rows)
        ],
        schema_overrides={**VALIDITY, "azimuth_degrees": pl.Float64(), "beam_width_degrees": pl.Float64()},
    )


PLAN = cell_plan(cells(("a", 400_000.0, 300_000.0), ("a2", 403_000.0, 300_000.0), ("b", 420_000.0, 300_000.0)))


def events(*rows):
    """(user, day from Monday, hour of the local clock, cell)."""
    zone = timedelta(hours=1)  # summer time
    start = datetime.combine(MONDAY, datetime.min.time(), UTC)
    return pl.DataFrame(
        [
            {
                "operator": "north",
                "user": user,
                "time_utc": start + timedelta(days=day, hours=hour) - zone,
                "event_date": MONDAY + timedelta(days=day + int(hour // 24)),
                "cell_id": cell,
            }
            for user, day, hour, cell in rows
        ],
        schema_overrides={"user": pl.Int64(), "time_utc": pl.Datetime("us", "UTC")},
    )


def week(user, by_day, at_night="a", days=range(14), weekend=None):
    """A device that is at one cell at night and at another by day."""
    rows = []
    for day in days:
        here = by_day if day % 7 < 5 else (weekend or at_night)
        rows += [(user, day, hour, at_night) for hour in (0.5, 3, 6.5, 19, 21, 23.5)]
        rows += [(user, day, hour, here) for hour in (9.5, 11, 13, 15, 16.5)]
    return rows


def groups_of(given):
    """The groups of some parameters, by the names that methods give them."""
    mobile = Mobile(**given)
    return {"cleaning": mobile.cleaning, "stays": mobile.stays, "anchors": mobile.anchors}


def classes(rows, **given):
    frame = events(*rows)
    made = evidence(
        frame["user"].to_numpy(),
        (frame["time_utc"].dt.epoch("s") + 3_600).to_numpy(),
        PLAN.numbers(frame).to_numpy(),
        PLAN,
        **groups_of(given),
    )
    found = workers.classify_workers(made.by_day, Mobile(**given).anchors, Mobile(**given).workers)
    names = dict(enumerate(PLAN.cells["cell_id"]))
    return {
        (row["user"], row["anchor"]): (names[row["place"]], row["worker_class"]) for row in found.iter_rows(named=True)
    }


# --- worker classes ------------------------------------------------------------------------------------


def test_a_full_week_and_a_part_of_it():
    found = classes(
        week(1, "b") + week(2, "a") + [(2, d, h, "b") for d in (0, 1, 7, 8) for h in (9.2, 11.2, 13.2, 15.2, 17.2)]
    )
    assert found[1, "home"] == ("a", "full_week")
    assert found[1, "work"] == ("b", "full_week")
    assert found[2, "home"] == ("a", "part_week")
    assert found[2, "work"] == ("b", "part_week")


def test_no_work_is_seen_of_who_stays_at_home():
    assert classes(week(1, "a")) == {(1, "home"): ("a", "none_seen")}


def test_a_night_shift_has_its_home_where_the_nights_of_rest_are():
    rows = []
    for day in range(14):
        works = day % 7 in (0, 1, 2, 3, 6)
        worked = day % 7 in (0, 1, 2, 3, 4) and day > 0
        rows += [(1, day, hour, "b" if worked else "a") for hour in (0.5, 2, 4, 5.5)]
        rows += [(1, day, hour, "a") for hour in (8, 10, 12, 14, 16, 18, 20)]
        rows += [(1, day, 23, "b" if works else "a")]
    found = classes(rows)
    assert found[1, "home"] == ("a", "night_shift")
    assert found[1, "work"] == ("b", "night_shift")


def test_who_works_all_over_has_several_sites():
    plan_cells = ["b", "c", "d", "e", "f"]
    plan = cell_plan(
        cells(("a", 400_000.0, 3e5), *((name, 410_000.0 + 5_000 * n, 3e5) for n, name in enumerate(plan_cells)))
    )
    rows = [row for n, name in enumerate(plan_cells) for row in week(1, name, days=[n, n + 7])]
    frame = events(*sorted(rows, key=lambda row: (row[1], row[2])))
    made = evidence(
        frame["user"].to_numpy(),
        frame["time_utc"].dt.epoch("s").to_numpy(),
        plan.numbers(frame).to_numpy(),
        plan,
        **groups_of({}),
    )
    found = workers.classify_workers(made.by_day)
    assert found.select("anchor", "worker_class").rows() == [("home", "several_sites")]


def test_a_device_that_is_seen_too_little_has_no_home():
    assert classes(week(1, "b", days=range(3))) == {}


def test_presets_are_beginnings_and_what_is_said_wins():
    preset = Mobile(preset="multimno")
    hours, shares = preset.permanence, preset.usual_environment
    assert (hours.night_start, hours.night_end, hours.work_start, hours.work_end) == (18, 8, 8, 17)
    assert (shares.home_share, shares.work_share, preset.release.k) == (0.8, 0.8, 5)
    assert preset.anchors.method == "permanence"
    assert preset.stays.reach_minutes == 7.5
    assert Mobile(preset="multimno", release={"k": 20}).release.k == 20
    said = Mobile(preset="multimno", anchors=DeviceAnchorParameters(night_end=7))
    assert (said.anchors.method, said.anchors.night_end) == ("permanence", 7)
    assert Mobile().release.k == 10
    assert Mobile.model_validate_json(said.model_dump_json()) == said
    with pytest.raises(ValueError, match="greater than or equal to 5"):
        Mobile(release={"k": 2})


# --- where ------------------------------------------------------------------------------------------


def areas_of(plan, *, parts=PARTS, events=(1,), **given):
    """{area: probability} of a place with so many events at each cell of the plan."""
    seen = plan.cells.head(len(events)).select(user=pl.lit(1), place=pl.lit(0), cell="cell", events=pl.Series(events))
    found = whereabouts_of(plan, parts, FootprintParameters(**given)).of_places(seen)
    return dict(found.select("area", "probability").iter_rows())


@pytest.mark.parametrize("method", ["voronoi", "strength", "dominance"])
def test_probabilities_sum_to_one_and_a_mast_in_the_middle_is_sure(method):
    where = whereabouts_of(PLAN, PARTS, FootprintParameters(method=method))
    found = where.of_places(PLAN.cells.select(user=pl.lit(1), place="cell", cell="cell", events=pl.lit(3)))
    sums = found.group_by("place").agg(pl.col("probability").sum())["probability"].to_list()
    assert sums == pytest.approx([1, 1, 1])
    assert areas_of(PLAN, method=method)["A"] > 0.999


@pytest.mark.parametrize("method", ["voronoi", "strength", "dominance"])
def test_a_rural_mast_between_two_areas_says_that_it_does_not_know(method):
    plan = cell_plan(cells(("far", 410_000.0, 300_000.0, None, 12_000.0)))
    assert areas_of(plan, method=method) == pytest.approx({"A": 0.5, "B": 0.5}, abs=0.02)


def test_a_sector_is_heard_where_it_looks_unless_the_nearest_mast_decides():
    plan = cell_plan(cells(("east", 410_000.0, 300_000.0, 90.0, 8_000.0), ("west", 410_000.0, 300_000.0, 270.0, 8e3)))
    assert areas_of(plan)["B"] > 0.95
    assert areas_of(plan, method="voronoi")["A"] == pytest.approx(0.5, abs=0.02)


def test_people_draw_a_cell_towards_them():
    plan = cell_plan(cells(("far", 410_000.0, 300_000.0, None, 12_000.0)))
    people = PARTS.with_columns(residents=pl.Series([90_000.0, 10_000.0]))
    assert areas_of(plan, parts=people, everywhere=0.0)["A"] == pytest.approx(0.9, abs=0.02)


def test_two_cells_together_say_more_than_their_mean_and_the_busier_more():
    """On the way from A to B: who is seen at both is between them, and not as often in the middle of each."""
    plan = cell_plan(cells(("a", 404_000.0, 300_000.0, None, 12_000.0), ("b", 414_000.0, 300_000.0, None, 12_000.0)))
    alone, both = areas_of(plan)["A"], areas_of(plan, events=(3, 1))["A"]
    assert areas_of(plan, events=(1, 3))["A"] < both < alone
    # As many events ten times over are the same place; as more draws they are surer of it.
    assert areas_of(plan, events=(30, 10))["A"] == pytest.approx(both)
    assert areas_of(plan, events=(3, 1), draws_a_place=9)["A"] > both


def test_cells_off_the_grid_are_nowhere():
    off = cells(("madrid", 0.0, 0.0)).with_columns(
        easting_m=pl.lit(None, dtype=pl.Float64()), northing_m=pl.lit(None, dtype=pl.Float64())
    )
    assert areas_of(cell_plan(off)) == {}


def test_cells_missing_from_the_plan_of_the_day_are_unknown():
    changed = datetime(2014, 10, 7, 23, tzinfo=UTC)
    old = cells(("x", 4e5, 3e5)).with_columns(valid_until_utc=changed)
    new = cells(("x", 4.2e5, 3e5)).with_columns(valid_from_utc=changed)
    plan = cell_plan(pl.concat([old, new]))
    numbers = plan.numbers(events((1, 0, 9, "x"), (1, 3, 9, "x"), (1, 0, 9, "y")))
    where = [plan.x_m[number] if number >= 0 else None for number in numbers]
    assert where == [4e5, 4.2e5, None]


# --- anchors and flows ---------------------------------------------------------------------------------

KNOWN = whereabouts_of(PLAN, PARTS)
KEY = ["user", "anchor", "area"]


def anchored(rows, **given):
    return pl.concat(
        worked_here(device_anchors([events(*rows)], PLAN, KNOWN, **groups_of(given), workers=Mobile(**given).workers))
    )


def test_days_in_any_order_and_any_number_of_buckets_at_once_give_the_same(monkeypatch):
    rows = week(1, "b") + week(2, "a") + week(3, "a2", at_night="b")
    frame = events(*rows)
    by_day = frame.partition_by("event_date")
    one = pl.concat(worked_here(device_anchors([frame], PLAN, KNOWN)))
    monkeypatch.setattr(spans_module, "EVENTS_AT_ONCE", 1)
    other = pl.concat(worked_here(device_anchors(by_day[::-1], PLAN, KNOWN)))
    assert_frame_equal(one.sort(KEY), other.sort(KEY))
    assert len(one) > 0


def test_cleaning_is_counted():
    rows = week(1, "b")
    blocks = [events(*rows, *rows[:3], (1, 2, 12, "nowhere"))]
    [(_, made)] = worked_here(worked_spans(blocks, PLAN, partial(found_anchors, plan=PLAN)))
    assert made.counts == {**dict.fromkeys(FLAGS, 0), "kept": len(rows), "duplicates": 3, "unknown_cell": 1}


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1_000), users=st.integers(1, 40))
@example(seed=14, users=5)
def test_every_device_with_a_home_counts_once(seed, users):
    random = np.random.default_rng(seed)
    rows = [
        row for user in range(users) for row in week(user, random.choice(["a", "a2", "b"]), random.choice(["a", "b"]))
    ]
    anchors = anchored(rows)
    homes = anchors.filter(anchor="home")
    assert homes.group_by("user").agg(pl.col("probability").sum())["probability"].to_list() == pytest.approx(
        [1] * users
    )
    counts = release.origin_destination(anchors, None, ReleaseParameters())
    assert counts["devices"].sum() == pytest.approx(users)
    released = release.release(counts, 5, 1.0)
    grand = released.flows.filter(origin="all", destination="all")
    totals = [counts.group_by(end).agg(pl.col("devices").sum())["devices"].min() for end in ("origin", "destination")]
    # The total of all is withheld where it is small, or where the small total of an area would follow from it.
    if users >= 5 and (min(totals) >= 5 or not grand["is_suppressed"].item()):
        assert grand["devices"].item() == pytest.approx(users, abs=0.05)
    listed = released.flows.filter((pl.col("origin") != "all") & (pl.col("destination") != "all"))
    assert listed["devices"].sum() + released.suppressed_devices == pytest.approx(users, abs=0.5)
    assert listed["devices"].min() is None or listed["devices"].min() >= 5
    assert released.flows.filter("is_suppressed")["devices"].null_count() == released.flows["is_suppressed"].sum()


def test_strata_children_and_unknown_customers():
    anchors = anchored([row for user in range(30) for row in week(user, "b")])
    users = sorted(anchors["user"].unique())
    register = pl.DataFrame(
        {
            "user": users[:25],
            "contract": ["contract"] * 15 + ["prepaid"] * 10,
            "age_group": ["25-44"] * 20 + ["0-15"] * 5,
        }
    )
    parameters = ReleaseParameters(k=5, strata=("contract",))
    flows = release.operator_flows(anchors, register, parameters, "2014-10-06/2014-10-19").rows
    devices = dict(flows.filter(origin="all", destination="all").select("contract", "devices").rows())
    assert devices == {"contract": 15, "prepaid": 5, "unknown": 5}
    assert flows.filter(origin="A", destination="B")["devices"].sum() == pytest.approx(25, abs=0.2)


def test_the_likeliest_area_instead_of_all():
    # Each cell serves a tile of its own.
    shares = csr_array([[0.7, 0.3], [1.0, 0.0], [0.0, 1.0]])
    where = Whereabouts(csr_array(np.eye(3)), np.ones(3), shares, pl.Series(["A", "B"]), FootprintParameters())
    found = pl.DataFrame(
        {
            "user": [1, 1],
            "anchor": ["home", "work"],
            "place": [0, 2],
            "worker_class": ["full_week"] * 2,
            "confidence": [0.9, 0.8],
            "evidence_days": [10, 8],
            "from": [MONDAY] * 2,
            "to": [MONDAY] * 2,
        },
        schema=workers.ANCHOR_SCHEMA,
    )
    of_place = pl.DataFrame({"user": [1, 1], "place": [0, 2], "cell": [0, 2], "events": [5, 5]}).cast(
        {"place": pl.Int32(), "cell": pl.Int32()}
    )
    anchors = locate_anchors(found, of_place, PLAN, where)
    shared = release.origin_destination(anchors, None, ReleaseParameters())
    assert shared.select("origin", "destination", "devices").rows() == [("A", "B", 0.7), ("B", "B", 0.3)]
    likely = release.origin_destination(anchors, None, ReleaseParameters(assignment="most_likely"))
    assert likely.select("origin", "destination", "devices").rows() == [("A", "B", 1.0)]


# --- sorting and quality -------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(0, 60), wide=st.booleans())
def test_events_are_sorted_as_by_rows(seed, n, wide):
    random = np.random.default_rng(seed)
    user = random.integers(-(2**62), 2**62, n) if wide else random.integers(0, 5, n)
    time = random.integers(0, 2**33 if wide else 1_000, n)
    cell = random.integers(-1, 2**30 if wide else 4, n).astype(np.int32)
    order = np.lexsort((cell, time, user))
    for made, expected in zip(sort_events(user, time, cell), (user, time, cell), strict=True):
        assert made.tolist() == expected[order].tolist()


def test_a_silent_mast_and_missing_hours_show():
    rows = [(user, day, 8 + n / 10, "a") for user in range(3) for day in range(5) for n in range(10)]
    rows += [(user, day, 9, "b") for user in range(25) for day in (0, 1, 2, 4)]
    quality = event_quality(events(*rows).lazy(), PLAN)
    assert quality["cells_silent"].to_list() == [0, 0, 0, 1, 0]
    assert quality["hours_covered"].to_list() == [2, 2, 2, 1, 2]
    assert quality["hours_expected"].to_list() == [24] * 5
    assert quality["devices_seen"].to_list() == [25, 25, 25, 3, 25]
    # Three devices have eleven events each, or ten, and the others one.
    assert quality["largest_events"].to_list() == pytest.approx([11 / 55] * 3 + [10 / 30] + [11 / 55])
    assert quality["largest_two_events"].to_list() == pytest.approx([22 / 55] * 3 + [20 / 30] + [22 / 55])
    assert (hours_of(date(2014, 10, 26)), hours_of(date(2014, 3, 30))) == (25, 23)
