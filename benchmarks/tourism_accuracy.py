"""Visitors, nights and trips that phones show, beside the truth of simulated worlds in which people travel.

python benchmarks/tourism_accuracy.py                # worlds of seeds that nothing was chosen on
python benchmarks/tourism_accuracy.py --seeds 1 2    # those on which parameters were looked at
"""

import argparse
import tempfile
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from mobile_flows import whereabouts_of
from scipy import stats

from ons_assets.engine.local import worked_here
from ons_assets.intake.pseudonyms import pseudonyms
from ons_assets.lakehouse.home import Home
from ons_assets.mobile.countries import foreign_devices, home_codes
from ons_assets.mobile.places import daily_tables, score_tables
from ons_assets.mobile.plan import CellPlan, cell_plan
from ons_assets.mobile.present_population import (
    day_type_of,
    days_of_types,
    present,
    present_population,
    together,
)
from ons_assets.mobile.segment_tables import segment_tables
from ons_assets.mobile.sources import CellFiles, EventFiles
from ons_assets.mobile.time_segments import hours_abroad
from ons_assets.mobile.tourism import all_trips, counts_of_trips, tourism
from ons_assets.settings import Settings
from ons_assets.simulate.mobile import simulate_mobile
from ons_assets.simulate.mobile.scales import SCALES

OPERATOR = "north"
SEEDS = (21, 22, 23, 24, 25, 26)
SCALE = replace(SCALES["tourism"], name="accuracy", people=24_000, as_csv=False)
RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)
LEVEL, NIGHT_H = 0.95, 4
KINDS = ("inbound", "outbound", "domestic")


class TravelWorld:
    """A world on disk, read in as an operator would."""

    def __init__(self, folder: Path, seed: int) -> None:
        drops, self.truth = folder / "drops", folder / "truth"
        simulate_mobile(drops, self.truth, scale=SCALE, seed=seed, operators=(OPERATOR,))
        settings = Settings(home=folder / "home")
        Home(settings.home).ensure()
        plan = drops / "cells" / f"cells_{OPERATOR}.csv"
        cells = CellFiles.of(settings).whole(plan, plan.name, RECEIVED).accepted.with_columns(arrival=1)
        source = EventFiles.of(settings)
        files = sorted((drops / "phone_events").iterdir())
        self.events = pl.concat([source.whole(path, path.name, RECEIVED).accepted for path in files])
        self.home = home_codes(self.events.lazy())
        self.plan: CellPlan = cell_plan(cells, home=self.home)
        self.parts = pl.read_csv(drops / "area_parts" / "area_parts.csv")
        self.secret = Home(settings.home).secret()
        self.days = (self.events["event_date"].min(), self.events["event_date"].max())

    def true(self, name: str) -> pl.DataFrame:
        """Return a table of the truth, with the pseudonyms of its devices."""
        rows = pl.read_parquet(self.truth / f"{name}.parquet")
        named = pseudonyms(rows.select(pl.format("{}/{}", "operator", "device")).to_series(), self.secret)
        return rows.with_columns(user=named)

    def found(self) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """Return trips, stays and places of devices, as the assets make them."""
        where = whereabouts_of(self.plan, self.parts)
        daily = list(worked_here(daily_tables([self.events], self.plan, where)))
        labels = pl.concat(score_tables(rows)[2] for rows, _ in daily).filter(year_season="all")
        places = pl.concat(located for _, located in daily)
        begun = time.process_time()
        segments = pl.concat(worked_here(segment_tables([self.events], self.plan, self.days)))
        foreign = foreign_devices(self.events.lazy(), self.home)
        trips, stays = all_trips(segments, foreign, labels, places, self.days)
        self.cpu_s = time.process_time() - begun
        self.daily = pl.concat(rows for rows, _ in daily).join(foreign, on=["operator", "user"], how="anti")
        self.abroad = hours_abroad(segments.filter(segment_state="abroad"), "Europe/London")
        return trips, stays, places

    def present_error(self, places: pl.DataFrame, abroad: pl.DataFrame | None) -> tuple[float, float]:
        """Return error and bias of the residents who are present by district, hour and kind of day."""
        days = days_of_types(self.daily.lazy())
        made = present_population(together([present(self.daily, places, days, abroad=abroad)]), days)
        rows = pl.read_parquet(self.truth / "present.parquet").with_columns(day_type=day_type_of("day"))
        number = rows.group_by("day_type").agg(days=pl.col("day").n_unique())
        summed = (
            rows.group_by("day_type", "hour", area="district").agg(pl.col("devices").sum()).join(number, on="day_type")
        )
        true = summed.select("day_type", "hour", "area", true=pl.col("devices") / pl.col("days"))
        keys = ["day_type", "hour", "area"]
        mine = made.filter(pl.col("area") != "all").select(*keys, made="devices")
        both = mine.join(true, on=keys, how="full", coalesce=True).fill_null(0.0)
        whole = both["true"].sum()
        return (both["made"] - both["true"]).abs().sum() / whole, (both["made"].sum() - whole) / whole


