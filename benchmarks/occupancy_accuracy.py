"""Accuracy, AUC, Brier score and reliability of occupancy: a real home with truth, and simulated ones.

python benchmarks/occupancy_accuracy.py [--data FOLDER] [--homes 120] [--days 120] [--seeds 11 77] [--sensitivity]
"""

import argparse
import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.meters.occupancy import (
    METHODS,
    HmmParameters,
    accuracy,
    area_under_curve,
    brier_score,
    cross_validated,
    expected_calibration_error,
    fit_calibration,
    occupancy_of_homes,
    reliability_curve,
)

REPOSITORY = Path(__file__).resolve().parents[1]
WAKING = slice(12, 44)  # 06:00 to 22:00
FIRST_DAYS = [dt.date(2009, 9, 1), dt.date(2010, 2, 1), dt.date(2009, 6, 1), dt.date(2010, 11, 1)]

Array = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Homes:
    """Readings and truth of some homes of equal length."""

    name: str
    kwh: npt.NDArray[np.float32]
    occupied: Array
    offsets: npt.NDArray[np.int64]


def eco(folder: Path) -> Homes:
    """Read house 2 of ECO on its calendar: days without data are missing throughout."""
    rows = pl.read_csv(folder / "meters" / "eco_house2_half_hour.csv.gz", try_parse_dates=True)
    day = rows["time_start"].dt.date().to_physical().to_numpy()
    slot = rows["slot"].to_numpy() - 1
    kwh = np.full((day.max() - day.min() + 1, 48), np.nan, dtype=np.float32)
    occupied = np.full(kwh.shape, np.nan)
    kwh[day - day.min(), slot] = rows["kwh"].to_numpy()
    occupied[day - day.min(), slot] = rows["occupied_share"].to_numpy() >= 0.5
    return Homes("ECO house 2", kwh, occupied, np.array([0, len(kwh)]))


def simulated(homes: int, days: int, seed: int, start: dt.date, *, only_main: bool) -> Homes:
    """Simulate homes; `only_main` leaves out vacant and second homes."""
    from ons_assets.simulate.meters import Scale, simulated_homes

    world = simulated_homes(Scale("benchmark", homes=homes, days=days, start=start), seed)
    kept = [home for home in world if not only_main or str(home.household.kind) == "main"]
    return Homes(
        f"simulated, seed {seed}, {'main homes' if only_main else 'all homes'}",
        np.concatenate([np.where(home.kwh < 0, np.nan, home.kwh) for home in kept]).astype(np.float32),
        np.concatenate([home.presence.home > 0 for home in kept]).astype(float),
        np.arange(len(kept) + 1) * days,
    )


def figures(homes: Homes, probability: Array) -> dict[str, float]:
    p, y = probability[:, WAKING], homes.occupied[:, WAKING]
    return {
        "accuracy": accuracy(p, y),
        "auc": area_under_curve(p, y),
        "brier": brier_score(p, y),
        "calibration_error": expected_calibration_error(p, y),
    }


def by_hmm(**changes: float) -> Callable[[Homes], Array]:
    parameters = HmmParameters().model_copy(update=changes)
    return lambda homes: occupancy_of_homes(homes.kwh, homes.offsets, parameters=parameters)


def compare(worlds: list[Homes]) -> pl.DataFrame:
    rows = []
    for homes in worlds:
        always = np.ones(homes.kwh.shape)
        rows.append({"homes": homes.name, "method": "always at home", **figures(homes, always)})
        for method in METHODS:
            probability = occupancy_of_homes(homes.kwh, homes.offsets, method=method)
            rows.append({"homes": homes.name, "method": method, **figures(homes, probability)})
    return pl.DataFrame(rows)


def sensitivity(worlds: list[Homes]) -> pl.DataFrame:
    """The default with one parameter changed at a time."""
    changes: list[dict[str, float]] = [{}]
    changes += [{"reading_weight": value} for value in (0.05, 0.2, 1.0)]
    changes += [{"transition_weight": value} for value in (0.1, 0.3, 10.0)]
    changes += [{"base_quantile": value} for value in (0.05, 0.2, 0.3)]
    changes += [{"active_above_base": value} for value in (0.9, 1.7)]
    changes += [{"base_sd": value} for value in (0.2, 0.4)]
    changes += [{"active_sd": value} for value in (0.5, 0.8)]
    changes += [{"active_share_empty": value} for value in (0.005, 0.05)]
    rows = []
    for change in changes:
        for homes in worlds:
            label = ", ".join(f"{name} {value}" for name, value in change.items()) or "default"
            rows.append({"setting": label, "homes": homes.name, **figures(homes, by_hmm(**change)(homes))})
    return pl.DataFrame(rows)


def show(title: str, table: pl.DataFrame) -> None:
    print(f"\n{title}")
    print(table.with_columns(pl.col(pl.Float64).round(3)))


def main() -> None:
    """Print the tables of docs/methods/occupancy.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=shared)
    parser.add_argument("--homes", type=int, default=120)
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 77])
    parser.add_argument("--sensitivity", action="store_true", help="also change the parameters one at a time")
    arguments = parser.parse_args()
    pl.Config.set_tbl_rows(-1).set_tbl_cols(-1).set_tbl_hide_dataframe_shape(True).set_tbl_width_chars(140)
    pl.Config.set_tbl_hide_column_data_types(True).set_fmt_str_lengths(60)
    worlds = []
    for place, seed in enumerate(arguments.seeds):
        start = FIRST_DAYS[place % len(FIRST_DAYS)]
        worlds += [
            simulated(arguments.homes, arguments.days, seed, start, only_main=only_main) for only_main in (True, False)
        ]
    real = [eco(arguments.data)] if arguments.data.is_dir() else []
    show("half hours 06 to 22, no labels used", compare(real + worlds))
    if real:
        house = real[0]
        labels = np.full(house.occupied.shape, np.nan)
        labels[:, WAKING] = house.occupied[:, WAKING]
        learned = cross_validated(house.kwh, labels)
        show("supervised, ten folds by day", pl.DataFrame([{"homes": house.name, **figures(house, learned)}]))
    learn_from = worlds[1]
    calibration = fit_calibration(by_hmm()(learn_from)[:, WAKING].ravel(), learn_from.occupied[:, WAKING].ravel())
    print(f"\ncalibration learned from {learn_from.name}: {calibration}")
    rows = []
    for homes in real + worlds[2:]:
        probability = by_hmm()(homes)
        rows.append({"homes": homes.name, "calibrated": "no", **figures(homes, probability)})
        rows.append({"homes": homes.name, "calibrated": "yes", **figures(homes, calibration.apply(probability))})
    show("the default, as it is and with that calibration", pl.DataFrame(rows))
    for homes in real + worlds:
        show(f"reliability, {homes.name}", reliability_curve(by_hmm()(homes)[:, WAKING], homes.occupied[:, WAKING]))
    if arguments.sensitivity:
        show("the default with one parameter changed", sensitivity(real + worlds))


if __name__ == "__main__":
    main()
