"""Days without people, vacancies and second homes against the simulator's truth; and what real homes look like.

python benchmarks/vacancy_accuracy.py [--homes 60] [--days 365] [--seeds 101 120] [--pairs 3] [--real-only]
"""

import argparse
import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.meters.absence.low_use import low_days, low_use_runs
from ons_assets.meters.absence.vacancy import STATES, absence_tables
from ons_assets.meters.half_hours.daily import daily_consumption
from ons_assets.meters.occupancy import accuracy, area_under_curve, expected_calibration_error, occupancy_of_homes
from ons_assets.simulate.meters import SCALES, EquipmentShares, Scale, SimulatedHome, simulated_homes
from ons_assets.simulate.meters.presence import STATES as SIMULATED
from ons_assets.simulate.meters.presence import State

REPOSITORY = Path(__file__).resolve().parents[1]
START = dt.date(2009, 7, 14)
SIMULATED_AS = ("occupied", "away", "vacant", "second_empty", "second_stay")
NAMES = dict(zip(SIMULATED_AS, STATES, strict=True))
WORLDS = {"usual equipment": EquipmentShares(), "electric": SCALES["electric"].equipment}
ALONE = {
    "none": EquipmentShares(0, 0, 0, 0),
    "solar": EquipmentShares(1, 0, 0, 0),
    "storage heating": EquipmentShares(0, 1, 0, 0),
    "electric car": EquipmentShares(0, 0, 1, 0),
    "heat pump": EquipmentShares(0, 0, 0, 1),
}
BINS, RESAMPLES = 10, 1_000
WAKING = slice(12, 44)  # 06:00 to 22:00
LONGEST_SHOWN = 12

Array = npt.NDArray[np.floating]


def rows_of(kwh: Array, start: dt.date = START) -> pl.DataFrame:
    """Lay (homes, days, 48) readings out as rows of `meters/half_hours`; export counts as nothing."""
    homes, days = kwh.shape[:2]
    readings = np.maximum(kwh, 0).reshape(-1, 48).astype(np.float32)
    return pl.DataFrame(
        {
            "bucket": pl.Series([0], dtype=pl.Int16).new_from_index(0, homes * days),
            "meter": np.repeat(np.arange(homes), days),
            "day": np.tile(np.arange(days), homes),
            "kwh": pl.Series(readings, dtype=pl.Array(pl.Float32, 48)).arr.to_list(),
        }
    ).with_columns(day=pl.lit(start) + pl.duration(days="day"))


class Judged:
    """What was said of simulated homes, and what was so; every array is (homes, days)."""

    def __init__(self, homes: list[SimulatedHome]) -> None:
        half_hours = rows_of(np.stack([home.kwh for home in homes]))
        days, spells = absence_tables(half_hours)
        low = low_days(daily_consumption(half_hours))
        shape = (len(homes), len(homes[0].kwh))
        named = spells.with_columns(day=pl.date_ranges("first_day", "last_day")).explode("day").sort("meter", "day")
        self.empty, self.vacant, self.second = (
            days[f"{name}_probability"].to_numpy().reshape(shape) for name in ("empty", "vacant", "second_home")
        )
        self.low = (low["is_low"] | low["is_constant"]).fill_null(False).to_numpy().reshape(shape)
        self.state = named["state"].to_numpy().reshape(shape)
        self.nobody = np.stack([home.presence.home.max(axis=1) == 0 for home in homes])
        self.truth = np.array([[NAMES[str(SIMULATED[state])] for state in home.presence.state] for home in homes])
        self.is_vacant = np.stack([home.presence.state == SIMULATED.index(State.VACANT) for home in homes])
        self.is_second = np.stack([[str(home.household.kind) == "second"] * shape[1] for home in homes])


def joined(parts: list[Judged]) -> Judged:
    one = Judged.__new__(Judged)
    for name in vars(parts[0]):
        setattr(one, name, np.concatenate([getattr(part, name) for part in parts]))
    return one


