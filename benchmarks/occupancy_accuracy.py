"""Accuracy and reliability of occupancy: on simulated homes set apart, at real levels of use, and in a real home.

python benchmarks/occupancy_accuracy.py [--data FOLDER] [--choose] [--homes 24] [--days 60] [--sensitivity]

Without --choose the worlds are those to judge by; with it those that the parameters were chosen on, without the real
home. --sensitivity changes one parameter at a time, on the worlds to choose by.
"""

import argparse
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from occupancy_worlds import Homes, eco, real_worlds, simulated

from ons_assets.meters.occupancy import (
    METHODS,
    HmmParameters,
    PopulationParameters,
    accuracy,
    area_under_curve,
    brier_score,
    cross_validated,
    expected_calibration_error,
    occupancy_of_homes,
    reliability_curve,
)
from ons_assets.meters.occupancy.population import home_levels, population
from ons_assets.simulate.meters.scales import ELECTRIC

REPOSITORY = Path(__file__).resolve().parents[1]
WAKING = slice(12, 44)  # 06:00 to 22:00
LOW = 0.1
BINS = 10
DRAWS = 400
CHOOSE, JUDGE = range(1, 11), range(101, 121)

Array = npt.NDArray[np.floating]


def by_hmm(
    homes: Homes,
    parameters: HmmParameters | None = None,
    levels: PopulationParameters | None = None,
    *,
    fitted: bool = True,
    by_dwelling: bool = False,
) -> Array:
    """The default; with the levels of the world's homes (by type of dwelling), or with what is known beforehand."""
    levels = levels or PopulationParameters()
    priors = None
    if fitted:
        seen = home_levels(homes.kwh, homes.offsets, levels)
        types = pl.Series(homes.dwelling_type if by_dwelling else [None] * len(seen.base), dtype=pl.String())
        table = pl.DataFrame(
            {"base": seen.base, "upper": seen.upper, "variance": seen.variance, "readings": seen.readings}
        ).with_columns(layout=pl.lit("one"), dwelling_type=types)
        homes_seen = population(table, levels)
        priors = [homes_seen.of("one", each) for each in types]
    return occupancy_of_homes(
        homes.kwh, homes.offsets, parameters=parameters, population=levels, priors=priors, n_threads=1
    )


def figures(homes: Homes, probability: Array) -> dict[str, float]:
    p, y = probability[:, WAKING], homes.occupied[:, WAKING]
    known = np.isfinite(p) & np.isfinite(y)
    low = known & (p < LOW)
    return {
        "accuracy": accuracy(p, y),
        "auc": area_under_curve(p, y),
        "brier": brier_score(p, y),
        "calibration_error": expected_calibration_error(p, y),
        "said_low": float(low.sum() / known.sum()),
        "seen_when_low": float(y[low].mean()) if low.any() else float("nan"),
    }


def intervals(homes: Homes, probability: Array) -> dict[str, str]:
    """95 % intervals of the calibration error and of the share seen when the probability is low, by drawing homes."""
    p, y = probability[:, WAKING], homes.occupied[:, WAKING]
    known = np.isfinite(p) & np.isfinite(y)
    place = np.minimum(np.nan_to_num(p) * BINS, BINS - 1).astype(int)
    home = np.arange(len(homes.main)).repeat(np.diff(homes.offsets))[:, None]
    cell = (home * BINS + place)[known]
    size = len(homes.main) * BINS
    sums = np.stack([np.bincount(cell, weight, size) for weight in (np.ones(len(cell)), p[known], y[known])])
    sums = sums.reshape(3, -1, BINS)
    rng = np.random.default_rng(0)
    errors, seen = [], []
    for _ in range(DRAWS):
        n, said, occupied = sums[:, rng.integers(0, len(homes.main), len(homes.main))].sum(axis=1)
        errors.append(np.abs(said - occupied).sum() / n.sum())
        seen.append(occupied[0] / max(n[0], 1))
    return {
        "calibration_95": "{:.3f} to {:.3f}".format(*np.quantile(errors, [0.025, 0.975])),
        "seen_when_low_95": "{:.3f} to {:.3f}".format(*np.quantile(seen, [0.025, 0.975])),
    }


def compare(homes: Homes) -> pl.DataFrame:
    """All methods on the same homes."""
    rows = [{"method": "always at home", **figures(homes, np.ones(homes.kwh.shape))}]
    for method in METHODS:
        probability = by_hmm(homes) if method == "hmm" else occupancy_of_homes(homes.kwh, homes.offsets, method=method)
        rows.append({"method": method, **figures(homes, probability)})
    return pl.DataFrame(rows)


def by_equipment(homes: Homes, probability: Array) -> pl.DataFrame:
    """The default in homes with each kind of large equipment, and in those without any."""
    rows = []
    for kind in ("none", *sorted(frozenset().union(*homes.equipment))):
        kept = np.array([kind in each or (kind == "none" and not each) for each in homes.equipment])
        some = homes.only(kept, kind)
        p = probability[kept.repeat(np.diff(homes.offsets))]
        rows.append({"equipment": kind, "homes": int(kept.sum()), **figures(some, p), **intervals(some, p)})
    return pl.DataFrame(rows)


