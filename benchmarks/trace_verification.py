"""Whether published cells come out again when they are made anew of the archived files: 100 of each pilot, at random.

    python benchmarks/trace_verification.py [HOME]

makes the small demonstration in a folder that goes again, or takes a home that is there; it must have been made by this
very program. All tables of a pilot that are not about persons are made again together, once; then cells are drawn.
"""

import random
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from ons_assets import demo
from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.trace.verification import OF_THE_CLOCK, same_bits
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.operations import tracing, verifying
from ons_assets.settings import Settings, load_settings

CELLS, SEED = 100, 1


def main() -> None:
    if len(sys.argv) > 1:
        report(load_settings(Path(sys.argv[1])))
        return
    with tempfile.TemporaryDirectory() as folder:
        settings = demo.prepared(load_settings(Path(folder)))
        demo.simulate(settings, "small", lambda _: None)
        demo.ingest(settings, lambda _: None)
        demo.materialize(settings, lambda _: None)
        report(settings)


def report(settings: Settings) -> None:
    """Print, for each pilot, how many of the cells that were drawn come out again, and how long it took."""
    history = tracing.history(settings)
    for pilot in demo.PILOTS:
        tables = [
            table
            for table in CATALOGUE.values()
            if table.domain == pilot and not table.is_individual and lake.exists(Home(settings.home), table)
        ]
        began = time.process_time()
        found = [tracing.trace(settings, history, table.name) for table in tables]
        steps = verifying.plan(
            history, [each.origin for each in found], [file for each in found for file in each.files]
        )
        frames = {}
        with verifying.replayed(settings, history, steps, lambda _: None) as (scratch, _):
            for table in tables:
                frames[table.name] = [
                    lake.read(home, table).collect().select(table.column_names).sort(table.key)
                    for home in (Home(settings.home), scratch)
                ]
        cells = []
        for table in tables:
            published, made = frames[table.name]
            assert published.select(table.key).equals(made.select(table.key)), f"other rows of {table.name}"
            for name in set(table.column_names) - {*table.key} - OF_THE_CLOCK.get(table.name, frozenset()):
                cells += [(table.name, name, row) for row in range(len(published))]
        drawn = random.Random(f"{SEED} {pilot}").sample(cells, min(CELLS, len(cells)))
        same = sum(_is_same(*frames[table], name, row) for table, name, row in drawn)
        every = sum(
            int(same_bits(published[name], made[name]).sum())
            for table, (published, made) in frames.items()
            for name in {name for of, name, _ in cells if of == table}
        )
        print(
            f"{pilot}: {same} of {len(drawn)} cells of {len(tables)} tables come out the same to the last bit; of all "
            f"{len(cells):,} cells, {every:,}; {time.process_time() - began:.0f} s of CPU, {len(steps)} publications"
        )


def _is_same(published: pl.DataFrame, made: pl.DataFrame, name: str, row: int) -> bool:
    return bool(same_bits(published[name].slice(row, 1), made[name].slice(row, 1))[0])


if __name__ == "__main__":
    main()
