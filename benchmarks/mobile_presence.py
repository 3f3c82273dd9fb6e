"""Who is present, and whose usual places are which, beside the truth of simulated worlds; and what it costs.

python benchmarks/mobile_presence.py                               # worlds of seeds that nothing was chosen on
python benchmarks/mobile_presence.py --moves                       # homes of two seasons, with true moves between them
python benchmarks/mobile_presence.py --speed --events 10_000_000   # CPU seconds and memory by table
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import mobile_flows
import numpy as np
import polars as pl
from mobile_events import BLOCK, make_events
from mobile_flows import OPERATOR, World, likeliest, whereabouts_of
from scipy import stats

from ons_assets.engine.local import worked_here
from ons_assets.lakehouse import buckets
from ons_assets.mobile.anchors import device_anchors
from ons_assets.mobile.flows import compare_flows
from ons_assets.mobile.internal_migration import moves_between_seasons
from ons_assets.mobile.located import Whereabouts
from ons_assets.mobile.places import daily_tables, score_tables
from ons_assets.mobile.present_population import (
    day_type_of,
    days_of_types,
    present,
    present_population,
    residents_of_areas,
    together,
)
from ons_assets.mobile.spans import local_seconds
from ons_assets.mobile.usual_environment import environment_of_areas
from ons_assets.parameters.mobile import Mobile
from ons_assets.parameters.mobile_network import FootprintParameters
from ons_assets.simulate.mobile import Scale
from ons_assets.simulate.mobile.events import Operator
from ons_assets.simulate.mobile.network import make_network
from ons_assets.simulate.mobile.people import Phones, country_of, people_of
from ons_assets.simulate.mobile.wards import Wards

SEEDS = (11, 12, 13, 14, 15, 16)
SCALE = Scale("presence", 12_000, date(2014, 10, 6), 14, 3.0, 6.0, False)
LEVEL = 0.95
HOUR_S = 3_600
KEYS = ["day_type", "hour", "area"]
Figures = dict[str, float]
# Half of it is autumn, half winter; on the first of December some devices go to live where others did.
TWO_SEASONS = Scale("moves", 12_000, date(2014, 11, 17), 28, 3.0, 6.0, False)
MOVING_DAY, MOVING_SHARE = date(2014, 12, 1), 0.1


def true_presence(world: World, level: str) -> pl.DataFrame:
    """Return devices truly present: day_type, hour, area, true, in the mean over days."""
    rows = pl.read_parquet(world.truth / "present.parquet").filter(operator=OPERATOR)
    rows = rows.with_columns(day_type=day_type_of("day"))
    days = rows.group_by("day_type").agg(days=pl.col("day").n_unique())
    summed = rows.group_by("day_type", "hour", area=level).agg(pl.col("devices").sum()).join(days, on="day_type")
    return summed.select(*KEYS, true=pl.col("devices") / pl.col("days"))


def people_present(seed: int) -> pl.DataFrame:
    """Return all people, with a phone or without, where they are: day_type, hour, area (district), true.

    Their days are drawn anew by the same laws, as those of people without a phone of the operator were never drawn.
    """
    country = country_of(SCALE, seed)
    wards = Wards(country.land)
    people = people_of(country, wards, SCALE, seed)
    n = len(people.home)
    none = np.zeros(n, dtype=np.int64)
    everybody = Phones(np.arange(n), none, none, none > 0, np.ones(n), none > 0)
    all_of_them = Operator(OPERATOR, people, everybody, wards, make_network(wards, OPERATOR, seed), SCALE, seed)
    parts = []
    for number in range(SCALE.days):
        counts = np.stack([np.bincount(of_hour, minlength=wards.n) for of_hour in all_of_them.wards(number)])
        hour, ward = np.nonzero(counts)
        rows = {
            "hour": hour.astype(np.int8),
            "area": wards.table["district"].gather(ward),
            "people_present": counts[hour, ward],
        }
        parts.append(pl.DataFrame(rows).with_columns(day=pl.lit(SCALE.first_day + timedelta(number))))
    days = pl.concat(parts).with_columns(day_type=day_type_of("day"))
    of_type = days.group_by("day_type").agg(days=pl.col("day").n_unique())
    summed = days.group_by(KEYS).agg(pl.col("people_present").sum()).join(of_type, on="day_type")
    return summed.select(*KEYS, true=pl.col("people_present") / pl.col("days"))


def plain_counts(world: World, parts: pl.DataFrame) -> pl.DataFrame:
    """Count each device at the event nearest to the half of each hour, if it is within an hour: as multimno does.

    An event is in an area with the probability that the footprint of its one cell gives.
    """
    alone = world.plan.cells.select(user="cell", place="cell", cell="cell", events=pl.lit(1))
    where = whereabouts_of(world.plan, parts, FootprintParameters(draws_a_place=1))
    shares = where.of_places(alone).select("area", cell="place", share="probability")
    columns = []
    for block in world.blocks():
        cell = world.plan.numbers(block)
        columns.append(block.select("user", "event_date", second=local_seconds(block["time_utc"]), cell=cell))
    events = pl.concat(columns).filter(pl.col("cell") >= 0).sort("second")
    at = events.select("user", "event_date").unique()
    counted = []
    for hour in range(24):
        middle = pl.col("event_date").to_physical().cast(pl.Int64()) * 24 * HOUR_S + hour * HOUR_S + HOUR_S // 2
        near = at.with_columns(second=middle).sort("second").join_asof(
            events.select("user", "second", "cell"), on="second", by="user", strategy="nearest", tolerance=HOUR_S,
            check_sortedness=False,
        )  # fmt: skip
        counted.append(near.drop_nulls("cell").with_columns(hour=pl.lit(hour, dtype=pl.Int8())))
    rows = pl.concat(counted).with_columns(day_type=day_type_of("event_date"))
    days = rows.group_by("day_type").agg(days=pl.col("event_date").n_unique())
    by_area = rows.group_by("day_type", "hour", "cell").len().join(shares, on="cell").join(days, on="day_type")
    return by_area.group_by(KEYS).agg(devices=(pl.col("len") * pl.col("share") / pl.col("days")).sum())


def error(estimate: pl.DataFrame, truth: pl.DataFrame) -> float:
    """Return the sum of the errors of all areas, hours and kinds of days over the sum of the truth."""
    both = estimate.join(truth, on=KEYS, how="full", coalesce=True).fill_null(0.0)
    return both.select((pl.col("devices") - pl.col("true")).abs().sum() / pl.col("true").sum()).item()


def scaled(counts: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Return counts scaled to the true number of devices, which nobody knows, at each hour."""
    whole = truth.group_by("day_type", "hour").agg(pl.col("true").sum())
    sums = counts.group_by("day_type", "hour").agg(counted=pl.col("devices").sum())
    factor = pl.col("devices") * pl.col("true") / pl.col("counted")
    return counts.join(sums, on=["day_type", "hour"]).join(whole, on=["day_type", "hour"]).select(*KEYS, devices=factor)


