"""Speed of reading against the readers of one format each: delimited text, CER text and JSON lines.

Usage: python benchmarks/intake_records.py [megabytes]
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ons_assets.intake.layouts import Layout
from ons_assets.intake.limits import Limits
from ons_assets.intake.records import records
from ons_assets.lakehouse.delimited import read_delimited
from ons_assets.meters.files import delimited_blocks

LIMITS = Limits()
TIMES = 5


def readings(path: Path, megabytes: int) -> None:
    row = "MAC{:06d},Std,2013-{:02d}-{:02d} {:02d}:{:02d}:00.0000000, {:.3f} ,ACORN-E,Affluent\n"
    block = "".join(
        row.format(n // 48 % 5000, n % 12 + 1, n % 28 + 1, n % 24, n % 2 * 30, n % 1000 / 997) for n in range(100_000)
    ).encode()
    with path.open("wb") as file:
        file.write(b"LCLid,stdorToU,DateTime,KWH/hh (per half hour) ,Acorn,Acorn_grouped\n")
        for _ in range(megabytes * 1_000_000 // len(block) + 1):
            file.write(block)


def seconds(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(TIMES):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return min(taken)


def compare(what: str, former: Callable[[], object], now: Callable[[], object], size: int) -> None:
    before, after = seconds(former), seconds(now)
    print(f"{what}: {before:.3f} s before, {after:.3f} s now, ratio {after / before:.2f}, {size / after / 1e6:.0f} MB/s")


def consume(blocks: object) -> None:
    for _ in blocks:  # type: ignore[attr-defined]
        pass


def main(megabytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "readings.csv"
        readings(path, megabytes)
        size = path.stat().st_size
        layout = Layout(name="a", columns={})
        compare(
            "delimited, in blocks",
            lambda: consume(delimited_blocks(path, ",", "utf-8")),
            lambda: consume(records(path, layout, LIMITS)),
            size,
        )
        compare(
            "delimited, whole",
            lambda: read_delimited(path, LIMITS),
            lambda: list(records(path, layout, LIMITS)),
            size,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