def binned(probability: Array, truth: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return count, sum of what was said and of what was so, by home and step of the probability: (homes, 3, 10)."""
    homes = len(probability)
    step = np.minimum((probability * BINS).astype(int), BINS - 1) + np.arange(homes)[:, None] * BINS
    sums = [np.bincount(step.ravel(), each.ravel(), homes * BINS) for each in (np.ones(step.shape), probability, truth)]
    return np.stack([each.reshape(homes, BINS) for each in sums], axis=1)


def calibration_error(sums: npt.NDArray[np.float64]) -> float:
    return float(np.abs(sums[1] - sums[2]).sum() / sums[0].sum())


def reliability(title: str, probability: Array, truth: npt.NDArray[np.bool_]) -> None:
    """Print calibration error with an interval over homes, Brier score, and what was so by tenth."""
    by_home = binned(probability, truth)
    rng = np.random.default_rng(1)
    drawn = rng.multinomial(len(by_home), np.full(len(by_home), 1 / len(by_home)), RESAMPLES)
    resampled = [calibration_error(np.tensordot(times, by_home, 1)) for times in drawn]
    low, high = np.quantile(resampled, [0.025, 0.975])
    total = by_home.sum(axis=0)
    brier, base = np.mean((probability - truth) ** 2), truth.mean() * (1 - truth.mean())
    print(
        f"  {title}: calibration error {calibration_error(total):.4f} ({low:.4f} to {high:.4f}), Brier {brier:.4f} "
        f"against {base:.4f} of the base rate {truth.mean():.3f}"
    )
    with np.errstate(invalid="ignore"):
        print("    n     ", *(f"{count:>8.0f}" for count in total[0]))
        print("    said  ", *(f"{said:>8.3f}" for said in total[1] / total[0]))
        print("    was so", *(f"{so:>8.3f}" for so in total[2] / total[0]))


def named_days(judged: Judged) -> None:
    """Print how well days are named, and how well low or constant days are those of a home that nobody lived in."""
    empty = ["holiday", "vacant", "second_home"]
    asked = [(state, judged.state == state, judged.truth == state) for state in STATES]
    truly_empty = np.isin(judged.truth, empty)
    asked.append(("any of the empty ones", np.isin(judged.state, empty), truly_empty))
    asked.append(("low or constant", judged.low, truly_empty))
    rows = []
    for name, said, true in asked:
        hit = np.sum(said & true)
        f1 = 2 * hit / (said.sum() + true.sum())
        rows.append((name, int(true.sum()), hit / max(said.sum(), 1), hit / max(true.sum(), 1), f1))
    schema = ["days", "true", "precision", "recall", "F1"]
    print(pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col(pl.Float64).round(3)))


def found(name: str, said: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> None:
    hit = np.sum(said & true)
    print(
        f"  {name}: {true.sum()} of {len(true)}, said of {said.sum()}; "
        f"precision {hit / max(said.sum(), 1):.3f}, recall {hit / max(true.sum(), 1):.3f}"
    )


def judge(title: str, judged: Judged) -> None:
    """Print all figures of a world."""
    print(f"\n{title}: {len(judged.empty)} homes, {judged.empty.shape[1]} days")
    reliability("day without people", judged.empty, judged.nobody)
    print(f"    days said to be below 0.1: {np.mean(judged.nobody[judged.empty < 0.1]):.4f} were so")
    hard = np.isin(judged.state, ["holiday", "vacant", "second_home"]).astype(float)
    reliability("the same by the names of spells, 0 or 1", hard, judged.nobody)
    reliability("day in a vacant home", judged.vacant, judged.is_vacant)
    reliability("day in a second home", judged.second, judged.is_second)
    reliability("last day in a vacant home", judged.vacant[:, -1:], judged.is_vacant[:, -1:])
    at_some_time = np.any(judged.is_vacant, axis=1)
    reliability("home vacant at some time", judged.vacant.max(axis=1)[:, None], at_some_time[:, None])
    found("vacant homes, by probability 0.5", judged.vacant.max(axis=1) >= 0.5, at_some_time)
    found("vacant homes, by the names of spells", np.any(judged.state == "vacant", axis=1), at_some_time)
    found("second homes, by probability 0.5", judged.second.max(axis=1) >= 0.5, np.any(judged.is_second, axis=1))
    named_days(judged)


def equipment_does(homes: int, days: int, seeds: range) -> None:
    """Print what each kind of equipment does to figures of the same homes, which all have it."""
    rows = []
    for name, shares in ALONE.items():
        world = [list(simulated_homes(Scale("pairs", homes, days, equipment=shares), seed)) for seed in seeds]
        judged = joined([Judged(each) for each in world])
        flat = [home for each in world for home in each]
        kwh = np.concatenate([np.maximum(home.kwh, 0) for home in flat])
        inside = occupancy_of_homes(kwh, np.arange(len(flat) + 1) * days)[:, WAKING]
        there = np.concatenate([home.presence.home[:, WAKING] > 0 for home in flat]).astype(float)
        vacant, said = np.any(judged.is_vacant, axis=1), judged.vacant.max(axis=1) >= 0.5
        rows.append(
            (
                name,
                area_under_curve(inside, there),
                accuracy(inside, there),
                expected_calibration_error(inside, there),
                area_under_curve(judged.empty, judged.nobody),
                float(np.mean((judged.empty - judged.nobody) ** 2)),
                calibration_error(binned(judged.empty, judged.nobody).sum(axis=0)),
                float(judged.empty.mean() - judged.nobody.mean()),
                f"{np.sum(said & vacant)} of {vacant.sum()}",
                int(np.sum(said & ~vacant)),
                float(judged.vacant.mean() - judged.is_vacant.mean()),
            )
        )
    schema = ["equipment", "half hour AUC", "accuracy", "ECE", "day AUC", "Brier", "day ECE", "excess of empty days"]
    schema += ["vacant homes found", "others called so", "excess of vacant days"]
    print(f"\nthe same {homes * len(seeds)} homes, all with one kind of equipment")
    print(pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col(pl.Float64).round(4)))


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
    print("and absences of a week or more in them")
    _, spells = absence_tables(half_hours)
    shown = spells.filter(pl.col("state").is_in(["holiday", "vacant", "second_home"]), pl.col("spell_days") >= 7)
    shown = shown.sort("spell_days", descending=True).drop("bucket", "reason").head(LONGEST_SHOWN)
    print(shown.with_columns(pl.col(pl.Float64).round(2)))


def british(folder: Path) -> None:
    """Print shares of the EDRP homes; nothing of a single one."""
    rows = pl.read_parquet(folder / "meters" / "edrp_scotland_500_homes_half_hour.parquet")
    half_hours = (
        rows.sort("meter", "date", "slot")
        .group_by("meter", "date", maintain_order=True)
        .agg("kwh")
        .select(bucket=pl.lit(0, dtype=pl.Int16), meter=pl.col("meter").cast(pl.Int64), day="date", kwh="kwh")
    )
    days, spells = absence_tables(half_hours)
    known = days.drop_nulls("empty_probability")
    homes = known.group_by("meter").agg(pl.len(), pl.col("vacant_probability", "second_home_probability").max())
    print(f"\nEDRP, Scotland: {homes.height} homes of {days['meter'].n_unique()}, {known.height} days")
    print(f"  days without people, expected share {_mean(known['empty_probability']):.4f}")
    by_month = known.group_by(pl.col("day").dt.month().alias("month")).agg(pl.col("empty_probability").mean())
    print("  by month", dict(by_month.sort("month").with_columns(pl.col("empty_probability").round(3)).iter_rows()))
    print(f"  between 0.1 and 0.9: {_mean(known['empty_probability'].is_between(0.1, 0.9)):.4f} of the days")
    for kind in ("vacant", "second_home"):
        column = homes[f"{kind}_probability"]
        print(f"  {kind} at some time: expected {column.sum():.1f} homes, {(column >= 0.5).sum()} at 0.5 or more")
        print(f"    on a mean day {_mean(known[f'{kind}_probability']):.4f} of the homes")
    print("  days by the names of spells", dict(spells.group_by("state").agg(pl.col("spell_days").sum()).iter_rows()))


def _mean(column: pl.Series) -> float:
    return float(column.to_numpy().mean())


def worlds(shares: EquipmentShares, homes: int, days: int, seeds: range) -> Iterator[Judged]:
    for seed in seeds:
        scale = Scale("benchmark", homes=homes, days=days, start=START, equipment=shares)
        yield Judged(list(simulated_homes(scale, seed)))


def main() -> None:
    """Print the tables of docs/methods/vacancy.md and low_use.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=shared)
    parser.add_argument("--homes", type=int, default=60)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seeds", type=int, nargs=2, default=[101, 120], help="first and last seed")
    parser.add_argument("--pairs", type=int, default=3, help="seeds of the comparison of equipment")
    parser.add_argument("--real-only", action="store_true")
    arguments = parser.parse_args()
    pl.Config.set_tbl_rows(-1).set_tbl_cols(-1).set_tbl_hide_dataframe_shape(True).set_tbl_hide_column_data_types(True)
    pl.Config.set_tbl_width_chars(200).set_fmt_str_lengths(60)
    first, last = arguments.seeds
    if not arguments.real_only:
        for title, shares in WORLDS.items():
            seeds = range(first, last + 1)
            judge(title, joined(list(worlds(shares, arguments.homes, arguments.days, seeds))))
        equipment_does(arguments.homes, arguments.days, range(first, first + arguments.pairs))
    if arguments.data.is_dir():
        australian(arguments.data)
        british(arguments.data)


if __name__ == "__main__":
    main()
