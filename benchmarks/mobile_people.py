"""Which devices are of one person, and what several operators say together, beside the truth of simulated worlds.

python benchmarks/mobile_people.py                # pairs of devices and numbers of people, of one operator
python benchmarks/mobile_people.py --flows        # flows of three operators together: errors and coverage
python benchmarks/mobile_people.py --presence     # present population of three operators together
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import mobile_flows
import numpy as np
import polars as pl
from mobile_flows import World, whereabouts_of
from mobile_presence import KEYS

from ons_assets.engine.local import worked_here
from ons_assets.mobile.combined_tables import combined_flows, combined_population
from ons_assets.mobile.device_meetings import meetings, near_cells
from ons_assets.mobile.device_weights import device_weights, main_areas
from ons_assets.mobile.flows import compare_flows, take_flows
from ons_assets.mobile.places import daily_tables
from ons_assets.mobile.present_population import (
    day_type_of,
    days_of_types,
    present,
    present_population,
    residents_of_areas,
    together,
)
from ons_assets.mobile.weighting import weigh_periods, weighable
from ons_assets.parameters.mobile import WeightingParameters
from ons_assets.parameters.mobile_people import CombinationParameters, DeduplicationParameters
from ons_assets.simulate.mobile import Company, Scale, simulate_mobile
from ons_assets.simulate.mobile.company import companions
from ons_assets.simulate.mobile.events import Operator
from ons_assets.simulate.mobile.network import make_network
from ons_assets.simulate.mobile.people import OPERATORS, Phones, country_of, make_phones, people_of
from ons_assets.simulate.mobile.wards import Wards

SEEDS = (11, 12, 13, 14, 15, 16)
SCALE = Scale("people", 24_000, date(2014, 10, 6), 14, 3.0, 6.0, False)
FLOWS = Scale("flows", 100_000, date(2014, 10, 6), 14, 3.0, 6.0, False)
BINS = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9)
BANDS = (10, 30, 100, 300, 1_000, 3_000)
RATIO = DeduplicationParameters(method="ratio")
FEW = WeightingParameters(replicates=100)
COMMUTING = ("full_week", "part_week", "hybrid", "night_shift")
Tables = list[tuple[pl.DataFrame, pl.DataFrame]]


def true_pairs(world: World) -> pl.DataFrame:
    """Return pairs of devices of one person and the operator: user, other, carried."""
    at_home = pl.read_parquet(world.truth / "phones_at_home.parquet").with_columns(stays=True)
    phones = world.phones.join(at_home, on="device", how="left").with_columns(pl.col("stays").fill_null(value=False))
    both = phones.join(phones, on="person", suffix="_of_other").filter(pl.col("user") < pl.col("user_of_other"))
    return both.select("user", other="user_of_other", carried=~(pl.col("stays") | pl.col("stays_of_other")))


def counts_of(world: World, weights: dict[str, pl.DataFrame]) -> dict[str, float]:
    """Return errors of the numbers of people by true area, of devices, the ratio and the model."""
    found: dict[str, float] = {}
    groups = {
        "home, districts": world.phones.with_columns(area="home_district"),
        "work, districts": world.phones.filter(pl.col("activity").is_in(COMMUTING)).with_columns(area="work_district"),
        "commuters in all": world.phones.filter(pl.col("activity").is_in(COMMUTING)).with_columns(area=pl.lit("all")),
        "others in all": world.phones.filter(~pl.col("activity").is_in(COMMUTING)).with_columns(area=pl.lit("all")),
    }
    for name, rows in groups.items():
        true = rows.group_by("area").agg(true=pl.col("person").n_unique())
        for method, weight in weights.items():
            counted = rows.join(weight, on="user").group_by("area").agg(pl.col("people_of_device").sum())
            both = true.join(counted, on="area")
            bias = (both["people_of_device"].sum() - both["true"].sum()) / both["true"].sum()
            error = (both["people_of_device"] - both["true"]).abs().sum() / both["true"].sum()
            found[f"people by {name}: bias of {method}"] = bias
            found[f"people by {name}: error of {method}"] = error
    return found


def pairs_report(seeds: Sequence[int]) -> None:
    """Print how well pairs are found, whether their probabilities are right, and numbers of people by area."""
    rows, judged = [], []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            mobile_flows.SEED, mobile_flows.OPERATOR = seed, OPERATORS[0]
            world = World(Path(folder), SCALE, company=Company())
            tables = list(
                worked_here(daily_tables(world.blocks(), world.plan, whereabouts_of(world.plan, world.parts)))
            )
            daily = pl.concat(each for each, _ in tables)
            areas = main_areas(tables)
            begun = time.process_time()
            model, found = device_weights(daily, areas, world.plan, OPERATORS[0], world.market)
            seconds = time.process_time() - begun
            ratio, _ = device_weights(daily, areas, world.plan, OPERATORS[0], world.market, RATIO)
            assert found is not None
            true = true_pairs(world)
            pairs = found.pairs.join(true, on=["user", "other"], how="left").with_columns(
                is_true=pl.col("carried").is_not_null()
            )
            said = pairs.filter(pl.col("probability") >= 0.5)
            plain = meetings(daily, near_cells(world.plan, OPERATORS[0])).pairs
            often = plain.filter(
                pl.col("usual_hours") + pl.col("elsewhere_hours") > pl.col("apart_hours"), pl.col("same_home")
            ).join(true.with_columns(is_true=True), on=["user", "other"], how="left")
            of_device = pl.concat([true, true.select(user="other", other="user", carried="carried")])
            twin = model.join(of_device.select("user", has=pl.lit(1.0)).unique(), on="user", how="left").with_columns(
                pl.col("has").fill_null(0.0)
            )
            carried = int(true["carried"].sum())
            hit = int(said["carried"].fill_null(value=False).sum())
            often_hit = int(often["carried"].fill_null(value=False).sum())
            devices = model.select("user", people_of_device=pl.lit(1.0))
            rows.append(
                {
                    "devices": float(len(model)),
                    "true pairs": float(len(true)),
                    "of them carried": float(carried),
                    "pairs put side by side": float(len(pairs)),
                    "precision of pairs at 0.5": said["is_true"].mean(),
                    "recall of carried pairs at 0.5": hit / carried,
                    "precision of same home, together more than apart": often["is_true"].fill_null(value=False).mean(),
                    "recall of same home, together more than apart": often_hit / carried,
                    "sum of probabilities by true pairs among candidates": pairs["probability"].sum()
                    / pairs["is_true"].sum(),
                    "Brier score of twins, model": ((twin["twin_probability"] - twin["has"]) ** 2).mean(),
                    "Brier score of twins, prior": ((twin["twin_prior"] - twin["has"]) ** 2).mean(),
                    "CPU seconds": seconds,
                }
                | counts_of(world, {"devices": devices, "ratio": ratio, "model": model})
                | presence_errors(world, tables, {"devices": None, "ratio": ratio, "model": model})
            )
            judged.append(pairs.select("probability", "is_true"))
            print(f"seed {seed} done", flush=True)
    printed(rows)
    pooled = pl.concat(judged)
    edges = (0.0, *BINS, 1.0001)
    print("\nprobability said, pairs, mean of it, share that is true")
    for low, high in pairwise(edges):
        of_bin = pooled.filter(pl.col("probability").is_between(low, high, closed="left"))
        if len(of_bin):
            mean, share = of_bin["probability"].mean(), of_bin["is_true"].mean()
            print(f"  {low:.2f} to {min(high, 1):.2f} {len(of_bin):>8} {mean:.4f} {share:.4f}")


def printed(rows: Sequence[dict[str, float]]) -> None:
    """Print the mean over worlds of each figure, and its least and largest."""
    for name in rows[0]:
        values = np.array([row[name] for row in rows], dtype=float)
        print(f"{name:<68}{values.mean():>10.3f}  ({values.min():.3f} to {values.max():.3f})")


def people_present(seed: int) -> pl.DataFrame:
    """Return all people, with a phone or without, where they truly are: day_type, hour, area (district), true."""
    country = country_of(SCALE, seed)
    wards = Wards(country.land)
    people = people_of(country, wards, SCALE, seed)
    with_company = companions(people, make_phones(people, wards, seed), Company(), seed)
    n = len(people.home)
    none = np.zeros(n, dtype=np.int64)
    everybody = Phones(np.arange(n), none, none, none > 0, np.ones(n), none > 0)
    network = make_network(wards, OPERATORS[0], seed)
    nobody_stays = replace(with_company, stays_home=none > 0)
    all_of_them = Operator(OPERATORS[0], people, everybody, wards, network, SCALE, seed, nobody_stays)
    parts = []
    for number in range(SCALE.days):
        counts = np.stack([np.bincount(of_hour, minlength=wards.n) for of_hour in all_of_them.wards(number)])
        hour, ward = np.nonzero(counts)
        day = date.fromordinal(SCALE.first_day.toordinal() + number)
        area = wards.table["district"].gather(ward)
        parts.append(
            pl.DataFrame({"hour": hour.astype(np.int8), "area": area, "people": counts[hour, ward]}).with_columns(
                day=pl.lit(day)
            )
        )
    days = pl.concat(parts).with_columns(day_type=day_type_of("day"))
    of_type = days.group_by("day_type").agg(days=pl.col("day").n_unique())
    summed = days.group_by(KEYS).agg(pl.col("people").sum()).join(of_type, on="day_type")
    return summed.select(*KEYS, true=pl.col("people") / pl.col("days"))


def presence_of(tables: Tables, residents: pl.DataFrame, weights: pl.DataFrame | None, fewest: float) -> pl.DataFrame:
    """Return the present population of one operator."""
    days = days_of_types(pl.concat(daily for daily, _ in tables).lazy())
    found = together(present(daily, places, days, weights) for daily, places in tables)
    return present_population(found, days, residents, fewest=fewest)


def presence_errors(world: World, tables: Tables, weights: dict[str, pl.DataFrame | None]) -> dict[str, float]:
    """Return the error of people present by district, hour and kind of day."""
    truth = people_present(mobile_flows.SEED)
    residents = residents_of_areas(world.parts)
    found = {}
    for method, weight in weights.items():
        made = presence_of(tables, residents, weight, 0.0).filter(pl.col("area") != "all")
        both = made.join(truth, on=KEYS, how="full", coalesce=True).fill_null(0.0)
        error = (both["people_present"] - both["true"]).abs().sum() / both["true"].sum()
        found[f"people present, districts: error of {method}"] = error
    return found


def presence_report(seeds: Sequence[int]) -> None:
    """Print errors and coverage of the present population of three operators together, and of each alone."""
    rows = []
    for seed in seeds:
        told, alone = [], {}
        mobile_flows.SEED = seed
        for operator in OPERATORS:
            with tempfile.TemporaryDirectory() as folder:
                mobile_flows.OPERATOR = operator
                world = World(Path(folder), SCALE, company=Company())
                tables = list(
                    worked_here(daily_tables(world.blocks(), world.plan, whereabouts_of(world.plan, world.parts)))
                )
                daily = pl.concat(each for each, _ in tables)
                weights, _ = device_weights(daily, main_areas(tables), world.plan, operator, world.market)
                told.append(presence_of(tables, residents_of_areas(world.parts), weights, 10.0))
                market = world.market
        truth = people_present(seed)
        presence = pl.concat(told).filter(pl.col("area") != "all", pl.col("devices") >= 10)
        presence = presence.with_columns((pl.col("devices") / 10).round() * 10)
        for operator in OPERATORS:
            both = presence.filter(operator=operator).join(truth, on=KEYS)
            alone[operator] = (both["people_present"] - both["true"]).abs().sum() / both["true"].sum()
        made = combined_population(presence, market).rows
        lacking = presence.filter((pl.col("operator") != "west") | (pl.col("area") != made["area"][0]))
        part = combined_population(lacking, market).rows
        both, same = made.join(truth, on=KEYS), made.join(part, on=KEYS, suffix="_lacking")
        inside = (both["people_low"] <= both["true"]) & (both["true"] <= both["people_high"])
        elsewhere = same.filter(pl.col("area") != made["area"][0])
        moved = ((elsewhere["people_there_lacking"] / elsewhere["people_there"]) - 1).abs().max()
        row = {f"error of {name} alone": value for name, value in alone.items()}
        row["error of all together"] = (both["people_there"] - both["true"]).abs().sum() / both["true"].sum()
        row["coverage of all"] = inside.mean()
        for low, high in zip((0, 300, 1_000, 3_000), (300, 1_000, 3_000, 1e9), strict=True):
            of_size = both["true"].is_between(low, high, closed="left")
            row[f"coverage, {low} people and more"] = inside.filter(of_size).mean()
        width = (both["people_high"] - both["people_low"]) / both["people_there"]
        row["median width of the interval by the estimate"] = width.median()
        row["an area lost by one operator: most that other areas change"] = moved
        rows.append(row)
        print(f"seed {seed} done", flush=True)
    printed(rows)


def delivered(drops: Path) -> pl.DataFrame:
    """Return the flows that operators deliver, as rows of `mobile/aggregated_flows`."""
    rows = pl.concat(pl.read_csv(path) for path in sorted((drops / "aggregated_flows").iterdir()))
    return rows.with_columns(unit=pl.lit("devices"), count=pl.col("devices").cast(pl.Float64()))


def flows_report(seeds: Sequence[int]) -> None:
    """Print errors and coverage of the flows of three operators together, by size, and what each assumption does."""
    found = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            drops, truths = Path(folder) / "drops", Path(folder) / "truth"
            simulate_mobile(drops, truths, scale=FLOWS, seed=seed, operators=(), company=Company())
            market = pl.read_csv(drops / "phone_market" / "phone_market.csv").cast({"population": pl.Float64()})
            workers = pl.read_csv(drops / "workers" / "workers.csv").cast({"workers": pl.Float64()})
            codes = pl.read_csv(drops / "area_codes" / "area_codes.csv")
            areas = pl.read_csv(drops / "area_parts" / "area_parts.csv")["area"]
            flows = weighable(take_flows(None, delivered(drops), codes, areas).flows, market).flows
            true = pl.read_parquet(truths / "flows_district.parquet").select(
                "origin", "destination", true=(pl.col("commuters") - pl.col("home_workers")).cast(pl.Float64())
            )
        twice = pl.concat([flows, flows.filter(operator="west").with_columns(operator=pl.lit("west again"))])
        market_twice = pl.concat([market, market.filter(operator="west").with_columns(operator=pl.lit("west again"))])
        # A method that gives areas without one of the operators, where its flows are lost.
        gone = sorted(flows.filter(pl.col("origin") != "all")["origin"].unique())[:2]
        lost = flows.filter((pl.col("operator") != "west") | ~pl.col("origin").is_in(gone))

        def combined(rows: pl.DataFrame, known: pl.DataFrame, /, **of: object) -> pl.DataFrame:
            return combined_flows(rows, known, workers, FEW, CombinationParameters(**of)).rows  # noqa: B023

        made = {
            "together": combined(flows, market),
            "together, misplaced 0": combined(flows, market, misplaced=0.0),
            "together, misplaced 0.02": combined(flows, market, misplaced=0.02),
            "together, misplaced 0.08": combined(flows, market, misplaced=0.08),
            "west alone": combined(flows.filter(operator="west"), market),
            "weighted_flows": weigh_periods(flows, market, workers, FEW),
            "one lost in two areas": combined(lost, market),
            "west in two names only": combined(
                twice.filter(pl.col("operator").str.starts_with("west")), market_twice, misplaced=0.0
            ),
            "west in two names only, declared independent": combined(
                twice.filter(pl.col("operator").str.starts_with("west")), market_twice, misplaced=0.0,
                correlation="market",
            ),
        }  # fmt: skip
        for method, rows in made.items():
            told = rows.select("origin", "destination", "flow", "flow_low", "flow_high")
            both = told.join(true, on=["origin", "destination"], how="left").with_columns(
                pl.col("true").fill_null(0.0), method=pl.lit(method), seed=pl.lit(seed)
            )
            found.append(both)
        cpc = {name: compare_flows(rows.select("origin", "destination", count="flow"), true.rename({"true": "count"}))
               for name, rows in made.items()}  # fmt: skip
        print(f"seed {seed}: common part", {name: round(each["cpc"], 3) for name, each in cpc.items()}, flush=True)
    rows = pl.concat(found).with_columns(
        band=pl.sum_horizontal(pl.col("flow") >= edge for edge in BANDS),
        inside=(pl.col("flow_low") <= pl.col("true")) & (pl.col("true") <= pl.col("flow_high")),
        width=(pl.col("flow_high") - pl.col("flow_low")) / pl.col("flow"),
    )
    print("\ncoverage (flows; median width by the estimate), by size of the estimate")
    for method in rows["method"].unique(maintain_order=True):
        of_method = rows.filter(method=method)
        print(f"{method}: {of_method['inside'].mean():.3f}")
        for band in sorted(of_method["band"].unique()):
            of_band = of_method.filter(band=band)
            below = (0, *BANDS)[band]
            print(f"    {below:>5} and more: {of_band['inside'].mean():.3f} ({len(of_band)}; "
                  f"{of_band['width'].median():.2f})")  # fmt: skip


def main() -> None:
    """Parse the arguments and print the report asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flows", action="store_true")
    parser.add_argument("--presence", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    given = parser.parse_args()
    if given.flows:
        flows_report(given.seeds)
    elif given.presence:
        presence_report(given.seeds)
    else:
        pairs_report(given.seeds)


if __name__ == "__main__":
    main()
