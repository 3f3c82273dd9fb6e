"""Events per second and memory, from Parquet to homes and places of work, beside straightforward Polars.

    python benchmarks/mobile_events.py                              10 million events of 100,000 devices
    python benchmarks/mobile_events.py --events 100_000_000         the size that the pilot asked for
    python benchmarks/mobile_events.py --events 100_000_000 --skip polars

Both read the same files in the same run, each in a process of its own, and must find the same anchors.
The Polars version is what a good analyst would write: sort, shift over the device, split at midnight,
group by; it holds the events in memory.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.engine.local import worked_here
from ons_assets.mobile.anchor_parameters import anchor_parameters
from ons_assets.mobile.anchors import found_anchors
from ons_assets.mobile.plan import CellPlan, cell_plan
from ons_assets.mobile.spans import worked_spans
from ons_assets.mobile.workers import ANCHOR_SCHEMA, classify_workers
from ons_assets.mobility.anchors import capped_home, capped_work
from ons_assets.mobility.evidence import split_by_day, weigh
from ons_assets.parameters.mobile import CleaningParameters, DeviceAnchorParameters, StayParameters
from ons_assets.parameters.mobility import WeeklyProfile

FIRST_DAY, DAYS = date(2014, 10, 6), 14
EVENTS_A_DEVICE = 100
CELLS = 20_000
BLOCK = 1_000_000
# Cells as places, so that the two versions have the same definition to compute.
CLEANING = CleaningParameters(ping_pong_seconds=0, max_speed_m_s=1e9)
STAYS, ANCHORS = StayParameters(place_radius_m=0), DeviceAnchorParameters()
SMALL_HOURS = WeeklyProfile(night=1, evening=0, weekend=0, working=0, night_start=24, night_end=6)


def make_events(folder: Path, n_events: int) -> CellPlan:
    """Write a file of events for each day: operator, user, time_utc, event_date, cell_id; sorted by time."""
    random = np.random.default_rng(1)
    devices = n_events // EVENTS_A_DEVICE
    user = random.integers(-(2**62), 2**62, devices)
    home, work = random.integers(0, CELLS, devices), random.integers(0, CELLS, devices)
    works = random.random(devices) < 0.6
    names = pl.Series([f"C{number:06d}" for number in range(CELLS)])
    for day in range(DAYS):
        share = n_events // DAYS
        row = random.integers(0, devices, share)
        second = random.integers(0, 86_400, share)
        hour = second // 3_600
        at_work = works[row] & (hour >= 9) & (hour < 17) & (day % 7 < 5)
        cell = np.where(at_work, work[row], home[row])
        elsewhere = random.random(share) < 0.08
        cell = np.where(elsewhere, random.integers(0, CELLS, share), cell)
        order = np.argsort(second, kind="stable")
        start = pl.lit(FIRST_DAY + timedelta(day)).cast(pl.Datetime("us")).dt.replace_time_zone("Europe/London")
        pl.DataFrame({"user": user[row[order]], "second": second[order], "cell_id": names.gather(cell[order])}).select(
            "user",
            "cell_id",
            operator=pl.lit("north"),
            event_date=pl.lit(FIRST_DAY + timedelta(day)),
            time_utc=(start + pl.duration(seconds="second")).dt.convert_time_zone("UTC"),
        ).write_parquet(folder / f"events_{day:02d}.parquet", row_group_size=BLOCK)
    side = int(np.ceil(np.sqrt(CELLS)))
    number = np.arange(CELLS)
    east, north = 3e5 + number % side * 1_000.0, 3e5 + number // side * 1_000.0
    return cell_plan(
        pl.DataFrame({"cell_id": names, "easting_m": east, "northing_m": north})
        .with_columns(
            operator=pl.lit("north"),
            valid_from_utc=pl.datetime(2014, 1, 1, time_zone="UTC"),
            valid_until_utc=pl.lit(None, dtype=pl.Datetime("us", "UTC")),
            power_w=pl.lit(None, dtype=pl.Float64()),
            height_m=pl.lit(None, dtype=pl.Float64()),
            cell_type=pl.lit("macro"),
            arrival=1,
            line=pl.int_range(pl.len()),
            technology=pl.lit("4G"),
            latitude=pl.lit(52.0) + pl.int_range(pl.len()) * 1e-6,
            longitude=pl.lit(-1.0),
            azimuth_degrees=pl.lit(None, dtype=pl.Float64()),
            beam_width_degrees=pl.lit(None, dtype=pl.Float64()),
            range_m=pl.lit(3_000.0),
        )
    )  # fmt: skip


def by_kernel(folder: Path, plan: CellPlan, temporary: Path) -> pl.DataFrame:
    """Find anchors as the asset does: block by block to disk, then bucket by bucket."""
    columns = ["operator", "user", "time_utc", "event_date", "cell_id"]
    blocks = (
        pl.scan_parquet(path).select(columns).slice(start, BLOCK).collect()
        for path in sorted(folder.iterdir())
        for start in range(0, pl.scan_parquet(path).select(pl.len()).collect().item(), BLOCK)
    )
    find = partial(found_anchors, plan=plan, cleaning=CLEANING, stays=STAYS, anchors=ANCHORS)
    spans = worked_here(worked_spans(blocks, plan, find, folder=temporary))
    return pl.concat(anchors for anchors, _ in spans)


def by_polars(folder: Path, plan: CellPlan, _: Path) -> pl.DataFrame:
    """Find the same anchors with Polars alone."""
    anchors = anchor_parameters(ANCHORS)
    cells = plan.cells.select("cell_id", place="cell")
    local = pl.col("time_utc").dt.convert_time_zone("Europe/London").dt.replace_time_zone(None)
    events = pl.scan_parquet(folder).join(cells.lazy(), on="cell_id").select("user", "place", time=local)
    ordered = events.unique().sort("user", "time", "place")
    reach = pl.duration(seconds=round(STAYS.reach_minutes * 60))
    following = pl.col("time").shift(-1).over("user")
    gap = (following - pl.col("time")).dt.total_seconds()

    def is_night(moment: pl.Expr) -> pl.Expr:
        return (moment.dt.hour() >= ANCHORS.night_start) | (moment.dt.hour() < ANCHORS.night_end)

    limit = pl.when(is_night(pl.col("time")) | is_night(following)).then(
        round(STAYS.bridge_night_minutes * 60)
    ).otherwise(round(STAYS.bridge_day_minutes * 60))  # fmt: skip
    half = pl.duration(seconds=pl.min_horizontal(gap // 2, round(STAYS.reach_minutes * 60)))
    bridged = (pl.col("place").shift(-1).over("user") == pl.col("place")) & (gap <= limit)
    parted = ordered.with_columns(following=following, bridged=bridged.fill_null(False), half=half)
    after = pl.when("bridged").then("following").otherwise(pl.col("time") + pl.col("half").fill_null(reach))
    before_half = pl.col("half").shift(1).over("user")
    before_bridged = pl.col("bridged").shift(1).over("user").fill_null(False)
    before = pl.when(before_bridged).then("time").otherwise(pl.col("time") - before_half.fill_null(reach))
    stays = parted.select("user", "place", start=before, end=after).filter(pl.col("end") > pl.col("start"))
    weights = split_by_day(stays, 0.0).with_columns(
        home=weigh(anchors.home_profile), work=weigh(anchors.work_profile), small_hours=weigh(SMALL_HOURS)
    )
    by_day = (
        weights.group_by("user", "place", "day")
        .agg(pl.col("home", "work", "small_hours").sum())
        .with_columns(home=capped_home("home", anchors), work=capped_work("work", anchors), is_education=pl.lit(False))
        .collect()
    )
    return classify_workers(by_day.with_columns(pl.col("place").cast(pl.Int32())), ANCHORS)


VERSIONS = {"kernel": by_kernel, "polars": by_polars}


def _measured(name: str, folder: Path, plan: CellPlan, out: Path, temporary: Path) -> None:
    start = time.perf_counter()
    found = VERSIONS[name](folder, plan, temporary)
    seconds = time.perf_counter() - start
    found.write_parquet(out)
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    (out.parent / f"{name}.txt").write_text(f"{seconds} {peak_gb}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=lambda text: int(text.replace("_", "")), default=10_000_000)
    parser.add_argument("--skip", choices=list(VERSIONS), action="append", default=[])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "events"
        folder.mkdir()
        plan = make_events(folder, arguments.events)
        size_gb = sum(path.stat().st_size for path in folder.iterdir()) / 1e9
        devices = arguments.events // EVENTS_A_DEVICE
        print(f"{arguments.events:,} events of {devices:,} devices, {size_gb:.2f} GB of Parquet")
        found, seconds = {}, {}
        for name in VERSIONS:
            if name in arguments.skip:
                continue
            out = Path(temporary) / f"{name}.parquet"
            process = multiprocessing.get_context("spawn").Process(
                target=_measured, args=(name, folder, plan, out, Path(temporary))
            )
            process.start()
            process.join()
            if process.exitcode:
                print(f"{name}: failed, exit code {process.exitcode} (out of memory, if it was killed)")
                continue
            seconds[name], peak_gb = map(float, (out.parent / f"{name}.txt").read_text().split())
            found[name] = pl.read_parquet(out).select(ANCHOR_SCHEMA.keys()).sort("user", "anchor")
            rate = arguments.events / seconds[name]
            memory = f"peak {peak_gb:.2f} GB, {len(found[name]):,} anchors"
            print(f"{name}: {seconds[name]:.1f} s, {rate:,.0f} events/s, {memory}")
        if len(found) == len(VERSIONS):
            columns = ["user", "anchor", "place", "worker_class", "evidence_days"]
            same = found["kernel"].select(columns).equals(found["polars"].select(columns))
            print(f"same anchors: {same}; the kernel is {seconds['polars'] / seconds['kernel']:.1f} times as fast")


if __name__ == "__main__":
    main()
