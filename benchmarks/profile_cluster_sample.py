"""How many days, and how many starts, clusters of days need: what changes when they are fitted to other days.

python benchmarks/profile_cluster_sample.py [--days 2000 5000 20000] [--starts 1 5] [--draws 3] [--numbers]

Real homes (EDRP, Scotland) and simulated ones. A part of the days is kept apart, and labelled by the fits to each draw
of the others. Printed for each number of days and of starts: the numbers of clusters that were chosen; agreement of the
labels between draws (adjusted Rand index, mean and least); processor time of a fit. With --numbers, the agreement
for each number of clusters by itself, whichever would be chosen.
"""

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.metrics import adjusted_rand_score

from ons_assets.meters.profiles.day_clusters import fit_profile_clusters, usable
from ons_assets.parameters.meters import ProfileClusterParameters
from ons_assets.simulate.meters import Scale, simulated_homes

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
KEPT_APART = 10_000
Days = npt.NDArray[np.float32]


def worlds(homes: int) -> Iterator[tuple[str, Days]]:
    """Yield a name and days of use, (days, 48)."""
    path = SHARED / "meters" / "edrp_scotland_500_homes_half_hour.parquet"
    if path.is_file():
        kwh = pl.read_parquet(path).sort("meter", "date", "slot")["kwh"].to_numpy().reshape(-1, 48)
        yield "EDRP, real", kwh
    made = [np.maximum(home.kwh, 0) for home in simulated_homes(Scale("benchmark", homes=homes, days=365), 11)]
    yield f"{homes} simulated homes, a year", np.concatenate(made).astype(np.float32)


def agreement(labels: list[npt.NDArray[np.int32]]) -> str:
    """Return the mean and the least adjusted Rand index of pairs of labels of the same days."""
    pairs = [adjusted_rand_score(one, labels[j]) for i, one in enumerate(labels) for j in range(i)]
    return f"{np.mean(pairs):.3f}, at least {min(pairs):.3f}"


def drawn(others: Days, days: int, draw: int) -> Days:
    return others[np.random.default_rng(draw).permutation(len(others))[:days]]


def numbers(apart: Days, others: Days, days: int, starts: int, draws: int) -> None:
    """Print the agreement between draws for the model of least BIC among those of up to so many clusters."""
    for most in range(2, ProfileClusterParameters().most + 1):
        # Any agreement of seeds will do, so that the first that is judged, of least BIC, is taken.
        any_model = ProfileClusterParameters(
            most=most, fit_days=days, starts=starts, reseedings=2, least_agreement=1e-9
        )
        made = [fit_profile_clusters(drawn(others, days, draw), any_model) for draw in range(draws)]
        found = agreement([each.labels(apart) for each in made])
        print(f"{days:7,} days, {starts} starts, clusters {[each.number for each in made]}: {found}", flush=True)


def line(apart: Days, others: Days, days: int, starts: int, draws: int) -> None:
    """Print what one number of days and of starts gives."""
    labels, chosen, stable, seconds = [], [], [], 0.0
    for draw in range(draws):
        mine = drawn(others, days, draw)
        parameters = ProfileClusterParameters(fit_days=days, starts=starts)
        began = time.process_time()
        made = fit_profile_clusters(mine, parameters)
        seconds += time.process_time() - began
        chosen.append(made.number)
        stable.append(made.is_stable)
        labels.append(made.labels(apart))
    print(
        f"{len(mine):7,} days, {starts} starts: chosen {chosen}, {sum(stable)} of {draws} stable; between draws "
        f"{agreement(labels)}; {seconds / draws:.1f} CPU s",
        flush=True,
    )


def main() -> None:
    """Print the table of docs/methods/profiles.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, nargs="+", default=[2_000, 5_000, 20_000])
    parser.add_argument("--starts", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--homes", type=int, default=300, help="simulated")
    parser.add_argument("--numbers", action="store_true")
    arguments = parser.parse_args()
    for name, kwh in worlds(arguments.homes):
        kwh = kwh[usable(kwh)]
        kwh = kwh[np.random.default_rng(99).permutation(len(kwh))]
        print(name)
        for days in arguments.days:
            for starts in arguments.starts:
                show = numbers if arguments.numbers else line
                show(kwh[:KEPT_APART], kwh[KEPT_APART:], days, starts, arguments.draws)


if __name__ == "__main__":
    main()
