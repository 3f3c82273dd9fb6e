"""Speed and memory of the way from raw CER text to half hours, at the size of the trial or smaller.

python benchmarks/meter_intake.py [--scale full] [--homes N] [--folder FOLDER]

Simulates CER files (or takes those that are in FOLDER), then measures

1. the same work twice on one file: the package's parser, and pyarrow's CSV reader, each followed by the
   same bucketing, gathering and half hours;
2. the whole intake of all files into a fresh home, gates and publication included, then half hours and
   reading quality bucket by bucket, with the peak of memory.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as arrow_csv

from ons_assets.catalogue.meters import HALF_HOURS, RAW_READINGS
from ons_assets.intake.cer import BLOCK_BYTES
from ons_assets.intake.drops import register
from ons_assets.intake.ingestion import ingest
from ons_assets.intake.ledger import Ledger
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.gate import Suite
from ons_assets.lakehouse.home import Home
from ons_assets.meters.half_hours.clock_face import half_hours
from ons_assets.meters.half_hours.quality import collection, reading_quality
from ons_assets.meters.readings import cer
from ons_assets.meters.readings.clock import to_day
from ons_assets.meters.readings.day_rows import day_rows
from ons_assets.meters.readings.identifiers import Pseudonyms
from ons_assets.meters.readings.placed import Block, ReadingKind
from ons_assets.meters.readings.sources import BUILT_IN, MeterFiles
from ons_assets.meters.readings.spill import Spill
from ons_assets.parameters.meters import Readings
from ons_assets.simulate.meters import SCALES, simulate_meters

PARAMETERS = Readings()
REPEATS = 3


def own_blocks(path: Path, home: Home) -> Iterator[Block]:
    """Parse with the package's kernel."""
    source = source_of(home)
    layout = source.layout(path, path.name)
    for block, _ in source.blocks(path, path.name, layout, source.placing(layout, datetime.now(UTC))):
        yield block


def source_of(home: Home) -> MeterFiles:
    """Return the source of readings of a home, with the layouts that are built in."""
    return MeterFiles((BUILT_IN,), home=home, readings=PARAMETERS)