def sensitivity(worlds: list[Homes]) -> pl.DataFrame:
    """The default with one parameter changed at a time."""
    of_homes: list[dict[str, float]] = [
        {},
        *({"reading_weight": value} for value in (0.1, 0.6)),
        *({"transition_weight": value} for value in (0.3, 3.0)),
        *({"base_sd": value} for value in (0.25, 0.45)),
        *({"active_sd": value} for value in (0.5, 0.8)),
        *({"active_share_empty": value} for value in (0.01, 0.04)),
        *({"active_share_quiet": value} for value in (0.02, 0.08)),
        *({"evidence": value} for value in (0.7, 1.0)),
    ]
    of_levels: list[dict[str, float]] = [
        *({"base_error": value} for value in (0.3, 0.9)),
        *({"active_below_upper": value} for value in (0.3, 0.7)),
        *({"base_quantile": value} for value in (0.05, 0.2)),
        *({"prior_homes": value} for value in (5.0, 100.0)),
        *({"uninformative_sd": value} for value in (0.03, 0.15)),
    ]
    periods = HmmParameters().periods
    rows = []
    for homes in worlds:
        for change in of_homes:
            parameters = HmmParameters().model_copy(update=change)
            rows.append({"setting": _label(change), "homes": homes.name, **figures(homes, by_hmm(homes, parameters))})
        for settle in (0.0, 0.02, 0.05):
            by_day = tuple(each.model_copy(update={"settle": settle} if each.settle else {}) for each in periods)
            parameters = HmmParameters(periods=by_day)
            label = f"settle {settle}"
            rows.append({"setting": label, "homes": homes.name, **figures(homes, by_hmm(homes, parameters))})
        for change in of_levels:
            levels = PopulationParameters().model_copy(update=change)
            row = figures(homes, by_hmm(homes, levels=levels))
            rows.append({"setting": _label(change), "homes": homes.name, **row})
    return pl.DataFrame(rows)


def _label(change: dict[str, float]) -> str:
    return ", ".join(f"{name} {value}" for name, value in change.items()) or "default"


def show(title: str, table: pl.DataFrame) -> None:
    print(f"\n{title}", flush=True)
    print(table.with_columns(pl.col(pl.Float64).round(3)))


def main() -> None:
    """Print the tables of docs/methods/occupancy.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=shared)
    parser.add_argument("--choose", action="store_true", help="the worlds to choose by, and not those to judge by")
    parser.add_argument("--homes", type=int, default=24, help="homes of each seed")
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--sensitivity", action="store_true", help="change the parameters one at a time")
    arguments = parser.parse_args()
    pl.Config.set_tbl_rows(-1).set_tbl_cols(-1).set_tbl_hide_dataframe_shape(True).set_tbl_width_chars(200)
    pl.Config.set_tbl_hide_column_data_types(True).set_fmt_str_lengths(60)
    seeds, first = (CHOOSE, 0) if arguments.choose or arguments.sensitivity else (JUDGE, 1)
    everybody = simulated(seeds, arguments.homes, arguments.days)
    real = real_worlds(everybody, arguments.data, first) if arguments.data.is_dir() else []
    if arguments.sensitivity:
        show("the default with one parameter changed, on worlds to choose by", sensitivity([everybody, *real[:1]]))
        return
    main_homes = everybody.only(everybody.main, f"{everybody.name}, main homes")
    electric = simulated(seeds[: len(seeds) // 2], arguments.homes, arguments.days, ELECTRIC)
    electric = electric.only(electric.main, f"{electric.name}, much large equipment, main homes")
    rows = []
    for homes in (everybody, main_homes, *real, electric):
        ways = {"of these homes": by_hmm(homes), "known beforehand": by_hmm(homes, fitted=False)}
        if homes.dwelling_type:
            ways["of these homes, by type of dwelling"] = by_hmm(homes, by_dwelling=True)
        for levels, probability in ways.items():
            row = {"homes": homes.name, "levels": levels}
            rows.append({**row, **figures(homes, probability), **intervals(homes, probability)})
    show("the default, half hours 06 to 22, no labels used", pl.DataFrame(rows))
    show(f"all methods, {everybody.name}", compare(everybody))
    for homes in (everybody, *real):
        curve = reliability_curve(by_hmm(homes)[:, WAKING], homes.occupied[:, WAKING])
        show(f"reliability, {homes.name}", curve)
    show("the default by equipment, main homes", by_equipment(electric, by_hmm(electric)))
    if arguments.data.is_dir() and not arguments.choose:
        show_real_home(eco(arguments.data))


def show_real_home(house: Homes) -> None:
    rows = []
    for method in METHODS:
        probability = occupancy_of_homes(house.kwh, house.offsets, method=method)
        rows.append({"method": method, **figures(house, probability)})
    show(f"{house.name}, no labels used", pl.DataFrame(rows))
    probability = by_hmm(house, fitted=False)
    show(f"reliability, {house.name}", reliability_curve(probability[:, WAKING], house.occupied[:, WAKING]))
    labels = np.full(house.occupied.shape, np.nan)
    labels[:, WAKING] = house.occupied[:, WAKING]
    learned = cross_validated(house.kwh, labels)
    show("supervised, ten folds by day", pl.DataFrame([{"homes": house.name, **figures(house, learned)}]))


if __name__ == "__main__":
    main()
