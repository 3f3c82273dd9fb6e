"""Time and memory of the tweets pilot as it is really run: from files to flows, through the gate and the lake.

python benchmarks/tweets_assets.py --scale medium
python benchmarks/tweets_assets.py --scale full --folder FOLDER    # twice: the first call makes the world

`benchmarks/tweets_road.py` measures the methods alone, and what they find against the truth.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import polars as pl

from ons_assets import operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.settings import Settings
from ons_assets.simulate.country import write_office_files
from ons_assets.simulate.tweets import SCALES, country_of, simulate_tweets


class Clock:
    """Seconds of each step, and the peak of memory when it ended."""

    def __init__(self) -> None:
        self._step, self._began = "", time.perf_counter()

    def begin(self, step: str) -> None:
        """End the step before and print what it took."""
        now = time.perf_counter()
        if self._step:
            peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
            print(f"  {self._step:<34} {now - self._began:7.1f} s   peak so far {peak_gb:5.2f} GB", flush=True)
        self._step, self._began = step, now


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="medium", choices=tuple(SCALES))
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="keep the simulated world here, and use it again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        drops, truth = folder / "world", folder / "truth"
        if not truth.exists():
            country = country_of(options.scale, options.seed)
            simulate_tweets(drops / "tweets", truth, scale=options.scale, seed=options.seed, country=country)
            write_office_files(country, drops)
            if options.folder:
                # The peak of memory is to be that of the road.
                print("the world is made; run the same command again")
                return
        with tempfile.TemporaryDirectory(dir=folder) as home:
            run(drops, Settings(home=Path(home), tweets={"locating": {"area_level": "district"}}))


def run(drops: Path, settings: Settings) -> None:
    operations.open_home(settings)
    clock, start = Clock(), time.perf_counter()
    clock.begin("register")
    for source in sorted(drops.iterdir()):
        operations.take(settings, sorted(source.iterdir()), source.name, lambda _: None)
    waiting = operations.read_waiting(settings, clock.begin)
    made = operations.make(settings, ["tweets"], None, clock.begin)
    clock.begin("")
    assert made.success, made.failures
    assert all(outcome.success for outcome in waiting)
    print(f"  {'from files to flows':<34} {time.perf_counter() - start:7.1f} s")
    for name in ("raw_tweets", "located_tweets", "users", "clusters", "user_anchors", "moves", "migration_flows"):
        rows = lake.read(Home(settings.home), CATALOGUE[f"tweets/{name}"]).select(pl.len()).collect().item()
        print(f"  {rows:>12,} {name}")


if __name__ == "__main__":
    main()
