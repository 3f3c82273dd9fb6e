"""How often the intervals of small areas hold the truth of the simulator, and what weights mend.

python benchmarks/area_households_coverage.py [--worlds 20] [--homes 1000] [--days 84] [--seed 101] [--answering 0.4]

A world is all dwellings of some areas. Some of them have a smart meter, more houses than flats, and of these some
answer the survey. Estimates are held against all households of an area, with meters or without; shares of homes lived
in against all its dwellings.
"""

import argparse

import numpy as np
import polars as pl
from household_size_accuracy import START, answers, rows_of

from ons_assets.meters.absence.vacancy import absence_tables
from ons_assets.meters.areas.area_figures import STATES_OF, days_of, homes_lived_in
from ons_assets.meters.areas.area_households import MEASURES, area_households
from ons_assets.meters.areas.dwelling_weights import NONE_COUNTED
from ons_assets.meters.areas.small_area import area_occupancy
from ons_assets.meters.households.household_tables import household_tables
from ons_assets.meters.profiles.load_profiles import INDICATORS, descriptors
from ons_assets.parameters.meters import AreaParameters, HouseholdParameters
from ons_assets.simulate.meters import Scale, SimulatedHome, simulated_homes
from ons_assets.simulate.meters.presence import STATES, State

# Share of the dwellings of each type that have a smart meter: an assumption, with fewer flats.
UPTAKE = {"flat": 0.45, "terraced": 0.7, "semi_detached": 0.8, "detached": 0.75}
# What the simulator calls the days of which the shares of area_occupancy are said.
TRUE_STATES = {"lived_in": ("occupied", "away"), "vacant": ("vacant",), "second_home": ("second_empty", "second_stay")}


def world_of(seed: int, homes: int, per_area: int, days: int) -> pl.DataFrame:
    """Return the dwellings of a world: indicators, answers, what is said of their days, and the truth."""
    world = list(
        simulated_homes(Scale("benchmark", homes=homes, days=days, start=START, homes_per_area=per_area), seed)
    )
    rows = rows_of(world, days)
    _, spells = absence_tables(rows)
    said = (
        days_of(spells)
        .group_by("meter")
        .agg(pl.col("state").is_in(list(STATES_OF[name])).mean().alias(f"said_{name}") for name in TRUE_STATES)
    )
    truth = pl.DataFrame(
        {
            "meter": np.arange(homes),
            "area_code": [home.area for home in world],
            "is_household": [str(home.household.kind) == "main" for home in world],
        }
        | {f"true_{name}": [_share(home, states) for home in world] for name, states in TRUE_STATES.items()}
    )
    table = descriptors(rows).join(homes_lived_in([spells]), on="meter").join(said, on="meter")
    return table.join(truth, on="meter").join(answers(world), on="meter").sort("meter")


def _share(home: SimulatedHome, states: tuple[str, ...]) -> float:
    return float(np.isin(home.presence.state, [STATES.index(State(each)) for each in states]).mean())


def true_shares(world: pl.DataFrame) -> pl.DataFrame:
    """Return the true shares of the households of each area: `area_code`, `measure`, `truth`."""
    households = world.filter("is_household")
    shares = []
    for measure, (target, each) in MEASURES.items():
        is_so = pl.col(target) if households.schema[target] == pl.Boolean else pl.col(target) == each
        shares.append(households.group_by("area_code").agg(truth=is_so.mean()).with_columns(measure=pl.lit(measure)))
    return pl.concat(shares)


