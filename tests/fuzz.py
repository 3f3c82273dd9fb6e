"""Damaged files of every source are registered, read and ingested: python -m tests.fuzz --mutations 20000 --seed 1.

What must hold, whatever lies in a drop folder: nothing is raised; every file has a row in the ledger, and a
plain sentence where it was not taken whole; rows in are rows accepted and rows in quarantine; nothing of a
file about people is quoted; a good file beside it gives what it gives alone; memory stays bounded.
"""

import argparse
import re
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.definitions import RAW
from ons_assets.intake import door, drops, ingestion, parsed, reading
from ons_assets.intake.ledger import Drop, Ledger
from ons_assets.intake.source import Source
from ons_assets.lakehouse import quarantine
from ons_assets.lakehouse.gate import Audit, Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.tables import Table
from ons_assets.orchestration.assets import RawAsset
from ons_assets.settings import Settings
from tests.intake.mutations import Mutant, mutant
from tests.intake.samples import MARKER, SAMPLES
from tests.workbench import SUITES, now

MOST_MEMORY_KB = 1 << 20
AT_ONCE = 8
NEIGHBOUR = "neighbour"
# The number alone is the name of a meter or a user in the samples.
TELLTALES = (MARKER.lower(), "4711", "secret words", "secret name", "secret_handle")
NOT_FOR_PEOPLE = (
    "traceback",
    "exception",
    "error at",
    "polars",
    "pyarrow",
    "duckdb",
    "openpyxl",
    "sqlite3",
    ".py",
    "panic",
)
SETTLED = {"accepted", "refused", "superseded", "duplicate"}


@dataclass(frozen=True)
class Violation:
    """Something that must hold and does not."""

    source: str
    seed: int | None
    how: str
    what: str

    def __str__(self) -> str:
        return f"{self.source} --seed {self.seed} ({self.how}): {self.what}"


@contextmanager
def open_gate() -> Iterator[None]:
    """Let every batch pass: Great Expectations takes longer than all the rest."""
    passed = Audit("0", 0, (), {})
    with (
        mock.patch.object(door, "suspects", lambda _, __, batches: frozenset(range(len(batches)))),
        mock.patch.object(door.gate, "audit", return_value=passed),
        mock.patch.object(door.validations, "keep"),
    ):
        yield


def tried(raw: RawAsset, seeds: Sequence[int], folder: Path) -> list[Violation]:
    """Lay damaged files and a good one into a home, ingest them together, and return what does not hold.

    Parameters
    ----------
    raw
        Whose source.
    seeds
        Of the damaged files.
    folder
        Where there is nothing yet.
    """
    settings = Settings(home=folder / "home", expectations=SUITES)
    home = Home(settings.home).ensure()
    source, table = raw.source(settings), CATALOGUE[raw.table]
    sample = SAMPLES[source.name]
    mutants = [mutant(sample, seed) for seed in seeds]
    (home.drops / source.name).mkdir()
    try:
        return list(_violations(settings, home, source, table, mutants, seeds))
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        if len(seeds) == 1:
            where = traceback.extract_tb(error.__traceback__)[-1]
            said = f"raised {type(error).__name__} at {where.filename}, line {where.lineno}: {str(error)[:200]}"
            return [Violation(source.name, seeds[0], mutants[0].how, said)]
        # Which of them it was.
        return [found for seed in seeds for found in tried(raw, [seed], folder / str(seed))]