def figures_of(world: World) -> Figures:
    """Return the errors of presence, and how many homes and places of work are right, in a world."""
    found: Figures = {}
    for level, column in (("district", "area"), ("ward", "part")):
        parts = world.parts.with_columns(area=pl.col(column))
        where = whereabouts_of(world.plan, parts)
        tables = list(worked_here(daily_tables(world.blocks(), world.plan, where)))
        days = days_of_types(pl.concat(daily for daily, _ in tables).lazy())
        residents = residents_of_areas(parts)
        presences = together(present(daily, places, days) for daily, places in tables)
        made = present_population(presences, days, residents)
        truth, counts = true_presence(world, level), plain_counts(world, parts)
        listed = made.filter(pl.col("area") != "all").select(*KEYS, "devices")
        found[f"present, {level}: error"] = error(listed, truth)
        found[f"present, {level}: error of plain counts"] = error(counts, truth)
        found[f"present, {level}: error of plain counts, true total"] = error(scaled(counts, truth), truth)
        if level == "district":
            people = people_present(mobile_flows.SEED)
            weighted = made.filter(pl.col("area") != "all").select(*KEYS, devices="people_present")
            found["present people, district: error"] = error(weighted, people)
            found["present people, district: error of one factor for all devices"] = error(
                scaled(listed, people), people
            )
            found |= labels_of(world, tables, where)
    return found


