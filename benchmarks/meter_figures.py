"""The pilot's two figures for one simulated home: daily totals over 18 months, and seven low days.

python benchmarks/meter_figures.py [docs/methods/figures]

Of 30 simulated homes, the one with most low days in one run is drawn.
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.drawing import as_svg
from ons_assets.meters.absence.low_use import low_use_runs
from ons_assets.meters.absence.pictures import (
    SHOWN_DAYS,
    daily_totals_figure,
    daily_totals_in_words,
    low_days_figure,
    low_days_in_words,
    low_week,
)
from ons_assets.meters.half_hours.daily import daily_consumption
from ons_assets.simulate.meters import Scale, simulated_homes
from ons_assets.simulate.meters.scales import TRIAL_DAYS, TRIAL_START

HOMES, SEED = 30, 3


def main() -> None:
    """Draw the figures of docs/methods/low_use.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("docs/methods/figures"))
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    homes = [
        home
        for home in simulated_homes(Scale("figures", homes=HOMES, days=TRIAL_DAYS), SEED)
        if str(home.household.kind) == "main"
    ]
    kwh = np.stack([np.maximum(home.kwh, 0) for home in homes]).astype(np.float32)
    rows = pl.DataFrame(
        {
            "bucket": pl.Series([0], dtype=pl.Int16).new_from_index(0, len(homes) * TRIAL_DAYS),
            "meter": np.repeat(np.arange(len(homes)), TRIAL_DAYS),
            "day": np.tile(np.arange(TRIAL_DAYS), len(homes)),
            "kwh": pl.Series(kwh.reshape(-1, 48), dtype=pl.Array(pl.Float32, 48)).arr.to_list(),
        }
    ).with_columns(day=pl.lit(TRIAL_START) + pl.duration(days="day"))
    daily = daily_consumption(rows)
    runs = low_use_runs(daily)
    chosen = runs.filter(pl.col("low_days") >= SHOWN_DAYS).sort("low_days", "meter", descending=True).row(0, named=True)
    mine = pl.col("meter") == chosen["meter"]
    daily, runs, half_hours = daily.filter(mine), runs.filter(mine), rows.filter(mine)
    shown = low_week(daily, runs)
    pictures = {"daily_totals": daily_totals_figure(daily, runs), "low_days": low_days_figure(half_hours, shown)}
    for name, picture in pictures.items():
        (folder / f"{name}.svg").write_text(as_svg(picture), "utf-8")
    print(daily_totals_in_words(daily, runs))
    print(low_days_in_words(half_hours, shown))
    print(f"a run of {chosen['low_days']} low days from {chosen['first_day']}; figures in {folder}")


if __name__ == "__main__":
    main()
