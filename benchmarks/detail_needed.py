"""How much of each result is lost with less detail, and what a supplier could sum up by itself.

python benchmarks/detail_needed.py [--data FOLDER] [--homes 300] [--choose 5] [--judge 99 2024]

The same readings are given half-hourly, hourly, daily and monthly. Where a result has no method for daily or monthly
totals, the simplest is taken, its bounds chosen on homes of one seed and judged on those of others.
"""

import argparse
import datetime as dt
import os
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from household_size_accuracy import answers
from occupancy_accuracy import JUDGE, WAKING, by_hmm, figures
from occupancy_worlds import Homes, eco, simulated
from vacancy_accuracy import rows_of

from ons_assets.meters.absence.kinds import absences as absences_of
from ons_assets.meters.absence.vacancy import STATES as NAMES
from ons_assets.meters.absence.vacancy import absence_tables, states_of_days
from ons_assets.meters.areas.area_figures import area_tables, days_of
from ons_assets.meters.households.household_accuracy import accuracies
from ons_assets.meters.households.targets import Target, labelled
from ons_assets.meters.occupancy import Population, occupancy_table, population_of_parts
from ons_assets.meters.profiles.load_profiles import descriptors
from ons_assets.parameters.meters import AreaParameters, HouseholdParameters, VacancyParameters
from ons_assets.simulate.meters import Scale, SimulatedHome, simulated_homes
from ons_assets.simulate.meters.households import Kind
from ons_assets.simulate.meters.presence import STATES, State

