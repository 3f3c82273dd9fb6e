"""Eurostat's synthetic sample, dirty on purpose, through the operator's side: all faults counted, none fatal."""

from datetime import UTC, datetime
from functools import partial

import numpy as np
import polars as pl
import pytest

from benchmarks.mobile_flows import whereabouts_of
from ons_assets.engine.local import worked_here
from ons_assets.intake.pseudonyms import pseudonyms
from ons_assets.lakehouse.home import Home
from ons_assets.mobile.anchors import device_anchors, found_anchors
from ons_assets.mobile.event_quality import event_quality
from ons_assets.mobile.footprints import footprints
from ons_assets.mobile.permanence import longterm_permanence, midterm_permanence
from ons_assets.mobile.plan import cell_plan
from ons_assets.mobile.sources import CellFiles, EventFiles
from ons_assets.mobile.spans import worked_spans
from ons_assets.mobile.tile_grids import COUNTRY, on_grid
from ons_assets.mobile.time_segments import time_segments
from ons_assets.mobile.usual_environment import usual_environment_labels
from ons_assets.mobile.versions import network_versions
from ons_assets.parameters.mobile import Mobile
from ons_assets.settings import Settings

RECEIVED = datetime(2024, 1, 1, tzinfo=UTC)
PRESET = Mobile(preset="multimno")


@pytest.fixture
def sample(settings, shared_data):
    folder = shared_data / "geo" / "mobile"
    network, events = (folder / f"multimno_synthetic_{name}.parquet" for name in ("network", "events"))
    return (
        cell_plan(CellFiles.of(settings).whole(network, network.name, RECEIVED).accepted.with_columns(arrival=1)),
        EventFiles.of(settings).whole(events, events.name, RECEIVED).accepted,
    )


def anchored(events, plan, preset):
    groups = {name: getattr(preset, name) for name in ("cleaning", "stays", "anchors", "workers")}
    return worked_here(worked_spans([events], plan, partial(found_anchors, plan=plan, **groups)))


def test_every_event_is_kept_or_counted(sample):
    plan, events = sample
    preset = Mobile(preset="multimno")
    [(found, made)] = list(anchored(events, plan, preset))
    assert sum(made.counts.values()) == len(events) == 620
    # As multimno finds them: the plan ends with the tenth.
    assert made.counts["cell_not_valid"] == 127
    # Rows that come again were rejected.
    assert made.counts["duplicates"] == 0 == len(events) - len(events.unique(["user", "time_utc", "cell_id"]))
    assert made.cells["events"].sum() == sum(made.counts[name] for name in ("kept", "ping_pong", "suspicious"))
    assert set(found["user"]) <= set(events["user"])


def test_the_plan_places_its_cells_in_metres_though_they_are_in_madrid(sample):
    plan, events = sample
    assert len(plan.cells) == 30
    # The sample lies within a few kilometres of the middle of Madrid.
    assert plan.x_m.max() - plan.x_m.min() < 10_000
    quality = event_quality(events.lazy(), plan)
    assert quality["events"].sum() == 620
    assert quality["cell_not_valid"].to_list() == [0, 0, 0, 0, 127]
    assert quality["devices_seen"].to_list() == [5, 5, 5, 5, 0]


def test_areas_of_britain_hold_none_of_it(sample):
    plan, events = sample
    parts = pl.DataFrame({"part": ["A1"], "area": ["A"], "easting_m": [4e5], "northing_m": [3e5], "residents": [9.0]})
    where = whereabouts_of(plan, parts)
    assert where.areas.is_empty()
    assert all(part.is_empty() for part in worked_here(device_anchors([events], plan, where)))


# --- beside what multimno makes of it --------------------------------------------------------------------


@pytest.fixture
def theirs(shared_data):
    def read(name):
        made = pl.read_parquet(shared_data / "geo" / "mobile" / "multimno_outputs" / f"silver__{name}.parquet")
        return made.with_columns(user=pl.col("user_id").hash().reinterpret(signed=True)) if "user_id" in made else made

    return read


@pytest.fixture
def scores(theirs):
    """Long-term scores by our definition, of the daily ones of multimno by tile."""
    tiles = theirs("UE__daily_permanence_score").filter(id_type="grid").explode("dps")
    tiles = tiles.join(theirs("network_coverage__group_to_tile"), left_on="dps", right_on="group_id")
    hour = pl.col("time_slot_initial_time")
    daily = tiles.group_by("user", place="grid_id", day=hour.dt.date()).agg(
        hours_mask=(2 ** hour.dt.hour().unique().cast(pl.Int32())).sum().cast(pl.Int32())
    )
    return longterm_permanence(midterm_permanence(daily, PRESET.permanence)).filter(year_season="all")


@pytest.mark.parametrize(
    ("day_type", "interval", "name"),
    [("all", "all", "all"), ("all", "night", "night_time"), ("workdays", "working_hours", "working_hours")],
)
def test_scores_are_those_of_multimno_but_for_hours_that_it_counts_twice(theirs, scores, day_type, interval, name):
    ours = scores.filter(day_group=day_type, time_interval=interval)
    other = theirs("UE__longterm_permanence_score").filter(day_type=day_type, time_interval=name)
    tiles = ours.join(other.filter(id_type="grid"), left_on=["user", "place"], right_on=["user", "grid_id"], how="full")
    assert len(tiles) == len(ours) > 3_000
    assert (tiles["days_there"] == tiles["total_frequency"]).all()
    devices = ours.join(other.filter(id_type="device_observation"), on="user")
    assert (devices["observed_hours"] == devices["lps"]).all()
    more = tiles.filter(pl.col("permanence_hours") != pl.col("lps"))
    assert (more["lps"] > more["permanence_hours"]).all()
    assert len(more) < 0.05 * len(tiles)


