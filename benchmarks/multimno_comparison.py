"""Our tables beside those of Eurostat's multimno, on its own sample and with its parameters.

python benchmarks/multimno_comparison.py

Each layer is made twice: of multimno's own layer before it, so that a difference is one of that layer, and at the end
of the raw files, down our whole road.
"""

import os
import sys
import tempfile
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.engine.local import worked_here
from ons_assets.intake.pseudonyms import pseudonyms
from ons_assets.lakehouse.home import Home
from ons_assets.mobile.anchors import found_anchors
from ons_assets.mobile.permanence import daily_permanence, longterm_permanence, midterm_permanence
from ons_assets.mobile.plan import CellPlan, cell_plan
from ons_assets.mobile.presence import Presence, presence
from ons_assets.mobile.sources import CellFiles, EventFiles
from ons_assets.mobile.spans import worked_spans
from ons_assets.mobile.time_segments import time_segments
from ons_assets.mobile.usual_environment import environment_of_areas, usual_environment_labels
from ons_assets.parameters.mobile import Mobile
from ons_assets.settings import Settings

SHARED = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
MOBILE = SHARED / "geo" / "mobile"
OUTPUTS = MOBILE / "multimno_outputs"
RECEIVED = datetime(2024, 1, 1, tzinfo=UTC)
PRESET = Mobile(preset="multimno")
DAYS = (date(2023, 1, 8), date(2023, 1, 9))
PERIODS = (
    "all/all", "all/night", "all/working_hours", "all/evening", "workdays/working_hours", "workdays/night",
    "weekends/all", "weekends/night",
)  # fmt: skip
PERMANENCE = PRESET.permanence.model_copy(update={"periods": PERIODS})
NAMES = {"night_time": "night", "evening_time": "evening"}
LABELS = {"ue": "usual"}
STATES = {1: "stay", 2: "move", 3: "undetermined", 4: "unknown", 5: "abroad"}


def theirs(name: str) -> pl.DataFrame:
    """Return an output of multimno, with users as small numbers."""
    made = pl.read_parquet(OUTPUTS / f"silver__{name}.parquet")
    if "user_id" not in made.columns:
        return made
    return made.with_columns(user=pl.col("user_id").replace_strict(users(), return_dtype=pl.Int64()))


def users() -> dict[str, int]:
    """Return the devices of the sample, numbered."""
    names = pl.read_parquet(OUTPUTS / "silver__cleaning__mno_events.parquet")["user_id"].unique().sort()
    return dict(zip(names, range(len(names)), strict=True))


def report(layer: str, equal: int, of: int, why: str = "") -> None:
    """Print a line of the comparison."""
    print(f"{layer:<58}{equal:>8,} of {of:>8,}  {why}")


def their_days() -> pl.DataFrame:
    """Return multimno's daily scores by tile, as rows of ours: an hour that it counts twice is one."""
    scores = theirs("UE__daily_permanence_score").filter(id_type="grid").explode("dps")
    tiles = scores.join(theirs("network_coverage__group_to_tile"), left_on="dps", right_on="group_id")
    hour = pl.col("time_slot_initial_time")
    return tiles.group_by("user", place="grid_id", day=hour.dt.date()).agg(
        hours_mask=(2 ** hour.dt.hour().unique().cast(pl.Int32())).sum().cast(pl.Int32())
    )


def of_clean_events(plan: CellPlan) -> Presence:
    """Return the hours at each cell by the events that multimno keeps, at its own reach and bridges."""
    events = theirs("cleaning__mno_events_flagged").filter(error_flag=0)
    numbers = plan.cells.select("cell_id", "cell").unique("cell_id", keep="first")
    events = events.join(numbers, on="cell_id")
    stays = PRESET.stays.model_copy(update={"place_radius_m": 0.0})
    return presence(
        events["user"].to_numpy(),
        events["timestamp"].dt.epoch("s").to_numpy(),
        events["cell"].to_numpy(),
        plan,
        cleaning=PRESET.cleaning,
        stays=stays,
        night=(PERMANENCE.bridge_night_start, PERMANENCE.bridge_night_end),
    )


