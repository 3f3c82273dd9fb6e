"""How near an operator could come to two real census tables if it knew all homes and places of work.

python benchmarks/census_ceiling.py [--draws 20]

Each commuter of the census has a phone of the operator by chance, and flows of few devices are withheld. What is told
is scaled to the total of all; or what is withheld is filled by the gravity model that fits better, to less than the
bound, and all is raked to the totals of origins and destinations. No error of an anchor, of coverage or of time is in
it: what is lost here is lost to the size of the sample and to disclosure control alone, and no estimate from real
phones can be expected above it. Beside it stand models that know the totals only.
"""

import argparse

import numpy as np
import numpy.typing as npt
import polars as pl
from mobile_flows import census_tables

from ons_assets.flows.interaction import balance
from ons_assets.flows.measures import agreement
from ons_assets.mobile.flow_comparison import baselines

SHARES = (0.05, 0.1, 0.25, 0.5)
KS = (0, 5, 10, 20)
FloatArray = npt.NDArray[np.float64]


def matrix(flows: pl.DataFrame, areas: list[str]) -> FloatArray:
    """Return flows as origins by destinations."""
    place = {area: position for position, area in enumerate(areas)}
    found = np.zeros((len(areas), len(areas)))
    for origin, destination, count in flows.select("origin", "destination", "count").iter_rows():
        found[place[origin], place[destination]] += count
    return found


def common_part(estimate: FloatArray, truth: FloatArray) -> float:
    """Return the common part of the flows between areas."""
    between = ~np.eye(len(truth), dtype=bool)
    return agreement(estimate[between], truth[between])["cpc"]


def devices_of(truth: FloatArray, share: float, rng: np.random.Generator) -> FloatArray:
    """Return how many commuters have a phone of the operator."""
    return rng.binomial(truth.round().astype(np.int64), share).astype(np.float64)


def filled(devices: FloatArray, k: int, model: FloatArray, share: float) -> FloatArray:
    """Return the devices that are told, and in the place of those withheld what a model expects, below the bound."""
    return np.where(devices < k, np.minimum(model * share, max(k - 1, 0)), devices)


def main() -> None:
    """Print the table of docs/methods/census_comparison.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=20)
    draws = parser.parse_args().draws
    for name, flows, placed in census_tables():
        areas = sorted(set(placed["area"]))
        truth = matrix(flows, areas)
        out, into = truth.sum(axis=1), truth.sum(axis=0)
        print(f"\n{name}: common part of the flows between {len(areas)} areas, mean of {draws} draws (sd of a draw)")
        models = {model: matrix(made, areas) for model, made in baselines(flows, areas, placed).items()}
        near = {model: common_part(made, truth) for model, made in models.items()}
        print("  " + ", ".join(f"{model} {part:.3f}" for model, part in near.items()))
        best = models[max(near, key=lambda model: near[model])]
        for share in SHARES:
            for k in KS:
                rng = np.random.default_rng([round(1000 * share), k])
                found = np.empty((draws, 2))
                for draw in range(draws):
                    devices = devices_of(truth, share, rng)
                    told = np.where(devices < k, 0.0, devices)
                    raked = balance(filled(devices, k, best, share), out, into)
                    found[draw] = common_part(told * (truth.sum() / told.sum()), truth), common_part(raked, truth)
                mean, spread = found.mean(axis=0), found.std(axis=0, ddof=1)
                print(f"  share {share:4.0%} k {k:2}: scaled {mean[0]:.3f} ({spread[0]:.3f}), "
                      f"filled and raked {mean[1]:.3f} ({spread[1]:.3f})")  # fmt: skip


if __name__ == "__main__":
    main()
