"""Time and memory of every table of the meters pilot as it is really made, and how they grow with the number of homes.

python benchmarks/meters_growth.py                        # 200 and 800 homes of 536 days
python benchmarks/meters_growth.py --homes 800 6445 --folder FOLDER

Each step has a process of its own, so that its peak of memory is its own: files to the ledger, files to raw tables,
then each computation of the pilot through the gate and the lake. Imports are not in the time, but are in the memory.
The exponent is that of processor time between two sizes that follow each other: 1 is straight growth. Beside
them stands what a pass of all half hours through Parquet takes: read some buckets at a time, as assets do, and written.

With --folder the worlds are made once and used again. --step and --home are how the benchmark calls itself.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import growth

from ons_assets.catalogue import CATALOGUE
from ons_assets.demo import meters as demonstration
from ons_assets.lakehouse import buckets, lake
from ons_assets.lakehouse.home import Home
from ons_assets.settings import Settings
from ons_assets.simulate.meters import SCALES

READ, PASS = "files to raw tables", "half hours through Parquet"
HALF_HOURS = "meters/half_hours"


def steps() -> list[str]:
    """Return the steps in the order of the tables, with the pass after the table that it reads."""
    found = [growth.REGISTER, READ, *growth.computations("meters")]
    found.insert(found.index(HALF_HOURS) + 1, PASS)
    return found


def world(homes: int, folder: Path) -> Path:
    """Write a world of so many homes, if it is not there, and return where its files are."""
    days = SCALES["full"].days
    root = folder / f"homes-{homes}-days-{days}"
    if not root.exists():
        print(demonstration.simulate(root / "drops", root / "truth", replace(SCALES["full"], homes=homes)), flush=True)
    return root / "drops"


def special(settings: Settings, drops: Path) -> Mapping[str, growth.Work]:
    """Return what to do in the steps that are no computation."""
    return {
        growth.REGISTER: lambda: growth.take_all(settings, drops),
        READ: lambda: growth.read_waiting(settings),
        PASS: lambda: pass_of_half_hours(Home(settings.home)),
    }


def pass_of_half_hours(home: Home) -> None:
    """Read all half hours as assets do, and write them."""
    rows = lake.read(home, CATALOGUE[HALF_HOURS])
    with tempfile.TemporaryDirectory(dir=home.root) as folder:
        for number, (part,) in enumerate(buckets.read_parts(rows, order=("meter", "day"))):
            part.write_parquet(Path(folder) / f"{number}.parquet", compression="lz4")


PILOT = growth.Pilot(
    script=Path(__file__).resolve(),
    unit="homes",
    steps=steps(),
    special=special,
    table_of={READ: "meters/raw_readings", PASS: HALF_HOURS},
    world=world,
)

if __name__ == "__main__":
    growth.main(PILOT, str(__doc__), [200, 800], PASS, [])