REPOSITORY = Path(__file__).resolve().parents[1]
START = dt.date(2009, 7, 1)
DAYS = 365
EMPTY = ("vacant", "second_home", "second_home_stay")
# Central Statistics Office (2025): less than this in each of four quarters in a row.
QUARTER_KWH = 180
# Assumed shares of the market, of suppliers that each know only their own customers.
SUPPLIERS = (0.25, 0.2, 0.2, 0.15, 0.1, 0.1)
AREA_HOMES = (50, 125, 650, 3000)
# Choices of the bounds of who knows totals only.
LOWEST_DAYS, EXCESS_KWH = (0.02, 0.05, 0.1, 0.2, 0.3), (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
LOW_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
LOW_KWH = (0.0, 1.0, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0)
TARGETS: tuple[Target, ...] = ("size_band", "has_children", "has_over_65")

Array = npt.NDArray[np.floating]


def coarser(kwh: Array, half_hours: int) -> Array:
    """Spread what was used in some half hours evenly over them: (..., 48)."""
    blocks = kwh.reshape(*kwh.shape[:-1], 48 // half_hours, half_hours).mean(axis=-1)
    return np.repeat(blocks, half_hours, axis=-1)


def month_of(days: int) -> npt.NDArray[np.int64]:
    dates = [START + dt.timedelta(day) for day in range(days)]
    return np.array([(day.year - START.year) * 12 + day.month - START.month for day in dates])


def monthly(kwh: Array) -> Array:
    """Spread what was used in a month evenly over it."""
    spread = np.empty(kwh.shape)
    month = month_of(kwh.shape[1])
    for one in np.unique(month):
        spread[:, month == one] = kwh[:, month == one].mean(axis=(1, 2))[:, None, None]
    return spread


@dataclass(frozen=True)
class Absences:
    """Readings of homes and the truth of their days."""

    kwh: Array
    empty: npt.NDArray[np.bool_]  # nobody's usual home, (homes, days)
    holiday: npt.NDArray[np.bool_]
    second: npt.NDArray[np.bool_]  # second homes, (homes,)
    area: npt.NDArray[np.int64]


def absences(homes: int, seed: int) -> Absences:
    world: list[SimulatedHome] = list(simulated_homes(Scale("detail", homes=homes, days=DAYS, start=START), seed))
    state = np.stack([home.presence.state for home in world])
    second = np.array([home.household.kind is Kind.SECOND for home in world])
    return Absences(
        np.maximum(np.stack([home.kwh for home in world]), 0).astype(float),
        (state == STATES.index(State.VACANT)) | second[:, None],
        state == STATES.index(State.AWAY),
        second,
        np.unique([home.area for home in world], return_inverse=True)[1],
    )


def states(kwh: Array) -> npt.NDArray[np.str_]:
    """Name the days by the method of half hours, (homes, days)."""
    _, spells = absence_tables(rows_of(kwh, START))
    return days_of(spells).sort("meter", "day")["state"].to_numpy().astype(str).reshape(kwh.shape[:2])


def states_by_totals(kwh: Array, lowest: float, excess_kwh: float) -> npt.NDArray[np.str_]:
    """Name the days of who knows their totals: empty are those that use hardly more than the home's lowest ones."""
    bounds = VacancyParameters()
    total = kwh.sum(axis=2)
    empty = total <= np.quantile(total, lowest, axis=1)[:, None] + excess_kwh
    named = [states_of_days(days, absences_of(days, bounds.visit_days), bounds) for days in empty]
    return np.array(NAMES)[np.stack(named)]


def monthly_only(kwh: Array, low_share: float, low_kwh: float) -> npt.NDArray[np.bool_]:
    """Months whose daily mean is low for the home, or low in any case, (homes, months)."""
    month = month_of(kwh.shape[1])
    mean = np.stack([kwh[:, month == one].sum(axis=2).mean(axis=1) for one in np.unique(month)], axis=1)
    usual = np.quantile(mean, 0.75, axis=1)[:, None]
    is_low: npt.NDArray[np.bool_] = mean <= np.maximum(low_share * usual, low_kwh)
    return is_low


def most_of_month(days: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    month = month_of(days.shape[1])
    return np.stack([days[:, month == one].mean(axis=1) >= 0.5 for one in np.unique(month)], axis=1)


def f1(said: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> float:
    return float(2 * (said & true).sum() / max(said.sum() + true.sum(), 1))


def judge_months(name: str, said: npt.NDArray[np.bool_], it: Absences, holiday: float | None) -> dict[str, object]:
    true = most_of_month(it.empty)
    error = [
        abs(said[it.area == one].mean(axis=0) - true[it.area == one].mean(axis=0)).mean() for one in np.unique(it.area)
    ]
    return {
        "detail": name,
        "found": float((said & true).sum() / true.sum()),
        "false": float((said & ~true).sum() / (~true).sum()),
        "F1": f1(said, true),
        "area_error": float(np.mean(error)),
        "holiday_days_F1": holiday,
    }


def empty_months(said: npt.NDArray[np.str_]) -> npt.NDArray[np.bool_]:
    return most_of_month(np.isin(said, EMPTY))


def absence_by_detail(choose: Absences, judge: list[Absences]) -> pl.DataFrame:
    true = most_of_month(choose.empty)
    of_days = max(
        product(LOWEST_DAYS, EXCESS_KWH),
        key=lambda bound: f1(empty_months(states_by_totals(choose.kwh, *bound)), true),
    )
    of_months = max(product(LOW_SHARES, LOW_KWH), key=lambda bound: f1(monthly_only(choose.kwh, *bound), true))
    print(f"chosen: a day is empty within {of_days[1]} kWh of the lowest {of_days[0]} of days")
    print(f"chosen: a month is low below {of_months[0]} of the usual or {of_months[1]} kWh a day")
    rows = []
    for it in judge:
        said = {
            name: states(coarser(it.kwh, width))
            for name, width in (("half-hourly", 1), ("hourly", 2), ("four-hourly", 8))
        }
        said["daily totals"] = states_by_totals(it.kwh, *of_days)
        rows += [
            judge_months(name, empty_months(days), it, f1(days == "holiday", it.holiday)) for name, days in said.items()
        ]
        rows.append(judge_months("monthly totals", monthly_only(it.kwh, *of_months), it, None))
    return pl.DataFrame(rows).group_by("detail", maintain_order=True).mean()


def low_quarters(choose: Absences, judge: list[Absences]) -> pl.DataFrame:
    """Homes below `QUARTER_KWH` in each quarter of a year, the rule of the Irish statistics of vacancy, by kind."""
    rows = []
    for it in (choose, *judge):
        quarter = month_of(DAYS) // 3
        use = np.stack([it.kwh[:, quarter == one].sum(axis=(1, 2)) for one in np.unique(quarter)], axis=1)
        low = (use < QUARTER_KWH).all(axis=1)
        share = it.empty.mean(axis=1)
        kinds = {
            "second homes": it.second,
            "vacant all year": ~it.second & (share == 1),
            "vacant for some of it": ~it.second & (share > 0) & (share < 1),
            "lived in": share == 0,
        }
        rows += [
            {"kind": kind, "homes": int(of.sum()), "told_vacant": int((low & of).sum())} for kind, of in kinds.items()
        ]
    return pl.DataFrame(rows).group_by("kind", maintain_order=True).sum()


def presence_by_detail(worlds: list[Homes]) -> pl.DataFrame:
    rows = []
    for homes, (name, width) in product(worlds, (("half-hourly", 1), ("hourly", 2), ("four-hourly", 8))):
        seen = replace(homes, kwh=coarser(homes.kwh, width).astype(np.float32))
        probability = by_hmm(seen, fitted=len(homes.main) > 1)
        known = int((np.isfinite(probability) & np.isfinite(homes.occupied))[:, WAKING].sum())
        rows.append({"homes": homes.name, "detail": name, "half_hours": known, **figures(seen, probability)})
    return pl.DataFrame(rows)


def size_by_detail(homes: int, seeds: list[int]) -> pl.DataFrame:
    start = dt.date(2009, 10, 1)
    rows = []
    for seed in seeds:
        scale = Scale("detail", homes=homes, days=84, start=start)
        main = [home for home in simulated_homes(scale, seed) if home.household.kind is Kind.MAIN]
        kwh = np.maximum(np.stack([home.kwh for home in main]), 0).astype(float)
        for name, spread in (
            ("half-hourly", kwh),
            ("hourly", coarser(kwh, 2)),
            ("four-hourly", coarser(kwh, 8)),
            ("daily totals", coarser(kwh, 48)),
            ("monthly totals", monthly(kwh)),
        ):
            described = descriptors(rows_of(spread, start))
            for target in TARGETS:
                table, _ = accuracies(labelled(described, answers(main), target), target, HouseholdParameters())
                found = table.filter(model="profile").row(0, named=True)
                rows.append({"detail": name, "target": target, "balanced_accuracy": found["balanced_accuracy"]})
    wide = pl.DataFrame(rows).group_by("detail", "target", maintain_order=True).agg(pl.col("balanced_accuracy").mean())
    return wide.pivot("target", index="detail", values="balanced_accuracy")


def sums_of_suppliers(homes: int, seed: int) -> dict[str, float]:
    """Largest difference between an area's shares made at once, and summed over suppliers that make their own.

    Once with the levels of all homes, for which suppliers exchange sums over theirs, and once with their own.
    """
    rows = rows_of(absences(homes, seed).kwh[:, :90], START).with_columns(layout=pl.lit("cer"))
    areas = pl.DataFrame({"meter": np.arange(homes), "area_code": [f"A{home % 3}" for home in range(homes)]})
    supplier = np.random.default_rng(seed).choice(len(SUPPLIERS), homes, p=SUPPLIERS)
    customers = [rows.filter(pl.col("meter").is_in(np.flatnonzero(supplier == one))) for one in range(len(SUPPLIERS))]

    def made(mine: pl.DataFrame, levels: Population | None) -> pl.DataFrame:
        absence, spells = absence_tables(mine)
        return area_tables([(occupancy_table(mine, homes=levels), spells, absence)], areas)[0]

    of_all = population_of_parts(customers)
    at_once = made(rows, of_all)
    shared = [made(mine, of_all) for mine in customers]
    alone = [made(mine, population_of_parts([mine])) for mine in customers]
    return {
        "with the levels of all homes": _largest_difference(at_once, pl.concat(shared)),
        "with the levels of its own homes": _largest_difference(at_once, pl.concat(alone)),
    }


def _largest_difference(at_once: pl.DataFrame, parts: pl.DataFrame) -> float:
    keys = ["area_code", "month", "measure"]
    summed = parts.group_by(keys).agg(
        summed=(pl.col("estimate") * pl.col("homes")).sum() / pl.col("homes").sum(), of=pl.col("homes").sum()
    )
    both = at_once.join(summed, on=keys)
    assert (both["homes"] == both["of"]).all()
    return float((both["estimate"] - both["summed"]).abs().max())  # type: ignore[arg-type]


def told_by_suppliers(coverage: float) -> pl.DataFrame:
    """Share of areas, and of metered homes, with enough homes of one supplier for its figure to leave it."""
    from scipy.stats import binom

    least = AreaParameters().min_homes
    rows = []
    for homes in AREA_HOMES:
        enough = np.array([binom.sf(least - 1, homes, coverage * share) for share in SUPPLIERS])
        # A home is in such an area if nine others are.
        others = np.array([binom.sf(least - 2, homes - 1, coverage * share) for share in SUPPLIERS])
        rows.append(
            {
                "homes_of_area": homes,
                "summed_centrally": float(binom.sf(least - 1, homes, coverage)),
                "supplier_figures_told": float(enough.mean()),
                "metered_homes_in_them": float((np.array(SUPPLIERS) * others).sum()),
                "areas_told_by_all": float(enough.prod()),
            }
        )
    return pl.DataFrame(rows)


def show(title: str, table: pl.DataFrame) -> None:
    print(f"\n{title}")
    print(table.with_columns(pl.col(pl.Float64).round(3)))


def main() -> None:
    """Print the tables of docs/evidence/meters_acceptability.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=shared)
    parser.add_argument("--homes", type=int, default=300)
    parser.add_argument("--homes-of-seed", type=int, default=24, help="of each seed that presence is judged on")
    parser.add_argument("--choose", type=int, default=5, help="seed on which bounds are chosen")
    parser.add_argument("--judge", type=int, nargs="+", default=[99, 2024])
    parser.add_argument("--coverage", type=float, default=0.6, help="share of homes whose meter is used")
    arguments = parser.parse_args()
    pl.Config.set_tbl_rows(-1).set_tbl_cols(-1).set_tbl_hide_dataframe_shape(True).set_tbl_hide_column_data_types(True)
    pl.Config.set_tbl_width_chars(160)
    choose, *judge = (absences(arguments.homes, seed) for seed in (arguments.choose, *arguments.judge))
    show("months in which nobody lives in a home (mean of the seeds judged)", absence_by_detail(choose, judge))
    show(f"homes with less than {QUARTER_KWH} kWh in every quarter of a year", low_quarters(choose, judge))
    worlds = [eco(arguments.data)] if arguments.data.is_dir() else []
    everybody = simulated(JUDGE, arguments.homes_of_seed, 60)
    worlds.append(everybody.only(everybody.main, f"{everybody.name}, main homes"))
    show("somebody at home, half hours 06 to 22", presence_by_detail(worlds))
    show("balanced accuracy of household targets, cross-validated", size_by_detail(500, [8, 18]))
    for levels, difference in sums_of_suppliers(120, arguments.choose).items():
        print(f"\narea shares summed over suppliers, each {levels}, differ by at most {difference:.1e}")
    show(
        f"{len(SUPPLIERS)} suppliers that each withhold areas, {arguments.coverage:.0%} metered",
        told_by_suppliers(arguments.coverage),
    )


if __name__ == "__main__":
    main()
