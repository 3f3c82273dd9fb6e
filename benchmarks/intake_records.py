"""Speed of the reader of files against what it is made of: Arrow's own streaming reader, the kernel, and `readline`.

Usage: python benchmarks/intake_records.py [megabytes]
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from core_ext import parse_cer_text
from ons_assets.intake.cer import OWN_NUMBER
from ons_assets.intake.json_lines import lines
from ons_assets.intake.layouts import Layout
from ons_assets.intake.limits import Limits
from ons_assets.intake.records import records

LIMITS = Limits()
TIMES = 5
BLOCK_BYTES = 8 << 20
HEADER = b"LCLid,stdorToU,DateTime,KWH/hh (per half hour) ,Acorn,Acorn_grouped\n"


def written(path: Path, megabytes: int, header: bytes, block: bytes) -> int:
    """Write a file of blocks and return its size."""
    with path.open("wb") as file:
        file.write(header)
        for _ in range(megabytes * 1_000_000 // len(block) + 1):
            file.write(block)
    return path.stat().st_size


def readings() -> bytes:
    row = "MAC{:06d},Std,2013-{:02d}-{:02d} {:02d}:{:02d}:00.0000000, {:.3f} ,ACORN-E,Affluent\n"
    return "".join(
        row.format(n // 48 % 5000, n % 12 + 1, n % 28 + 1, n % 24, n % 2 * 30, n % 1000 / 997) for n in range(100_000)
    ).encode()


def cer_readings() -> bytes:
    return "".join(
        f"{n // 48 % 5000 + 1000} {n % 500 + 100}{n % 48 + 1:02d} {n % 1000 / 997:.3f}\n" for n in range(100_000)
    ).encode()


def json_rows() -> bytes:
    row = '{{"id_str": "{}", "text": "{}", "user": {{"id_str": "{}", "name": "x"}}, "coordinates": null}}\n'
    return "".join(row.format(n, "t" * (n % 140), n % 999) for n in range(50_000)).encode()


def seconds(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(TIMES):
        # Of the processor, so that other work on the machine does not count.
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return min(taken)


def compare(what: str, floor: Callable[[], object], reader: Callable[[], object], size: int) -> None:
    least, taken = seconds(floor), seconds(reader)
    print(f"{what}: {least:.3f} s at least, {taken:.3f} s, ratio {taken / least:.2f}, {size / taken / 1e6:.0f} MB/s")


def consume(blocks: Iterable[object]) -> None:
    for _ in blocks:
        pass


def by_arrow(path: Path) -> None:
    with path.open("rb") as file:
        names = file.readline().decode().rstrip().split(",")
        options = arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
        read = arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES, column_names=names)
        consume(arrow_csv.open_csv(file, read_options=read, convert_options=options))


def by_kernel(path: Path) -> None:
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            parse_cer_text(block, OWN_NUMBER, 1.0, np.inf)


def by_readline(path: Path) -> None:
    with path.open("rb") as file:
        while file.readline(LIMITS.line_bytes + 1):
            pass


def main(megabytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        size = written(
            path, megabytes, b"LCLid,stdorToU,DateTime,KWH/hh (per half hour) ,Acorn,Acorn_grouped\n", readings()
        )
        layout = Layout(name="a", columns={})
        compare("delimited text, Arrow", lambda: by_arrow(path), lambda: consume(records(path, layout, LIMITS)), size)
        size = written(path, megabytes, b"", cer_readings())
        layout = Layout(name="a", columns={}, format="cer")
        compare("CER text, kernel", lambda: by_kernel(path), lambda: consume(records(path, layout, LIMITS)), size)
        size = written(path, megabytes, b"", json_rows())
        compare("lines, readline", lambda: by_readline(path), lambda: consume(lines(path, LIMITS)), size)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
