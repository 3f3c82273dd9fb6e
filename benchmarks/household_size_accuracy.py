"""What profiles say of households, cross-validated over seeds and worlds; clusters of profiles of real homes.

python benchmarks/household_size_accuracy.py [--homes 1000] [--days 84] [--seed 101] [--worlds 4] [--clusters]
"""

import argparse
import datetime as dt
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.meters.households.household_accuracy import accuracies
from ons_assets.meters.households.targets import TARGETS, labelled
from ons_assets.meters.profiles.day_clusters import ProfileClusters, fit_profile_clusters
from ons_assets.meters.profiles.load_profiles import descriptors
from ons_assets.parameters.meters import HouseholdParameters
from ons_assets.simulate.meters import Scale, SimulatedHome, simulated_homes, survey

REPOSITORY = Path(__file__).resolve().parents[1]
# As the survey counts it; the simulator's respondent is the eldest.
OLDEST = 66
START = dt.date(2009, 10, 1)


def rows_of(homes: list[SimulatedHome], days: int) -> pl.DataFrame:
    kwh = np.concatenate([np.maximum(home.kwh, 0) for home in homes])
    return pl.DataFrame(
        {
            "bucket": pl.Series([0], dtype=pl.Int16).new_from_index(0, len(kwh)),
            "meter": np.repeat(np.arange(len(homes)), days),
            "day": np.tile(np.arange(days), len(homes)),
            "kwh": pl.Series(kwh, dtype=pl.Array(pl.Float32, 48)).arr.to_list(),
        }
    ).with_columns(day=pl.lit(START) + pl.duration(days="day"))


def answers(homes: list[SimulatedHome]) -> pl.DataFrame:
    size = np.array([home.household.size for home in homes])
    return pl.DataFrame(
        {
            "meter": np.arange(len(homes)),
            "size_band": np.select([size == 1, size == 2, size < 5], ["1", "2", "3-4"], "5+"),
            "has_children": [home.household.children > 0 for home in homes],
            "has_over_65": [home.household.over_65 > 0 for home in homes],
            "respondent_over_65": [max(person.age for person in home.household.people) >= OLDEST for home in homes],
            "earner_in_work": [survey.employment_of(home.household) == survey.EMPLOYEE for home in homes],
            "is_rented": [survey.dwelling_of(home.household).is_rented for home in homes],
            "dwelling_type": [survey.dwelling_of(home.household).dwelling_type for home in homes],
        }
    )


def show(name: str, kwh: npt.NDArray[np.float32]) -> None:
    made: ProfileClusters = fit_profile_clusters(kwh)
    print(f"\n{name}: {made.number} clusters, {'stable' if made.is_stable else 'not stable'}")
    print("number, BIC, mean and least adjusted Rand index over five seeds:")
    for number, bic in made.bic.items():
        mean, least = made.adjusted_rand.get(number, (np.nan, np.nan))
        print(f"{number:4d} {bic:12.0f} {mean:8.3f} {least:8.3f}")
    labels = made.labels(kwh)
    sizes = np.bincount(labels[labels >= 0])
    print("shares of the clusters:", (sizes / sizes.sum()).round(3).tolist())


def main() -> None:
    """Print the tables of docs/methods/household_size.md and profile_clusters.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=shared)
    parser.add_argument("--homes", type=int, default=1000)
    parser.add_argument("--days", type=int, default=84)
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--worlds", type=int, default=4)
    parser.add_argument("--clusters", action="store_true", help="cluster the 500 Scottish homes too (about a minute)")
    arguments = parser.parse_args()
    pl.Config.set_tbl_rows(-1).set_tbl_cols(-1).set_tbl_hide_dataframe_shape(True).set_tbl_hide_column_data_types(True)
    pl.Config.set_tbl_width_chars(200).set_fmt_str_lengths(120)
    scale = Scale("benchmark", homes=arguments.homes, days=arguments.days, start=START, homes_per_area=50)
    tables = []
    for world in range(arguments.seed, arguments.seed + arguments.worlds):
        homes = [home for home in simulated_homes(scale, world) if str(home.household.kind) == "main"]
        described, said = descriptors(rows_of(homes, arguments.days)), answers(homes)
        for target in TARGETS:
            asked = labelled(described, said, target)  # type: ignore[arg-type]
            tables.append(accuracies(asked, target, HouseholdParameters())[0].with_columns(world=pl.lit(world)))  # type: ignore[arg-type]
    found = pl.concat(tables).with_columns(pl.col("warning").fill_null("none"))
    print(
        found.group_by("target", "model", maintain_order=True)
        .agg(
            pl.col("homes", "accuracy", "balanced_accuracy", "log_loss", "brier_score").mean(),
            least_of_worlds=pl.col("accuracy").min(),
            most_of_worlds=pl.col("accuracy").max(),
            spread_of_seeds=(pl.col("accuracy_most") - pl.col("accuracy_least")).mean(),
            half_interval=(pl.col("accuracy_upper") - pl.col("accuracy_lower")).mean() / 2,
        )
        .with_columns(pl.col(pl.Float64).round(3))
    )
    for target, warning in found.select("target", "warning").unique(maintain_order=True).rows():
        print(f"{target}: {warning}")
    path = arguments.data / "meters" / "edrp_scotland_500_homes_half_hour.parquet"
    if arguments.clusters and path.is_file():
        kwh = pl.read_parquet(path).sort("meter", "date", "slot")["kwh"].to_numpy().reshape(500, -1, 48)
        show("mean profiles of 500 homes", kwh.mean(axis=1))
        show("days of 500 homes", kwh.reshape(-1, 48))


if __name__ == "__main__":
    main()
