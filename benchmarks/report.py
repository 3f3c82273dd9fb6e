"""The report of a large installation: how long it takes, and how large its pages are.

    python benchmarks/report.py                        # 1,000 tables with 400 days of history
    python benchmarks/report.py --tables 100 --days 50
    python benchmarks/report.py --home DIR             # of a home that is there, such as that of the demonstration

One table is published day by day as a pipeline does it, with the provenance of `prices/item_indices`, an audit each day
and a warning every tenth. The others have the same log and the same results under names of their own: links to the same
files, each of which is read for every table. Five files a day come, and one in fifty is refused.
"""

import argparse
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.report import gather, write_pages
from ons_assets.intake.ledger import Ledger
from ons_assets.intake.parsed import Parsed
from ons_assets.lakehouse import gate, lake, validations
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.lake import Provenance
from ons_assets.lakehouse.tables import Catalogue, Table
from ons_assets.settings import Settings, load_settings

MODEL = CATALOGUE["prices/item_indices"]
FILES_A_DAY, REFUSED_ONE_IN = 5, 50


def world(folder: Path, tables: int, days: int) -> tuple[Home, Settings, Catalogue]:
    """Make a home of so many tables, and return it with its settings and its catalogue."""
    home, expectations = Home(folder / "home").ensure(), folder / "expectations"
    shutil.copytree(Settings().expectations, expectations)
    settings = Settings(home=home.root, expectations=expectations)
    copies = [replace(MODEL, name=f"prices/table_{number:04}") for number in range(tables)]
    published(home, settings, copies[0], days)
    for table in copies:
        shutil.copy(expectations / f"{MODEL.name}.json", expectations / f"{table.name}.json")
    for table in copies[1:]:
        shutil.copytree(home.table(copies[0].name), home.table(table.name), copy_function=os.link)
        kept = home.reports / "validations"
        shutil.copytree(kept / copies[0].name, kept / table.name, copy_function=os.link)
    files(home, days)
    return home, settings, Catalogue([*CATALOGUE.values(), *copies])


def published(home: Home, settings: Settings, table: Table, days: int) -> None:
    """Publish a table so many times, a day apart in nothing but its number."""
    frame = pl.DataFrame(schema=table.schema)
    audit = gate.audit(gate.suite_of(MODEL, settings.expectations, None), MODEL, MODEL.empty())
    warning = gate.Failure(
        "column values to be between", "index", "warning", "expected max_value 200; 3 of 900", "i", "?"
    )
    inputs = {
        name: f"{n}:0123456789abcdef" for n, name in enumerate(("prices/checked_quotes", "reference/item_weights"))
    }
    parameters = settings.prices.model_dump(mode="json")
    for day in range(days):
        failures = (warning,) if day % 10 == 0 else ()
        said = replace(audit, failures=failures)
        made = Provenance(f"run-{day}", "0.3.0+0123456789ab", inputs, said.summary(), parameters, f"{day:016}")
        lake.publish(home, table, frame.lazy(), made)
        validations.keep(home, table.name, f"run-{day}", "", said)


def files(home: Home, days: int) -> None:
    """Write a ledger of so many days."""
    ledger, first = Ledger(home), datetime.now(UTC) - timedelta(days=days)
    for number in range(days * FILES_A_DAY):
        when = first + timedelta(days=number // FILES_A_DAY)
        drop = ledger.receive("prices", f"{number}.csv", f"{number:064}", 1000, when)
        if number % REFUSED_ONE_IN == 0:
            ledger.refuse(drop, f"{drop.name} is damaged")
            continue
        of = (str(when.date()),)
        drop = ledger.read(drop, Parsed({"name": "l"}, "0" * 12, {}, 9, 0, 9, None, of, (), (), "1.parquet"))
        ledger.accept(drop, accepted=9, quarantined=0, in_force=9, reason=None, run_id="run")


def report(home: Home, settings: Settings, catalogue: Catalogue, target: Path) -> None:
    """Make the report, and print what it took; CPU time says what it would take if nothing else ran."""
    clocks = [(time.perf_counter(), time.process_time())]
    facts = gather(home, settings, catalogue=catalogue)
    clocks.append((time.perf_counter(), time.process_time()))
    start = write_pages(facts, target)
    clocks.append((time.perf_counter(), time.process_time()))
    sizes = {path: path.stat().st_size for path in start.parent.rglob("*.html")}
    of_tables = [size for path, size in sizes.items() if "tables" in path.parts]
    versions = sum(len(table.publications) for table in facts.tables)
    came = sum(sum(source.files.values()) for source in facts.sources)
    print(f"{len(facts.tables):,} tables, {versions:,} versions, {came:,} files")
    for what, first, last in (("facts", 0, 1), ("pages", 1, 2), ("together", 0, 2)):
        wall, cpu = (clocks[last][clock] - clocks[first][clock] for clock in (0, 1))
        print(f"{what:<9}{wall:6.1f} s, CPU {cpu:6.1f} s")
    print(f"{len(sizes):,} pages, {sum(sizes.values()) / 1e6:.1f} MB; of a table at most {max(of_tables) / 1e3:.0f} kB")
    print(f"start page {sizes[start] / 1e3:.0f} kB")
    print(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB of memory")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tables", type=int, default=1_000)
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--home", type=Path)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        if given.home is not None:
            settings = load_settings(given.home)
            report(Home(settings.home), settings, CATALOGUE, Path(folder) / "report")
            return
        began = time.perf_counter()
        home, settings, catalogue = world(Path(folder), given.tables, given.days)
        print(f"made in {time.perf_counter() - began:.0f} s")
        report(home, settings, catalogue, Path(folder) / "report")


if __name__ == "__main__":
    main()