def test_labels_are_those_of_multimno_and_the_cascade_goes_on_for_each_device(theirs, scores):
    ours = usual_environment_labels(scores, PRESET.usual_environment).filter(pl.col("label") != "second_home")
    other = theirs("UE__usual_environment_labels").with_columns(pl.col("label").replace({"ue": "usual"}))
    key = ["user", "place", "label"]
    assert other.rename({"grid_id": "place"}).join(ours, on=key, how="anti").is_empty()
    # It stops at the first rule that labels any device.
    more = ours.join(other.rename({"grid_id": "place"}), on=key, how="anti")
    assert more.select("label", "label_rule").unique().rows() == [("work", "working_days")]
    assert more["user"].n_unique() == 2


def test_homes_by_the_preset_are_where_multimno_has_them(sample, theirs, settings):
    plan, events = sample
    [(found, made)] = list(anchored(events, plan, PRESET))
    homes = theirs("UE__usual_environment_labels").filter(label="home")
    names = homes["user_id"].unique().sort()
    own = pseudonyms([f"multimno/{name}" for name in names], Home(settings.home).secret())
    footprint = theirs("network_coverage__cell_footprint").filter(day=8).select("cell_id", "grid_id")
    tiles = footprint.join(plan.cells.select("cell_id", "cell"), on="cell_id")
    at = found.filter(anchor="home").join(made.cells, on=["user", "place"]).join(tiles, on="cell")
    numbered = homes.join(pl.DataFrame({"user_id": names, "pseudonym": own}), on="user_id")
    both = numbered.join(at, left_on=["pseudonym", "grid_id"], right_on=["user", "grid_id"], how="semi")
    assert both["user_id"].n_unique() == len(names) == 5


def test_on_the_grid_of_its_country_every_cell_of_it_has_a_place(tmp_path, shared_data):
    home = Home(tmp_path / "home").ensure().root
    spain = Settings(home=home, geography={"crs": "EPSG:25830", "time_zone": "Europe/Madrid"})
    path = shared_data / "geo" / "mobile" / "multimno_synthetic_network.parquet"
    parsed = CellFiles.of(spain).whole(path, path.name, RECEIVED)
    assert parsed.accepted["easting_m"].null_count() == 0
    assert parsed.warnings == ()
    [made] = footprints(on_grid(network_versions(parsed.accepted.with_columns(arrival=1)), COUNTRY))
    assert made["cell_id"].n_unique() == 30


def test_segments_of_time_are_theirs_wherever_they_have_one(shared_data):
    """Theirs lose what a stay over midnight has of the next day; ours cover both days."""
    outputs = shared_data / "geo" / "mobile" / "multimno_outputs"
    read = {
        name: pl.read_parquet(outputs / f"silver__{name}.parquet")
        for name in (
            "cleaning__mno_events_flagged", "network_coverage__cell_intersection_groups", "tourism__time_segments"
        )
    }  # fmt: skip
    events, groups, theirs = read.values()
    names, users = (events[column].unique().sort() for column in ("cell_id", "user_id"))
    first, after = datetime(2023, 1, 8), datetime(2023, 1, 10)
    clean = events.filter(error_flag=0).sort("user_id", "timestamp")
    kept = pl.concat(
        [
            clean.filter(pl.col("timestamp").is_between(first, after, closed="left")),
            clean.filter(pl.col("timestamp") >= after).unique("user_id", keep="first", maintain_order=True),
        ]
    ).sort("user_id", "timestamp")
    near = groups.filter(day=8).explode("overlapping_cell_ids").select("cell_id", "overlapping_cell_ids")
    pairs = near.select(pl.all().replace_strict(names, range(len(names)), default=None)).drop_nulls().rows()
    midnights = np.array([int(datetime(2023, 1, day, tzinfo=UTC).timestamp()) for day in range(8, 12)])
    ours = time_segments(
        kept["user_id"].replace_strict(users, range(len(users)), return_dtype=pl.Int64()).to_numpy(),
        kept["timestamp"].dt.epoch("s").to_numpy(),
        kept["cell_id"].replace_strict(names, range(len(names)), return_dtype=pl.Int64()).to_numpy(),
        midnights,
        PRESET.time_segments,
        overlapping=frozenset(pairs) | frozenset((other, one) for one, other in pairs),
    ).filter(pl.col("start_s") < midnights[2])
    assert (ours["end_s"] - ours["start_s"]).sum() == 5 * 2 * 86_400
    states = {1: "stay", 2: "move", 4: "unknown"}
    said = theirs.filter(pl.col("start_timestamp") < after).select(
        user=pl.col("user_id").replace_strict(users, range(len(users)), return_dtype=pl.Int64()),
        from_s=pl.col("start_timestamp").dt.epoch("s"),
        until_s=pl.col("end_timestamp").dt.epoch("s"),
        their_state=pl.col("state").replace_strict(states, return_dtype=pl.String()),
    )
    lasts = pl.min_horizontal("end_s", "until_s") - pl.max_horizontal("start_s", "from_s")
    both = said.join(ours, on="user").with_columns(seconds=lasts).filter(pl.col("seconds") > 0)
    differ = both.filter(pl.col("segment_state") != pl.col("their_state"))["seconds"].sum()
    assert 0 < differ < 5 * 60
    assert both["seconds"].sum() < 0.6 * 5 * 2 * 86_400
