"""The addresses nearest to clusters, at the size of the country: 38 million addresses, 3 million clusters.

python benchmarks/nearest_addresses.py
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.geography.address_classes import CLASSES
from ons_assets.geography.addresses import nearest_addresses

TOWNS = 400
STREET_M = 10.0


def positions(random: np.random.Generator, towns: np.ndarray, share: np.ndarray, n: int) -> np.ndarray:
    """Points around towns: nine in ten within some kilometres, as people live."""
    town = random.choice(len(towns), n, p=share)
    spread = np.where(random.random(n) < 0.9, 3_000, 15_000)
    at = towns[town] + random.normal(0, 1, (n, 2)) * spread[:, None]
    return np.clip(np.round(at / STREET_M) * STREET_M, 0, [700_000, 1_200_000])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--addresses", type=int, default=38_000_000)
    parser.add_argument("--clusters", type=int, default=3_000_000)
    options = parser.parse_args()
    random = np.random.default_rng(1)
    towns = np.column_stack([random.uniform(2e5, 6e5, TOWNS), random.uniform(1e5, 9e5, TOWNS)])
    share = random.pareto(1.2, TOWNS) + 0.05
    share /= share.sum()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "addresses.parquet"
        at = positions(random, towns, share, options.addresses)
        at = at[np.argsort(at[:, 1])]
        pl.DataFrame(
            {
                "uprn": np.arange(options.addresses),
                "easting_m": at[:, 0],
                "northing_m": at[:, 1],
                "class": pl.Series(CLASSES, dtype=pl.String()).gather(random.integers(0, 5, options.addresses)),
            }
        ).with_columns(postcode=pl.lit("AB1 2CD")).write_parquet(path, row_group_size=1 << 18)
        del at
        where = positions(random, towns, share, options.clusters) + random.normal(0, 8, (options.clusters, 2))
        clusters = pl.DataFrame({"easting_m": where[:, 0], "northing_m": where[:, 1]})
        before_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        start = time.perf_counter()
        found = nearest_addresses(clusters, pl.scan_parquet(path))
        seconds = time.perf_counter() - start
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{options.clusters:,} clusters against {options.addresses:,} addresses: {seconds:.0f} s")
    print(f"{found['class'].is_not_null().mean():.1%} have an address within 100 m")
    print(f"peak memory {peak_gb:.2f} GB (making the data: {before_gb:.2f} GB)")


if __name__ == "__main__":
    main()
