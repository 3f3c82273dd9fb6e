"""Absences, vacancies and second homes against the simulator's truth, and low days of real homes.

python benchmarks/vacancy_accuracy.py [--homes 300] [--days 365] [--seeds 5 99 2024]
"""

import argparse
import datetime as dt
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.meters.absence.low_use import low_days, low_use_runs
from ons_assets.meters.absence.vacancy import STATES, empty_day_probabilities, vacancy
from ons_assets.meters.half_hours.daily import daily_consumption
from ons_assets.simulate.meters import Scale, SimulatedHome, simulated_homes
from ons_assets.simulate.meters.presence import STATES as SIMULATED

REPOSITORY = Path(__file__).resolve().parents[1]
START = dt.date(2009, 7, 14)
SIMULATED_AS = ("occupied", "away", "vacant", "second_empty", "second_stay")
NAMES = dict(zip(SIMULATED_AS, STATES, strict=True))
LONGEST_SHOWN = 12


def rows_of(kwh: npt.NDArray[np.float32], days: int) -> pl.DataFrame:
    homes = len(kwh) // days
    return pl.DataFrame(
        {
            "bucket": pl.Series([0], dtype=pl.Int16).new_from_index(0, len(kwh)),
            "meter": np.repeat(np.arange(homes), days),
            "day": np.tile(np.arange(days), homes),
            "kwh": pl.Series(kwh, dtype=pl.Array(pl.Float32, 48)).arr.to_list(),
        }
    ).with_columns(day=pl.lit(START) + pl.duration(days="day"))


def judge(homes: list[SimulatedHome], days: int) -> None:
    daily = daily_consumption(rows_of(np.concatenate([np.maximum(home.kwh, 0) for home in homes]), days))
    true = np.array([NAMES[str(SIMULATED[state])] for home in homes for state in home.presence.state])
    spells = vacancy(daily).with_columns(day=pl.date_ranges("first_day", "last_day")).explode("day")
    said = spells.sort("meter", "day")["state"].to_numpy()
    rows = [(state, *scores(said == state, true == state)) for state in STATES]
    empty = np.isin(true, ["holiday", "vacant", "second_home"])
    marked = low_days(daily)
    low = (marked["is_low"] | marked["is_constant"]).fill_null(False).to_numpy()
    rows.append(("empty, by the model of days", *scores(np.isin(said, ["holiday", "vacant", "second_home"]), empty)))
    rows.append(("empty, by low or constant days", *scores(low, empty)))
    schema = ["days", "true", "precision", "recall", "F1"]
    print(pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col(pl.Float64).round(3)))
    kinds = np.array([str(home.household.kind) for home in homes])
    by_home = said.reshape(len(homes), days)
    named = {"second": "second_home", "vacant": "vacant"}
    for kind, state in named.items():
        found = (by_home == state).any(axis=1)
        print(
            f"homes: {kind} {np.sum(kinds == kind)}, found {np.sum(found & (kinds == kind))}, others called so ", end=""
        )
        print(np.sum(found & (kinds != kind)))
    p = empty_day_probabilities(daily)["empty_probability"].to_numpy()
    known = np.isfinite(p)
    print(f"Brier score of a day being empty {np.mean((p[known] - empty[known]) ** 2):.4f}")


def scores(said: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> tuple[int, float, float, float]:
    hit = np.sum(said & true)
    precision, recall = hit / max(said.sum(), 1), hit / max(true.sum(), 1)
    return int(true.sum()), float(precision), float(recall), float(2 * hit / max(said.sum() + true.sum(), 1))


def australian(folder: Path) -> None:
    rows = pl.read_parquet(folder / "meters" / "sgsc_australia_10_homes_half_hour.parquet").with_columns(
        day=pl.col("time").dt.date(),
        slot=pl.col("time").dt.hour().cast(pl.Int32) * 2 + pl.col("time").dt.minute() // 30,
    )
    days = rows.select("customer", "day").unique().sort("customer", "day").with_row_index()
    at = rows.join(days, on=["customer", "day"])
    kwh = np.full((len(days), 48), np.nan, dtype=np.float32)
    kwh[at["index"].to_numpy(), at["slot"].to_numpy()] = at["kwh"].to_numpy()
    half_hours = days.select(
        bucket=pl.lit(0, dtype=pl.Int16),
        meter=pl.col("customer").cast(pl.Int64),
        day="day",
        kwh=pl.Series(kwh, dtype=pl.Array(pl.Float32, 48)).arr.to_list(),
    )
    print("\nlongest runs of low or constant days, Smart Grid Smart City (published example homes)")
    runs = low_use_runs(daily_consumption(half_hours)).sort("days", descending=True)
    print(runs.drop("bucket").head(LONGEST_SHOWN).with_columns(pl.col(pl.Float64).round(2)))


def main() -> None:
    """Print the tables of docs/methods/vacancy.md and low_use.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=shared)
    parser.add_argument("--homes", type=int, default=300)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seeds", type=int, nargs="+", default=[5, 99, 2024])
    arguments = parser.parse_args()
    pl.Config.set_tbl_rows(-1).set_tbl_cols(-1).set_tbl_hide_dataframe_shape(True).set_tbl_hide_column_data_types(True)
    pl.Config.set_tbl_width_chars(140).set_fmt_str_lengths(60)
    for seed in arguments.seeds:
        print(f"\nsimulated, {arguments.homes} homes, {arguments.days} days, seed {seed}")
        scale = Scale("benchmark", homes=arguments.homes, days=arguments.days, start=START)
        judge(list(simulated_homes(scale, seed)), arguments.days)
    if arguments.data.is_dir():
        australian(arguments.data)


if __name__ == "__main__":
    main()
