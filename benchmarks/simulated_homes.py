"""What simulated homes are like: use, presence, and how well use alone tells presence.

python benchmarks/simulated_homes.py [--homes 300] [--days 365] [--seed 1 2 3] [--pairs 60]
"""

import argparse
import time

import numpy as np

from ons_assets.simulate.meters import EquipmentShares, Scale, simulated_homes
from ons_assets.simulate.meters.calendar import Calendar
from ons_assets.simulate.meters.households import Kind
from ons_assets.simulate.meters.large_loads import solar
from ons_assets.simulate.meters.presence import STATES, State

DAYTIME = slice(12, 44)


def area_under_curve(kwh: np.ndarray, inside: np.ndarray) -> float:
    """Return the chance that an occupied half hour uses more than an empty one."""
    ranks = kwh.argsort().argsort()
    ones = int(inside.sum())
    return float((ranks[inside].sum() - ones * (ones - 1) / 2) / (ones * (len(inside) - ones)))


def equipment_adds(homes: int, days: int, seed: int) -> None:
    """Print what each kind of large equipment adds to the same main homes."""

    def world(shares: EquipmentShares) -> list:
        return [
            home
            for home in simulated_homes(Scale("pairs", homes, days, equipment=shares), seed)
            if home.household.kind is Kind.MAIN
        ]

    without = world(EquipmentShares(0, 0, 0, 0))
    everyone = {
        "solar": EquipmentShares(1, 0, 0, 0),
        "storage heating": EquipmentShares(0, 1, 0, 0),
        "electric car": EquipmentShares(0, 0, 1, 0),
        "heat pump": EquipmentShares(0, 0, 0, 1),
    }
    for kind, shares in everyone.items():
        changed = world(shares)
        added = np.array([(home.kwh - other.kwh).sum() for home, other in zip(changed, without, strict=True)])
        low, high = np.percentile(added, [5, 95])
        print(f"  {kind}: adds {added.mean():.0f} kWh ({low:.0f} to {high:.0f}; 5 and 95 %)", end="")
        if kind == "solar":
            calendar = Calendar(Scale("pairs", homes, days).start, days, seed)
            made = [solar(home.equipment.large, calendar).sum() / 1000 for home in changed]
            print(f"; the panels give {np.mean(made):.0f} kWh", end="")
        print()


def main() -> None:
    """Print one paragraph a seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--homes", type=int, default=300)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seed", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--pairs", type=int, default=60, help="homes that are simulated with and without equipment")
    arguments = parser.parse_args()
    for seed in arguments.seed:
        start = time.perf_counter()
        homes = list(simulated_homes(Scale("measured", arguments.homes, arguments.days), seed))
        seconds = time.perf_counter() - start
        main_homes = [home for home in homes if home.household.kind is Kind.MAIN]
        daily = np.array([home.kwh.sum(axis=1).mean() for home in main_homes])
        size = np.array([home.household.size for home in main_homes])
        inside = np.array([home.presence.home[:, DAYTIME] > 0 for home in main_homes])
        areas = [
            area_under_curve(home.kwh[:, DAYTIME].ravel(), there.ravel())
            for home, there in zip(main_homes, inside, strict=True)
            if 0 < there.sum() < there.size
        ]
        away = [
            home.kwh[home.presence.state == STATES.index(State.AWAY)].sum(axis=1).mean() / home.kwh.sum(axis=1).mean()
            for home in main_homes
            if (home.presence.state == STATES.index(State.AWAY)).any() and not home.equipment.solar_kw
        ]
        kinds = {str(kind): sum(home.household.kind is kind for home in homes) for kind in Kind}
        print(
            f"seed {seed}: {seconds * 1000 / len(homes):.0f} ms a home; {kinds}\n"
            f"  kWh a day: median {np.median(daily):.1f}, mean {daily.mean():.1f}, sd {daily.std():.1f}; "
            f"correlation with household size {np.corrcoef(size, daily)[0, 1]:.2f}\n"
            f"  somebody at home, 06 to 22: mean {inside.mean():.2f}, "
            f"homes from {np.percentile(inside.mean(axis=(1, 2)), 5):.2f} to "
            f"{np.percentile(inside.mean(axis=(1, 2)), 95):.2f} (5 and 95 %)\n"
            f"  AUC of kWh for presence by home, 06 to 22: 5 % {np.percentile(areas, 5):.2f}, "
            f"median {np.median(areas):.2f}, 95 % {np.percentile(areas, 95):.2f}\n"
            f"  a day away uses {np.median(away):.2f} of a mean day (median home)"
        )
        equipment_adds(arguments.pairs, arguments.days, seed)


if __name__ == "__main__":
    main()