def labels_of(world: World, tables: list[tuple[pl.DataFrame, pl.DataFrame]], where: Whereabouts) -> Figures:
    """Return how many homes and places of work are in the true district, by the cascade and by the house rule."""
    found: Figures = {}
    environments = []
    for daily, places in tables:
        labels = score_tables(daily)[2].filter(year_season="all")
        environments.append(environment_of_areas(labels, places))
    summed = pl.concat(environments).group_by("label", "area").agg(pl.col("devices").sum())
    whole = dict(summed.group_by("label").agg(pl.col("devices").sum()).iter_rows())
    for label in ("home", "work", "second_home"):
        unseen = summed.filter(area="not_seen", label=label)["devices"].sum()
        found[f"devices without a {label} by the cascade"] = unseen / whole[label]
    rules = {
        "evidence of days": Mobile(),
        "cascade": Mobile(anchors={"method": "permanence"}),  # type: ignore[arg-type]
        "cascade of multimno": Mobile(preset="multimno"),
    }
    for name, given in rules.items():
        anchors = pl.concat(
            worked_here(device_anchors(
                world.blocks(), world.plan, where, anchors=given.anchors, stays=given.stays,
                permanence=given.permanence, usual=given.usual_environment,
            ))
        )  # fmt: skip
        for anchor in ("home", "work"):
            likely = likeliest(anchors, anchor)
            truth = world.phones.select("user", "activity", true=f"{anchor}_district").drop_nulls("true")
            if anchor == "work":
                # People who work where they live, or in many places, have no place that could be found.
                truth = truth.filter(pl.col("activity").is_in(["full_week", "part_week", "hybrid", "night_shift"]))
            judged = truth.join(likely, on="user", how="left")
            right = (judged["area"] == judged["true"]).fill_null(value=False)
            if anchor == "work":
                without = world.phones.filter(pl.col("activity").is_in(["none", "home_worker"])).select("user")
                called = without.join(anchors.filter(anchor="work"), on="user", how="semi")
                found[f"work by {name}: found of people without one"] = len(called) / len(without)
            found[f"{anchor} by {name}: right of all"] = float(right.mean())
            found[f"{anchor} by {name}: right of found"] = float(right.filter(judged["area"].is_not_null()).mean())
    return found


def moves_of(world: World, share: float) -> Figures:
    """Return how well moves between seasons are found where a share of the devices change places with each other."""
    users = world.phones["user"].sort()
    moving = users.sample(fraction=share, seed=1, shuffle=True)
    become = pl.DataFrame({"user": moving, "other": pl.concat([moving[1:], moving[:1]])})

    def blocks() -> Iterator[pl.DataFrame]:
        for block in world.blocks():
            moved = block.join(become, left_on="user", right_on="other", how="left", maintain_order="left")
            after = pl.col("event_date") >= MOVING_DAY
            yield moved.with_columns(user=pl.when(after).then(pl.coalesce("user_right", "user")).otherwise("user"))

    where = whereabouts_of(world.plan, world.parts)
    seasons = {"operator": [OPERATOR], "previous_season": ["2014-autumn"], "year_season": ["2015-winter"]}
    pairs = pl.DataFrame(seasons)
    found = pl.concat(
        moves_between_seasons(score_tables(daily)[2], places, pairs)
        for daily, places in worked_here(daily_tables(blocks(), world.plan, where))
    )
    inner = found.filter(~pl.any_horizontal(pl.col("origin", "destination") == "not_seen"))
    flows = (
        inner.filter(pl.col("origin") != pl.col("destination"))
        .group_by("origin", "destination")
        .agg(count=pl.col("devices").sum())
    )
    homes = world.phones.select("user", "home_district")
    true = (
        become.join(homes, on="user")
        .join(homes, left_on="other", right_on="user", suffix="_new")
        .filter(pl.col("home_district") != pl.col("home_district_new"))
    )
    counts = true.group_by(origin="home_district", destination="home_district_new").agg(
        count=pl.len().cast(pl.Float64())
    )
    said = f"{share:.0%} change places"
    made = {f"{said}: devices that move, of all": flows["count"].sum() / len(users)}
    if len(true):
        made[f"{said}: devices that move, of the true ones"] = flows["count"].sum() / len(true)
        made[f"{said}: common part of flows"] = compare_flows(flows, counts)["cpc"]
    return made