def arrow_blocks(path: Path, home: Home) -> Iterator[Block]:
    """Parse with pyarrow's CSV reader, with all its threads, and place the readings with NumPy."""
    pseudonyms = Pseudonyms(home.secret())
    table = cer.positions(PARAMETERS.cer_zone, PARAMETERS.cer_spring_slots, datetime.now(UTC).date())
    batches = arrow_csv.open_csv(
        path,
        read_options=arrow_csv.ReadOptions(column_names=["meter", "code", "value"], block_size=BLOCK_BYTES),
        parse_options=arrow_csv.ParseOptions(delimiter=" ", invalid_row_handler=lambda _: "skip"),
        convert_options=arrow_csv.ConvertOptions(
            column_types={"meter": pa.int64(), "code": pa.int32(), "value": pa.float32()}, null_values=["-.-", "NaN"]
        ),
    )
    for batch in batches:
        meter, code = batch["meter"].to_numpy(), batch["code"].to_numpy()
        value = batch["value"].to_numpy(zero_copy_only=False) * np.float32(0.5)
        position = table[np.clip(code // 100, 0, 999), code % 100]
        good = (position >= 0) & np.isfinite(value) & (np.abs(value) <= PARAMETERS.max_half_hour_kwh)
        starts = np.concatenate([[0], np.flatnonzero(np.diff(meter)) + 1])
        numbers = np.array(pseudonyms.all_of(cer.TRIAL, meter[starts].tolist()))
        numbers = numbers.repeat(np.diff(np.append(starts, len(meter))))
        day = (code // 100 + to_day(cer.DAY_ONE) - 1).astype(np.int32)
        yield Block(numbers[good], day[good], position[good], value[good])


def to_half_hours(blocks: Iterator[Block], folder: Path) -> tuple[int, int]:
    """Bucket, gather and lay out the blocks of a file; return readings and meter-days."""
    readings = days = 0
    with Spill(folder, PARAMETERS.buckets, exact=False) as spill:
        for block in blocks:
            spill.add(block)
            readings += len(block.meter)
    placed = ReadingKind(cer.TRIAL, PARAMETERS.cer_zone)
    for bucket in range(PARAMETERS.buckets):
        if (part := spill.bucket(bucket)) is not None:
            rows = day_rows(part.meter, part.day, part.position, part.value, part.marks, placed)
            labels = {"bucket": bucket, "layout": placed.name, "zone": placed.zone}
            rows = rows.with_columns(arrival=1, **{name: pl.lit(text) for name, text in labels.items()})
            days += len(half_hours(rows))
    return readings, days


def compare(path: Path, folder: Path) -> None:
    """Print the time of both parsers at the same work, the best of some turns taken alternately."""
    home = Home(folder / "home").ensure()
    best: dict[str, float] = {}
    for turn in range(REPEATS):
        for name, blocks in (("own", own_blocks), ("pyarrow", arrow_blocks)):
            start = time.perf_counter()
            readings, _ = to_half_hours(blocks(path, home), folder / f"{name}{turn}")
            best[name] = min(best.get(name, np.inf), time.perf_counter() - start)
    print(
        f"text to half hours, {readings:,} readings: own {best['own']:.2f} s, pyarrow {best['pyarrow']:.2f} s, "
        f"ratio {best['own'] / best['pyarrow']:.2f}"
    )


def whole(files: list[Path], root: Path) -> None:
    """Print the time and the memory of the whole intake, of half hours and of quality."""
    home = Home(root).ensure()
    ledger = Ledger(home)
    source = source_of(home)
    suite = Suite.load(Path(__file__).resolve().parents[1] / "expectations", RAW_READINGS.name)
    for path in files:
        register(home, ledger, source, path, 1 << 34)
    start = time.perf_counter()
    outcome = ingest(home, ledger, source, RAW_READINGS, suite, run_id="bench", settings={})
    readings = sum(drop.usable or 0 for drop in ledger.drops("meters"))
    print(
        f"intake with gates and publication: {readings:,} readings, {outcome.rows:,} meter-days, "
        f"{time.perf_counter() - start:.1f} s, peak {_peak_mb()} MB"
    )
    start = time.perf_counter()
    table = lake.read(home, RAW_READINGS)
    names = list(range(PARAMETERS.buckets))
    made = root / "half_hours"
    made.mkdir()
    for name in names:
        rows = half_hours(table.filter(pl.col("bucket") == name).collect())
        HALF_HOURS.conform(rows).write_parquet(made / f"{name}.parquet")
    print(f"half hours: {time.perf_counter() - start:.1f} s, peak {_peak_mb()} MB")
    start = time.perf_counter()
    trial = collection(pl.read_parquet(made / f"{name}.parquet") for name in names)
    months = sum(len(reading_quality(pl.read_parquet(made / f"{name}.parquet"), trial)) for name in names)
    print(f"reading quality: {months:,} meter-months, {time.perf_counter() - start:.1f} s, peak {_peak_mb()} MB")


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="full", choices=SCALES)
    parser.add_argument("--homes", type=int, help="fewer homes than the scale has")
    parser.add_argument("--folder", type=Path, help="CER files that are there already")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch) / "drops"
        if arguments.folder is None:
            scale = replace(SCALES[arguments.scale], lcl_share=0.0, keep_consumption=False)
            scale = replace(scale, homes=arguments.homes or scale.homes)
            start = time.perf_counter()
            summary = simulate_meters(folder, Path(scratch) / "truth", scale=scale)
            print(f"simulated {summary.rows:,} lines, {summary.bytes >> 20:,} MB, {time.perf_counter() - start:.0f} s")
        files = sorted(folder.glob("File*.txt"))
        compare(files[0], Path(scratch) / "spill")
        whole(files, Path(scratch) / "home")


if __name__ == "__main__":
    main()