def households(world: pl.DataFrame, metered: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return the estimates of households, weighted and not, with the truth."""
    said, _ = household_tables(
        metered.select("bucket", "meter", *INDICATORS),
        metered.filter("has_answered"),
        HouseholdParameters(repeats=2, seed=seed),
    )
    counts = world.group_by(area="area_code", dwelling_type="dwelling_type").agg(dwellings=pl.len().cast(pl.Float64()))
    found = []
    for weights, dwellings in (("types of dwelling", counts), ("none", NONE_COUNTED)):
        made = area_households(said, metered, dwellings, AreaParameters())
        found.append(made.with_columns(weights=pl.lit(weights)).join(true_shares(world), on=["area_code", "measure"]))
    return pl.concat(found)


def occupancy(world: pl.DataFrame, metered: pl.DataFrame) -> pl.DataFrame:
    """Return the shares of homes lived in, vacant and second of the time of the world, with the truth."""
    found = []
    counted = world.group_by("area_code").agg(dwellings=pl.len().cast(pl.Float64()))
    parameters = AreaParameters()
    for name in TRUE_STATES:
        brought = metered.select("meter", "area_code", probability=f"said_{name}")
        truth = world.group_by("area_code").agg(truth=pl.col(f"true_{name}").mean())
        for weights, dwellings in (("dwellings counted", counted), ("not counted", None)):
            made = area_occupancy(brought, parameters, dwellings=dwellings, error=pl.lit(parameters.absence_error))
            found.append(made.join(truth, on="area_code").with_columns(measure=pl.lit(name), weights=pl.lit(weights)))
    return pl.concat(found)


def summary(found: pl.DataFrame) -> pl.DataFrame:
    """Return how far estimates are off, and how often intervals hold the truth, with the error of that over worlds."""
    told = found.filter(pl.col("homes") >= AreaParameters().min_homes).drop_nulls("estimate")
    off = pl.col("estimate") - pl.col("truth")
    held = (pl.col("lower") <= pl.col("truth")) & (pl.col("truth") <= pl.col("upper"))
    both = pl.concat([told, told.with_columns(measure=pl.lit("all"))])
    of_world = both.group_by("weights", "measure", "world").agg(
        intervals=pl.len(),
        bias=off.mean(),
        square=(off**2).mean(),
        held=held.mean(),
        width=(pl.col("upper") - pl.col("lower")).mean(),
    )
    return (
        of_world.group_by("weights", "measure")
        .agg(
            pl.col("intervals").sum(),
            pl.col("bias").mean(),
            rmse=pl.col("square").mean().sqrt(),
            held=pl.col("held").mean(),
            held_se=pl.col("held").std() / pl.len().sqrt(),
            width=pl.col("width").mean(),
        )
        .sort("weights", "measure")
        .with_columns(pl.col(pl.Float64).round(3))
    )


def main() -> None:
    """Print the tables of docs/methods/area_households.md and area_occupancy.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=20)
    parser.add_argument("--homes", type=int, default=1000)
    parser.add_argument("--per-area", type=int, default=50)
    parser.add_argument("--days", type=int, default=84)
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--answering", type=float, nargs="+", default=[0.4, 0.15])
    arguments = parser.parse_args()
    pl.Config.set_tbl_rows(-1).set_tbl_cols(-1).set_tbl_hide_dataframe_shape(True).set_tbl_hide_column_data_types(True)
    found: dict[float, list[pl.DataFrame]] = {each: [] for each in arguments.answering}
    occupied = []
    for number in range(arguments.seed, arguments.seed + arguments.worlds):
        world = world_of(number, arguments.homes, arguments.per_area, arguments.days)
        rng = np.random.default_rng([number, 1])
        uptake = world["dwelling_type"].replace_strict(UPTAKE).to_numpy()
        metered = world.filter(pl.Series(rng.random(len(world)) < uptake))
        occupied.append(occupancy(world, metered).with_columns(world=pl.lit(number)))
        for answering in arguments.answering:
            replies = pl.Series(rng.random(len(metered)) < answering)
            asked = metered.with_columns(has_answered=replies & metered["is_household"])
            found[answering].append(households(world, asked, number).with_columns(world=pl.lit(number)))
        print(f"world {number} of {arguments.homes} dwellings", flush=True)
    for answering, tables in found.items():
        print(f"\nhouseholds, {answering:.0%} of those metered answer:")
        print(summary(pl.concat(tables)))
    print("\nhomes lived in, vacant and second, unweighted:")
    print(summary(pl.concat(occupied)))


if __name__ == "__main__":
    main()