def within(trips: pl.DataFrame, days: tuple[date, date]) -> pl.DataFrame:
    """Return true trips as far as they can be seen: with the nights of the observed days, by what they then are."""
    first, last = (pl.lit(day).cast(pl.Datetime("us")) for day in days)
    evening = (pl.duration(hours=-NIGHT_H), pl.duration(hours=24 - NIGHT_H))
    start, end = pl.max_horizontal("start", first), pl.min_horizontal("end", last + pl.duration(days=1))
    nights = ((end + evening[0]).dt.date() - (start + evening[0]).dt.date()).dt.total_days()
    whole = trips.with_columns(seen_nights=nights)
    return whole.with_columns(visit=pl.when(nights > 0).then(pl.lit("overnight")).otherwise(pl.lit("same_day")))


def matched(made: pl.DataFrame, true: pl.DataFrame) -> tuple[int, int]:
    """Return how many found trips overlap a true one of their device in time, and how many true ones a found one."""
    local = (pl.col(end).dt.convert_time_zone("Europe/London").dt.replace_time_zone(None).alias(end[:-4])
             for end in ("start_utc", "end_utc"))  # fmt: skip
    found = made.with_row_index("one").with_columns(*local)
    both = found.join(true.with_row_index("other"), on="user", suffix="_true").filter(
        (pl.col("start") < pl.col("end_true")) & (pl.col("end") > pl.col("start_true"))
    )
    return both["one"].n_unique(), both["other"].n_unique()


def error(estimate: pl.DataFrame, truth: pl.DataFrame, key: str) -> tuple[float, float]:
    """Return the sum of errors over the sum of the truth, and the difference of the sums over it."""
    both = estimate.join(truth, on=key, how="full", coalesce=True).fill_null(0.0)
    whole = both["true"].sum()
    return (both["made"] - both["true"]).abs().sum() / whole, (both["made"].sum() - whole) / whole


def figures_of(world: TravelWorld) -> dict[str, float]:
    """Return precision and recall of trips, and error and bias of visitors and nights, by country and area."""
    trips, stays, places = world.found()
    true_trips, true_nights = within(world.true("trips"), world.days), world.true("nights")
    seen = world.events.select("user").unique()
    figures: dict[str, float] = {}
    observed = pl.DataFrame({"operator": OPERATOR, "month": trips["month"].unique().sort()}).with_columns(
        days_observed=pl.lit(1, dtype=pl.Int32())
    )
    evenings = pl.date_range(world.days[0] - timedelta(1), world.days[1], eager=True)
    days = pl.DataFrame({"day": evenings}).with_columns(operator=pl.lit(OPERATOR))
    table = tourism([counts_of_trips(trips, stays, places, days)], observed)
    for kind in KINDS:
        made = trips.filter(tourism=kind)
        true = true_trips.filter(tourism=kind)
        for visit in ("overnight", "same_day"):
            mine, theirs = made.filter(visit=visit), true.filter(visit=visit)
            right, _ = matched(mine, true)
            _, caught = matched(made, theirs)
            name = f"{kind} {visit}"
            figures[f"{name}: true trips"] = len(theirs)
            figures[f"{name}: precision"] = right / len(mine) if len(mine) else float("nan")
            figures[f"{name}: recall"] = caught / len(theirs)
            visible = theirs.join(seen, on="user", how="semi")
            figures[f"{name}: recall of devices with an event"] = matched(made, visible)[1] / len(visible)
            figures[f"{name}: number, bias"] = len(mine) / len(theirs) - 1
        nights = true_nights.filter(tourism=kind)
        key, other = ("country", "area") if kind != "domestic" else ("area", "country")
        of_kind = table.filter(tourism=kind, counted="nights")
        by = (
            of_kind.filter((pl.col(key) != "all") & (pl.col(other) == "all"))
            .group_by(key)
            .agg(made=pl.col("devices").sum())
        )
        real = nights.group_by(pl.col("country" if key == "country" else "district").alias(key)).agg(
            true=pl.len().cast(pl.Float64())
        )
        figures[f"{kind} nights by {key}: error"], figures[f"{kind} nights: bias"] = error(by, real, key)
        if kind == "inbound":
            by = of_kind.filter(pl.col("area") != "all").group_by("area").agg(made=pl.col("devices").sum())
            real = nights.group_by(area="district").agg(true=pl.len().cast(pl.Float64()))
            figures["inbound nights by area: error"] = error(by, real, "area")[0]
        visitors = table.filter(tourism=kind, counted="visitors", country="all", area="all", visit="overnight")
        people = true.filter(visit="overnight")["user"].n_unique()
        figures[f"{kind} overnight visitors: bias"] = visitors["devices"].sum() / people - 1
    for said, abroad in (("with hours abroad", world.abroad), ("without", None)):
        wrong, bias = world.present_error(places, abroad)
        figures[f"residents present, {said}: error"], figures[f"residents present, {said}: bias"] = wrong, bias
    figures["CPU seconds of segments and trips, a million events"] = world.cpu_s / len(world.events) * 1e6
    return figures


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    given = parser.parse_args()
    rows = []
    for seed in given.seeds:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(figures_of(TravelWorld(Path(folder), seed)))
    table = pl.DataFrame(rows)
    half = stats.t.ppf((1 + LEVEL) / 2, len(rows) - 1) / np.sqrt(len(rows)) if len(rows) > 1 else float("nan")
    print(
        f"{len(rows)} worlds of {SCALE.people:,} people and {SCALE.days} days, seeds {given.seeds}; mean, {LEVEL:.0%}"
    )
    for name in table.columns:
        values = table[name].cast(pl.Float64())
        spread = float(values.std() or 0) * half
        print(f"{name:<58}{values.mean():>10.3f} +- {spread:.3f}")


if __name__ == "__main__":
    main()
