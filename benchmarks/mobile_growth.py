"""Time and memory of every table of the pilot of mobile phones as it is really made, and how they grow with the events.

python benchmarks/mobile_growth.py                                          # 1 and 3 million events
python benchmarks/mobile_growth.py --events 1_000_000 10_000_000 100_000_000 --folder FOLDER

28 days of one operator of a simulated country, ten events a device and day; there are more devices where there are
more events, and as many cells. Each step has a process of its own, so that its peak of memory is its own: files to the
ledger, files to rows, rows through the gate to raw tables, then each computation of the pilot through the gate and the
lake. Imports are not in the time, but are in the memory.

The exponent is that of processor time between two sizes that follow each other: 1 is straight growth. Beside them
stands plain Polars on the same files, with its streaming engine and without any gate, lake or pseudonym: repeated
events once, those at unknown cells out, events by cell and hour, and for each device the cell at which it stayed
longest. It is no part of the sum.

With --folder the worlds are made once and used again. --step and --home are how the benchmark calls itself.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import growth
import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.definitions import RAW
from ons_assets.intake.ledger import Ledger
from ons_assets.intake.reading import read_waiting
from ons_assets.lakehouse.home import Home
from ons_assets.operations import making
from ons_assets.settings import Settings
from ons_assets.simulate.mobile import Scale, simulate_mobile

READ, RAW_TABLES, POLARS = "files to rows", "rows to raw tables", "Polars alone"
# Two weeks of autumn and two of winter, so that there are homes of two seasons.
FIRST_DAY, DAYS = date(2014, 11, 17), 28
ACTIVE, PASSIVE = 4.0, 6.0
# What the simulator gives: events of the operator of three tenths for each resident.
EVENTS_A_RESIDENT = 82.8
LONGEST_SILENCE_S = 2 * 3_600


def world(events: int, folder: Path) -> Path:
    """Write a world of about so many events, if it is not there, and return where its files are."""
    root = folder / f"events-{events}"
    if not root.exists():
        scale = Scale("growth", round(events / EVENTS_A_RESIDENT), FIRST_DAY, DAYS, ACTIVE, PASSIVE, as_csv=False)
        made = simulate_mobile(root / "drops", root / "truth", scale=scale, seed=2)
        print(f"{made.events:,} events of {made.devices['north']:,} devices, {made.bytes / 1e9:.2f} GB", flush=True)
    return root / "drops"


def special(settings: Settings, drops: Path) -> Mapping[str, growth.Work]:
    """Return what to do in the steps that are no computation."""
    return {
        growth.REGISTER: lambda: growth.take_all(settings, drops),
        READ: lambda: read_files(settings),
        RAW_TABLES: lambda: growth.read_waiting(settings),
        POLARS: lambda: by_polars(drops),
    }


def read_files(settings: Settings) -> None:
    """Read all files into rows of their tables: parsed, made pseudonymous, and held against the rules."""
    home = Home(settings.home)
    for raw in RAW:
        read_waiting(home, Ledger(home), raw.source(settings), CATALOGUE[raw.table], making.COMMAND_LINE)


def by_polars(drops: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Count events by cell and hour, and find the cell of each device at which it stayed longest."""
    plan = pl.scan_csv(drops / "cells" / "*.csv").select("cell_id")
    events = (
        pl.scan_parquet(drops / "phone_events" / "*.parquet")
        .select("device", "time_utc", "cell_id")
        .drop_nulls()
        .unique()
        .join(plan, on="cell_id", how="semi")
    )
    by_hour = events.group_by("cell_id", hour=pl.col("time_utc").dt.truncate("1h")).len()
    after = pl.col("time_utc").shift(-1).over("device")
    seconds = (after - pl.col("time_utc")).dt.total_seconds().clip(upper_bound=LONGEST_SILENCE_S)
    stayed = (
        events.sort("device", "time_utc")
        .with_columns(seconds=seconds)
        .group_by("device", "cell_id")
        .agg(pl.col("seconds").sum())
        .group_by("device")
        .agg(longest=pl.col("cell_id").sort_by("seconds", "cell_id").last())
    )
    return by_hour.collect(engine="streaming"), stayed.collect(engine="streaming")


PILOT = growth.Pilot(
    script=Path(__file__).resolve(),
    unit="events",
    steps=[growth.REGISTER, READ, RAW_TABLES, *growth.computations("mobile"), POLARS],
    special=special,
    table_of={RAW_TABLES: "mobile/phone_events", READ: "none"},
    world=world,
)

if __name__ == "__main__":
    growth.main(PILOT, str(__doc__), [1_000_000, 3_000_000], POLARS, [POLARS])