def _violations(
    settings: Settings, home: Home, source: Source, table: Table, mutants: Sequence[Mutant], seeds: Sequence[int]
) -> Iterator[Violation]:
    ledger, sample = Ledger(home), SAMPLES[source.name]
    good = home.drops / source.name / f"{NEIGHBOUR}-{sample.name}"
    good.write_bytes(sample.make("good"))
    alone = source.whole(good, good.name, now()).accepted
    said: list[str] = []
    by_id: dict[int, tuple[int | None, str]] = {}
    laid = [(seed, each.how, each.lay(good.parent)) for seed, each in zip(seeds, mutants, strict=True)]
    for seed, how, path in [*laid[: len(laid) // 2], (None, NEIGHBOUR, good), *laid[len(laid) // 2 :]]:
        drop = drops.register(home, ledger, source, path, settings.drops.max_bytes)
        by_id[drop.drop_id] = (seed, how)
    for each in reading.read_waiting(home, ledger, source, table, "fuzz", progress=said.append):
        if each.parsed and by_id[each.drop.drop_id][0] is None:
            if reading.stale(source, [each.parsed]):
                yield Violation(source.name, None, NEIGHBOUR, "counts as read under another layout")
            rows = parsed.rows(parsed.folder_of(home, source.name), each.parsed).collect()
            if not rows.equals(table.conform(alone.with_columns(_later(table, rows))).select(rows.columns)):
                yield Violation(source.name, None, NEIGHBOUR, f"gives other rows beside {[*seeds]} than alone")
    days = [day for drop in ledger.drops() for day in drop.days]
    made = ingestion.ingest(
        home,
        ledger,
        source,
        table,
        Suite.load(SUITES, table.name),
        run_id="fuzz",
        settings={},
        days=(min(days), max(days)) if parsed.day_column(table) else None,
        progress=said.append,
    )
    if len(ledger.drops()) != len(by_id):
        yield Violation(source.name, None, "ledger", f"{len(ledger.drops())} rows for {len(by_id)} files")
    names = [drop.name for drop in ledger.drops()]
    for drop in ledger.drops():
        seed, how = by_id[drop.drop_id]
        wrong = [*_wrong(drop, how == NEIGHBOUR, table.is_individual), *_lacks(home, drop)]
        yield from (Violation(source.name, seed, how, what) for what in wrong)
    if table.is_individual:
        findings = [text for each in (*made.refusals, *made.warnings) for text in (each.reason, each.batch)]
        yield from (
            Violation(source.name, None, f"one of {[*seeds]}", f"is quoted: {text[:200]}")
            for text in [*findings, *said, *_kept(home)]
            if _tells(text, names)
        )


def _kept(home: Home) -> list[str]:
    """What stands in quarantine for people to read."""
    reasons = [path.read_text() for path in home.quarantine.rglob("*.reason.json")]
    return reasons + [text for path in home.quarantine.rglob("*.rows.parquet") for text in _texts(path)]


def _lacks(home: Home, drop: Drop) -> Iterator[str]:
    held = sum(each.rows for each in quarantine.entries(home) if each.batch.startswith(drop.sha256 or "-"))
    if drop.quarantined_rows is not None and drop.status != "duplicate" and held < drop.quarantined_rows:
        yield f"quarantine holds {held} of {drop.quarantined_rows}"


def _later(table: Table, rows: pl.DataFrame) -> list[pl.Expr]:
    return [
        pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in table.schema.items()
        if name in reading.LINEAGE and name not in rows.columns
    ]


def _texts(path: Path) -> list[str]:
    frame = pl.read_parquet(path, glob=False)
    return [text for text in [*frame["text"], *frame["reason"]] if text]


def _tells(text: str, names: Sequence[str]) -> bool:
    for name in names:
        text = text.replace(name, "")
    # A hash may hold any digits.
    text = re.sub(r"[0-9a-f]{64}", "", text)
    return any(each in text.lower() for each in TELLTALES)


def _wrong(drop: Drop, is_good: bool, is_individual: bool) -> Iterator[str]:
    reason = drop.reason or ""
    if drop.status not in SETTLED:
        yield f"is left as {drop.status}"
    if is_good and (drop.status != "accepted" or drop.quarantined_rows):
        yield f"a good file is {drop.status}: {reason}"
    if drop.status == "refused" and len(reason) < len(drop.name) // 2 + 5:
        yield f"is refused without a reason: {reason!r}"
    if drop.quarantined_rows and not reason:
        yield "has rows in quarantine and no reason"
    told = reason.replace(drop.name, "")
    if any(word in told.lower() for word in NOT_FOR_PEOPLE):
        yield f"is no plain sentence: {reason[:300]}"
    if any(ord(each) < 32 for each in told):
        yield f"has control characters: {reason[:300]!r}"
    if is_individual and _tells(told, []):
        yield f"quotes the file: {reason[:300]}"
    if drop.parsed_rows is not None and drop.parsed_rows != (drop.accepted_rows or 0) + (drop.quarantined_rows or 0):
        yield f"{drop.parsed_rows} rows in, {drop.accepted_rows} accepted, {drop.quarantined_rows} in quarantine"


def peak_memory_kb() -> int:
    """The most that this program held; `ru_maxrss` is at least what the process held that started it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))


def main() -> int:
    """Run from the command line; the exit code is 1 if something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1, help="of the first; the others follow")
    parser.add_argument("--source", help="only this one")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--real-gate", action="store_true", help="audit by Great Expectations, which is slow")
    asked = parser.parse_args()
    of_home = Settings(home=Path("unused"))
    raws = [raw for raw in RAW if asked.source in (None, raw.source(of_home).name)]
    began, done, kinds = time.monotonic(), 0, Counter()
    with open_gate() if not asked.real_gate else mock.patch.object(sys, "argv", sys.argv):
        found = 0
        while done < asked.mutations and time.monotonic() - began < asked.seconds:
            raw = raws[done // AT_ONCE % len(raws)]
            seeds = range(asked.seed + done, asked.seed + min(done + AT_ONCE, asked.mutations))
            folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
            for violation in tried(raw, seeds, folder):
                found += 1
                print(violation, flush=True)
            shutil.rmtree(folder)
            done += len(seeds)
            kinds.update(mutant(SAMPLES[raw.source(of_home).name], seed).how for seed in seeds)
            memory = peak_memory_kb()
            if memory > MOST_MEMORY_KB:
                print(f"{raw.source(of_home).name} --seed {seeds[0]} to {seeds[-1]}: {memory // 1024} MB of memory")
                found += 1
                break
    print(
        f"{done} files, {len(kinds)} kinds of damage, {found} violations, {time.monotonic() - began:.0f} s, "
        f"{peak_memory_kb() // 1024} MB"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
