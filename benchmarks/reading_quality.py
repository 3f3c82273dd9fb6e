"""What was read, estimated, missing and unreadable of real files: the table of docs/methods/reading_quality.md.

python benchmarks/reading_quality.py [--data FOLDER]
"""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from ons_assets.catalogue.meters import HALF_HOURS, RAW_READINGS
from ons_assets.lakehouse.home import Home
from ons_assets.meters.half_hours.clock_face import half_hours
from ons_assets.meters.half_hours.quality import reading_quality
from ons_assets.meters.readings.sources import BUILT_IN, MeterFiles

DATA = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
FILES = (
    "lcl_MAC000002_raw.csv.gz",
    "sgsc_australia_10_homes_half_hour.parquet",
    "edrp_scotland_500_homes_half_hour.parquet",
)
COUNTS = (
    "expected",
    "read",
    "estimated_half_hours",
    "unreadable_half_hours",
    "missing_half_hours",
    "missing_not_started",
    "missing_ended",
    "missing_collection",
    "missing_meter_off",
    "missing_communication",
    "zero_runs",
    "flat_runs",
    "spikes",
)


def main() -> None:
    """Print the counts of each file, over all meters and months."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    data = parser.parse_args().data
    with TemporaryDirectory() as folder:
        source = MeterFiles((BUILT_IN,), home=Home(Path(folder)).ensure())
        for name in FILES:
            accepted = source.whole(data / "meters" / name, name, datetime.now(UTC)).accepted
            raw = RAW_READINGS.conform(accepted.with_columns(arrival=pl.lit(1), drop_sha256=pl.lit("0")))
            quality = reading_quality(HALF_HOURS.conform(half_hours(raw)))
            sums = quality.select(pl.col(COUNTS).sum()).row(0, named=True)
            print(f"{name}: {quality['meter'].n_unique()} meters, {len(quality)} rows")
            print("".join(f"  {column:22} {count:>9,}\n" for column, count in sums.items()))


if __name__ == "__main__":
    main()