def on_tiles(found: Presence, plan: CellPlan) -> pl.DataFrame:
    """Return daily scores by tile: the hours of the cells whose footprint has it, added up."""
    footprint = theirs("network_coverage__cell_footprint").filter(day=8).select("cell_id", tile="grid_id")
    numbered = footprint.join(plan.cells.select("cell_id", "cell"), on="cell_id").select("cell", "tile")
    rows = pl.DataFrame({"row": np.arange(len(found.user)), "user": found.user, "cell": found.place, "day": found.day})
    spread = rows.join(numbered, on="cell").sort("user", "tile", "day", "row")
    starts = np.flatnonzero(np.r_[True, spread.select((pl.struct("user", "tile", "day") != pl.struct(
        "user", "tile", "day").shift(1)).slice(1)).to_series().to_numpy()])  # fmt: skip
    hours = np.minimum(np.add.reduceat(found.hours[spread["row"].to_numpy()], starts, axis=0), 1.0)
    first = spread[starts]
    return daily_permanence(
        first["user"].to_numpy(), first["tile"].to_numpy(), first["day"].to_numpy(), hours, PERMANENCE
    ).filter(pl.col("day").is_in(DAYS))


def bits(daily: pl.DataFrame) -> pl.DataFrame:
    """Return a row an hour: user, place, day, hour."""
    hours = pl.DataFrame({"hour": np.arange(24, dtype=np.int32)})
    return daily.join(hours, how="cross").filter((pl.col("hours_mask") // (2 ** pl.col("hour")) % 2) == 1)


def daily_layer(plan: CellPlan) -> None:
    """Compare scores by device and hour."""
    ours, other = bits(on_tiles(of_clean_events(plan), plan)), bits(their_days())
    keys = ["user", "day", "hour"]
    mine = ours.group_by(keys).agg(mine=pl.col("place").sort())
    found = mine.join(other.group_by(keys).agg(other=pl.col("place").sort()), on=keys, how="full", coalesce=True)
    same = found.filter(pl.col("mine") == pl.col("other"))
    # Middle of the hour.
    found = found.with_columns(at=pl.col("day").cast(pl.Datetime("ns")) + pl.duration(hours="hour", minutes=30))
    report("daily: hours of devices, the same tiles", len(same), len(found))
    only = found.filter(pl.col("other").is_null())
    silent = only.join(night_silences(), on="user").filter(pl.col("at").is_between("start", "end"))
    print(f"    only ours {len(only)}, in a silence at one cell that reaches into the night {len(silent.unique(keys))}")
    print(f"    only theirs {found['mine'].null_count()}")


def night_silences() -> pl.DataFrame:
    """Return gaps of more than two hours between events at one cell, of which an end is between 23 and 9."""
    events = theirs("cleaning__mno_events_flagged").filter(error_flag=0).sort("user", "timestamp")
    following = events.select("user", "cell_id", start="timestamp").with_columns(
        end=pl.col("start").shift(-1).over("user"), then=pl.col("cell_id").shift(-1).over("user")
    )
    long = (pl.col("end") - pl.col("start") > pl.duration(hours=2)) & (pl.col("then") == pl.col("cell_id"))
    at_night = pl.any_horizontal(
        (pl.col(end).dt.hour() >= PERMANENCE.bridge_night_start) | (pl.col(end).dt.hour() < PERMANENCE.bridge_night_end)
        for end in ("start", "end")
    )
    return following.filter(long & at_night).select("user", "start", "end")


def score_layers(daily: pl.DataFrame) -> pl.DataFrame:
    """Compare scores of a month and of all of the time, made of their daily ones; return ours."""
    monthly = midterm_permanence(daily, PERMANENCE)
    keys = ["user", "place", "day_group", "time_interval"]
    other = theirs("UE__midterm_permanence_score").rename({"grid_id": "place", "day_type": "day_group"})
    other = other.filter(pl.col("day_group").is_in(["all", "workdays", "weekends"])).with_columns(
        pl.col("time_interval").replace(NAMES)
    )
    found = monthly.join(other.filter(id_type="grid"), on=keys, how="full", coalesce=True)
    report("mid-term: days of tiles", (found["days_there"] == found["frequency"]).sum(), len(found))
    equal = found["permanence_hours"] == found["mps"]
    report(
        "mid-term: hours of tiles", equal.sum(), len(found), "theirs count an hour twice that a stay enters at night"
    )
    over = found.filter(pl.col("mps") > pl.col("observed_hours"))
    print(f"    tiles that have more hours than their device, theirs: {len(over)}")
    seen = monthly.select("user", "day_group", "time_interval", "observed_hours", "observed_days").unique()
    whole = seen.join(
        other.filter(id_type="device_observation").drop("place"), on=["user", "day_group", "time_interval"]
    )
    both = (pl.col("observed_hours") == pl.col("mps")) & (pl.col("observed_days") == pl.col("frequency"))
    report("mid-term: hours and days of devices", len(whole.filter(both)), len(whole))
    seasonal = longterm_permanence(monthly)
    long = (
        theirs("UE__longterm_permanence_score")
        .rename({"grid_id": "place", "day_type": "day_group", "season": "their_season"})
        .filter(id_type="grid")
    )
    long = long.with_columns(pl.col("time_interval").replace(NAMES))
    found = long.join(seasonal.filter(year_season="all"), on=keys, how="left")
    report("long-term: days of tiles", (found["days_there"] == found["total_frequency"]).sum(), len(found))
    report("long-term: hours of tiles", (found["permanence_hours"] == found["lps"]).sum(), len(found), "as above")
    return seasonal.filter(year_season="all")


def label_layers(seasonal: pl.DataFrame) -> None:
    """Compare labels of tiles, and devices by tile."""
    labels = usual_environment_labels(seasonal, PRESET.usual_environment).filter(pl.col("label") != "second_home")
    other = theirs("UE__usual_environment_labels").with_columns(pl.col("label").replace(LABELS))
    named = other.rename({"grid_id": "place", "label_rule": "their_rule"})
    found = labels.join(named, on=["user", "place", "label"], how="full", coalesce=True)
    same = found.drop_nulls(["label_rule", "their_rule"])
    report("labels of tiles: home, work, usual", len(same), len(found))
    more = found.filter(pl.col("their_rule").is_null()).group_by("user", "label", "label_rule").len()
    for _, label, rule, tiles in more.sort("user").iter_rows():
        print(f"    only ours: {label} of a device by the rule {rule}, {tiles} tiles")
    tiles = (
        labels.select("user", "place")
        .unique()
        .select("user", "place", area=pl.col("place").cast(pl.String()), probability=pl.lit(1.0))
    )
    ours = environment_of_areas(labels.with_columns(operator=pl.lit("multimno")), tiles)
    aggregated = theirs("UE__aggregated_usual_environment").with_columns(
        pl.col("label").replace(LABELS), area=pl.col("grid_id").cast(pl.String())
    )
    found = ours.filter(pl.col("area") != "not_seen").join(aggregated, on=["label", "area"], how="full", coalesce=True)
    near = (found["devices"] - found["weighted_device_count"].cast(pl.Float64())).abs() < 1e-5
    report(
        "usual environment: devices of tiles", near.fill_null(value=False).sum(), len(found), "work of two devices more"
    )


def present_layer() -> None:
    """Compare devices by tile at its three moments: the event of each that is nearest within an hour.

    multimno's iteration ends after its first step, as its threshold (10,000) is more than all devices: that step shares
    the devices of a cell among tiles as its connection probabilities are.
    """
    events = theirs("cleaning__mno_events_flagged").filter(error_flag=0)
    probabilities = theirs("network_coverage__cell_conn_probs")
    shares = probabilities.with_columns(
        share=pl.col("cell_connection_probability").cast(pl.Float64())
        / pl.col("cell_connection_probability").cast(pl.Float64()).sum().over("cell_id", "day")
    )
    for moment, other in theirs("PP__present_population").group_by("timestamp", maintain_order=True):
        away = (pl.col("timestamp") - pl.lit(moment[0])).abs()
        near = events.with_columns(away=away).filter(pl.col("away") <= pl.duration(hours=1))
        nearest = near.sort("user", "away", "timestamp").unique("user", keep="first", maintain_order=True)
        ours = nearest.group_by("cell_id", "day").len().join(shares, on=["cell_id", "day"])
        ours = ours.group_by("grid_id").agg(devices=(pl.col("len") * pl.col("share")).sum())
        found = ours.join(other, on="grid_id", how="full", coalesce=True)
        equal = ((found["devices"] - found["population"].cast(pl.Float64())).abs() < 1e-5).fill_null(value=False).sum()
        report(f"present at {moment[0]:%d %B %H:%M}: devices of tiles", equal, len(found),
               f"{len(nearest)} devices; ours counts all 5 that are seen on the day")  # fmt: skip


def segment_layer() -> None:
    """Compare segments of time of the two days that it has, minute by minute and piece by piece.

    It takes of the day after only the first event of each device, and of cells what overlaps by its own table.
    """
    clean = theirs("cleaning__mno_events_flagged").filter(error_flag=0).sort("user", "timestamp")
    after = pl.col("timestamp").dt.date() > DAYS[1]
    within = pl.col("timestamp").dt.date().is_between(*DAYS)
    events = pl.concat([clean.filter(within), clean.filter(after).unique("user", keep="first")])
    events = events.sort("user", "timestamp")
    names = events["cell_id"].unique().sort()
    groups = theirs("network_coverage__cell_intersection_groups").filter(day=DAYS[0].day)
    near = groups.explode("overlapping_cell_ids").select("cell_id", "overlapping_cell_ids")
    numbered = near.select(pl.all().replace_strict(names, range(len(names)), default=None, return_dtype=pl.Int64()))
    pairs = numbered.drop_nulls().rows()
    midnights = [datetime(2023, 1, day, tzinfo=UTC).timestamp() for day in range(8, 12)]
    made = time_segments(
        events["user"].to_numpy(),
        events["timestamp"].dt.epoch("s").to_numpy(),
        events["cell_id"].replace_strict(names, range(len(names)), return_dtype=pl.Int64()).to_numpy(),
        np.array(midnights, dtype=np.int64),
        PRESET.time_segments,
        overlapping=frozenset(pairs) | frozenset((other, one) for one, other in pairs),
    )
    ours = minutes(made.select("user", "segment_state", start="start_s", end="end_s"))
    other = theirs("tourism__time_segments").select(
        "user",
        start=pl.col("start_timestamp").dt.epoch("s"),
        end=pl.col("end_timestamp").dt.epoch("s"),
        their_state=pl.col("state").replace_strict(STATES, return_dtype=pl.String()),
    )
    found = ours.join(minutes(other), on=["user", "minute"], how="left")
    two_days = found.filter(pl.col("minute") < midnights[2] // 60)
    equal = (two_days["segment_state"] == two_days["their_state"]).sum()
    report("time segments: minutes of devices", equal, len(two_days), "theirs lose the time of a stay after midnight")
    differ = two_days.filter(pl.col("segment_state") != pl.col("their_state").fill_null("none"))
    for ours_, theirs_, count in (
        differ.group_by("segment_state", "their_state").len().sort("len", descending=True).iter_rows()
    ):
        print(f"    ours {ours_}, theirs {theirs_ or 'none'}: {count:,} minutes")


def minutes(segments: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each minute in the middle of which a segment lasts."""
    first, last = (pl.col(end) + 30 for end in ("start", "end"))
    each = segments.with_columns(minute=pl.int_ranges(first // 60, last // 60)).filter(pl.col("minute").list.len() > 0)
    return each.drop("start", "end").explode("minute")


def whole_road(plan: CellPlan, events: pl.DataFrame, secret: bytes) -> None:
    """Compare homes and places of work by our places and the files as they are."""
    numbers = {name: pseudonyms([f"multimno/{name}"], secret)[0] for name in users()}
    footprint = theirs("network_coverage__cell_footprint").filter(day=8).select("cell_id", "grid_id")
    tiles = footprint.join(plan.cells.select("cell_id", cell="cell"), on="cell_id").select("cell", "grid_id")
    known = theirs("UE__usual_environment_labels").filter(pl.col("label").is_in(["home", "work"]))
    named = known.with_columns(user=pl.col("user_id").replace_strict(numbers, return_dtype=pl.Int64()))
    for said, given in (("house rule", Mobile()), ("preset", PRESET)):
        [(found, made)] = worked_here(worked_spans([events], plan, partial(
            found_anchors, plan=plan, cleaning=given.cleaning, stays=given.stays, anchors=given.anchors,
            workers=given.workers, permanence=given.permanence, usual=given.usual_environment,
        )))  # fmt: skip
        places = found.join(made.cells, on=["user", "place"]).join(tiles, on="cell").select("user", "anchor", "grid_id")
        for anchor in ("home", "work"):
            both = named.filter(label=anchor).join(
                places.filter(anchor=anchor), on=["user", "grid_id"], how="inner"
            )["user"].n_unique()  # fmt: skip
            have = found.filter(anchor=anchor)["user"].n_unique()
            report(f"{anchor} by {said}: devices whose place has a tile of theirs", both,
                   named.filter(label=anchor)["user"].n_unique(), f"({have} devices have one)")  # fmt: skip


def main() -> None:
    if not OUTPUTS.is_dir():
        sys.exit(f"the outputs of multimno are not in {OUTPUTS}: nothing to compare with")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        Home(settings.home).ensure()
        network, raw = (MOBILE / f"multimno_synthetic_{name}.parquet" for name in ("network", "events"))
        plan = cell_plan(CellFiles.of(settings).whole(network, network.name, RECEIVED).accepted.with_columns(arrival=1))
        events = EventFiles.of(settings).whole(raw, raw.name, RECEIVED).accepted
        daily_layer(plan)
        label_layers(score_layers(their_days()))
        present_layer()
        segment_layer()
        whole_road(plan, events, Home(settings.home).secret())


if __name__ == "__main__":
    main()