def moves_report(seeds: tuple[int, ...]) -> None:
    """Print figures of moves between seasons, with and without any true one."""

    def figures(world: World) -> Figures:
        return moves_of(world, 0.0) | moves_of(world, MOVING_SHARE)

    report(seeds, TWO_SEASONS, figures)


def truth_report(seeds: tuple[int, ...]) -> None:
    """Print figures of presence and labels."""
    report(seeds, SCALE, figures_of)


def report(seeds: tuple[int, ...], scale: Scale, figures: Callable[[World], Figures]) -> None:
    """Print the mean over worlds of each figure, and the interval of the mean of all such worlds."""
    rows = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            mobile_flows.SEED = seed
            rows.append(figures(World(Path(folder), scale)))
            print(f"seed {seed} done", flush=True)
    quantile = stats.t.ppf((1 + LEVEL) / 2, len(rows) - 1)
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        half = quantile * values.std(ddof=1) / np.sqrt(len(values))
        print(f"{name:<68}{values.mean():>8.3f}  ({values.mean() - half:.3f} to {values.mean() + half:.3f})")


def speed_report(n_events: int) -> None:
    """Print CPU seconds for a million events, of every step from Parquet, and the most memory."""
    columns = ["operator", "user", "time_utc", "event_date", "cell_id"]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as made:
        events, tables = Path(folder), Path(made)
        plan = make_events(events, n_events)

        def blocks() -> Iterator[pl.DataFrame]:
            for path in sorted(events.iterdir()):
                rows = pl.scan_parquet(path).select(pl.len()).collect().item()
                for start in range(0, rows, BLOCK):
                    yield pl.scan_parquet(path).select(columns).slice(start, BLOCK).collect()

        spread = plan.cells.gather_every(len(plan.cells) // 300).select(
            "easting_m", "northing_m", residents=pl.lit(1.0)
        )
        parts = spread.with_row_index("part").with_columns(area=pl.format("A{}", "part"), part=pl.format("P{}", "part"))
        where = whereabouts_of(plan, parts)
        begun = time.process_time()
        for number, (daily, places) in enumerate(worked_here(daily_tables(blocks(), plan, where, folder=tables))):
            daily.write_parquet(tables / f"daily_{number:03d}.parquet")
            places.write_parquet(tables / f"places_{number:03d}.parquet")
        days_, places_ = (pl.scan_parquet(tables / f"{name}_*.parquet") for name in ("daily", "places"))
        rows = days_.select(pl.len()).collect().item()
        begun = told("daily_permanence, device_places", begun, n_events, f"{rows:,} rows of days")
        for number, (daily,) in enumerate(buckets.read_parts(days_, order=("user", "place", "day"))):
            for name, scores in zip(("midterm", "longterm", "usual"), score_tables(daily), strict=True):
                scores.write_parquet(tables / f"{name}_{number:03d}.parquet")
        begun = told("midterm, longterm, usual_places", begun, n_events)
        usual = pl.scan_parquet(tables / "usual_*.parquet")
        for labels, places in buckets.read_parts(usual, places_, order=("user", "place")):
            environment_of_areas(labels, places)
        begun = told("usual_environment", begun, n_events)
        days = days_of_types(days_)
        parts = buckets.read_parts(days_, places_, order=("user", "place", "day"))
        present_population(together(present(daily, places, days) for daily, places in parts), days)
        told("present_population", begun, n_events)


def told(step: str, begun: float, n_events: int, said: str = "") -> float:
    """Print the CPU seconds of a step, and return the time."""
    now = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{step:<40}{(now - begun) / (n_events / 1e6):>7.2f} CPU s a million events, {peak:.2f} GB  {said}", flush=True
    )
    return time.process_time()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--moves", action="store_true")
    parser.add_argument("--events", type=lambda text: int(text.replace("_", "")), default=10_000_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    given = parser.parse_args()
    if given.speed:
        speed_report(given.events)
    elif given.moves:
        moves_report(tuple(given.seeds))
    else:
        truth_report(tuple(given.seeds))


if __name__ == "__main__":
    main()
