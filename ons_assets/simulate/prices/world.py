"""The simulator of the prices pilot: run files with known faults, and the truth apart from them."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ons_assets.simulate.prices import tables
from ons_assets.simulate.prices.assortment import build_assortment
from ons_assets.simulate.prices.faults import plan_faults, plan_mislabelled, rename_day
from ons_assets.simulate.prices.paths import build_paths
from ons_assets.simulate.prices.runs import (
    INFLATED_SWEEPS,
    Collected,
    Run,
    Scraper,
    cut_inside_record,
    plan_runs,
    write_run,
)
from ons_assets.simulate.prices.scales import Scale, scale_of
from ons_assets.simulate.prices.seeds import generator
from ons_assets.simulate.prices.truth import FAULT_SCHEMA, RUN_SCHEMA, true_indices, write_prices

DEFAULT_START = date(2014, 6, 2)
DEFAULT_SEED = 20140602


@dataclass(frozen=True)
class Summary:
    """What was simulated.

    Parameters
    ----------
    drops, truth
        Folders written to.
    scale
        Name of the scale.
    first_day, last_day
        Days of the world.
    runs, files
        Runs planned, and files written: a missing run leaves none.
    rows
        Complete rows in the files, repeated rows included.
    in_scope_rows
        Those of them whose product is in scope for its item.
    bytes
        Size of the files as written.
    products
        Products that were on sale at some time.
    faults
        Rows of the truth table of faults, by class.
    """

    drops: Path
    truth: Path
    scale: str
    first_day: date
    last_day: date
    runs: int
    files: int
    rows: int
    in_scope_rows: int
    bytes: int
    products: int
    faults: dict[str, int]


def simulate_prices(
    drops: Path,
    truth: Path,
    *,
    scale: str | Scale = "small",
    seed: int = DEFAULT_SEED,
    start: date = DEFAULT_START,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Simulate the price collection of three fictional supermarkets.

    Parameters
    ----------
    drops
        Folder for the run files, ``<retailer>_products_YYYYMMDDHHMMSS.csv`` or ``.csv.gz``.
    truth
        Folder for ``products``, ``prices``, ``indices``, ``faults`` and ``runs`` (Parquet).
    scale
        Name of a scale (``small``, ``medium``, ``full``) or a ``Scale``.
    seed
        Seed of the world, not negative: the same seed, scale and start give the same bytes.
    start
        First day.
    progress
        Called after each day with the days done and the days in all.

    Returns
    -------
    Summary
        Counts and paths.

    Raises
    ------
    ValueError
        If the truth would lie among the drops, the scale is unknown, or the period is too short for its faults.
    FileExistsError
        If `drops` already holds run files: two worlds in one folder would have no truth.

    Examples
    --------
    >>> from ons_assets.simulate.prices.scales import NO_FAULTS
    >>> scale = Scale("tiny", days=3, quotes_per_day=90, items="small", compress=False, faults=NO_FAULTS)
    >>> summary = simulate_prices(Path("drops"), Path("truth"), scale=scale)
    >>> min(path.name for path in Path("drops").iterdir())
    'larkmere_products_20140602050743.csv'
    """
    scale = scale_of(scale)
    drops, truth = Path(drops), Path(truth)
    if truth.resolve().is_relative_to(drops.resolve()):
        raise ValueError("the truth must not lie in the folder of the drops: it would be read as data")
    if drops.is_dir() and any(drops.glob("*_products_*.csv*")):
        raise FileExistsError(f"{drops} already holds run files: empty it or choose another folder")
    if scale.days < 1:
        raise ValueError("a world needs at least one day")
    drops.mkdir(parents=True, exist_ok=True)
    truth.mkdir(parents=True, exist_ok=True)

    plan = plan_faults(scale, seed)
    renamed_from = rename_day(scale)
    assortment = build_assortment(scale, seed, start, renamed_from)
    paths = build_paths(assortment, seed, start)
    scraper = Scraper(scale, seed, assortment, paths, plan, plan_mislabelled(scale, seed, assortment), renamed_from)

    recorder = _Recorder(assortment.products, start)
    if renamed_from is not None:
        recorder.shelf_renamed(renamed_from)
    for run in plan_runs(scale, seed, start, plan):
        _carry_out(run, scraper, recorder, drops)
        if progress is not None and run.number == 1 and run.retailer == tables.retailers()[-1]:
            progress(run.day + 1, scale.days)

    faults, runs = recorder.fault_table(), recorder.run_table()
    assortment.products.write_parquet(truth / "products.parquet")
    true_indices(assortment, paths, start).write_parquet(truth / "indices.parquet")
    write_prices(truth / "prices.parquet", assortment, paths, start)
    faults.write_parquet(truth / "faults.parquet")
    runs.write_parquet(truth / "runs.parquet")
    return Summary(
        drops=drops,
        truth=truth,
        scale=scale.name,
        first_day=start,
        last_day=start + timedelta(scale.days - 1),
        runs=len(runs),
        files=int(runs["file"].count()),
        rows=int(runs["rows"].sum()),
        in_scope_rows=int(runs["in_scope_rows"].sum()),
        bytes=int(runs["bytes"].sum()),
        products=len(assortment.products),
        faults=dict(sorted(Counter(faults["class"].to_list()).items())),
    )


def _carry_out(run: Run, scraper: Scraper, recorder: "_Recorder", drops: Path) -> None:
    """Write the file of a run, if it leaves one, and record what is true of it."""
    if run.fault == "missing_run":
        recorder.run(run, None, None, 0)
        return
    name = run.file_name + (".gz" if scraper.scale.compress else "")
    if run.fault == "empty":
        recorder.run(run, name, None, write_run(drops / name, b"").stat().st_size)
        return
    collected = scraper.collect(run)
    text = scraper.text(run, collected)
    if run.fault == "truncated":
        text = cut_inside_record(generator(scraper.seed, "cut", run.retailer.name, run.day), text)
        whole_records = text.count(b"\n") - 1
        collected = collected.first(whole_records)
    recorder.run(run, name, collected, write_run(drops / name, text).stat().st_size)


class _Recorder:
    """Gathers the truth about runs and faults while the runs are carried out."""

    def __init__(self, products: pl.DataFrame, start: date) -> None:
        self.start = start
        self.items = products["item_id"].to_numpy().astype(str)
        self.in_scope = products["in_scope"].to_numpy()
        self.product_ids = products["product_id"].to_list()
        self.fault_rows: list[dict[str, Any]] = []
        self.run_rows: list[dict[str, Any]] = []

    def shelf_renamed(self, day: int) -> None:
        renamed = tables.rename()
        for item_id in np.unique(self.items).tolist():
            if tables.recipes()[item_id].shelf[1] == renamed.section:
                self._fault(
                    day,
                    renamed.retailer,
                    "shelf_renamed",
                    f"from this day on the shelf {renamed.section!r} is called {renamed.becomes!r} and holds "
                    "products that it did not hold before",
                    item_id=item_id,
                )

    def run(self, run: Run, file: str | None, collected: Collected | None, size: int) -> None:
        rows = np.zeros(0, dtype=np.int64) if collected is None else collected.rows
        repeated = 0 if collected is None else int((~collected.first_seen).sum())
        self.run_rows.append(
            {
                "day": self._date(run.day),
                "retailer": run.retailer.name,
                "number": run.number,
                "started": run.started,
                "class": run.fault or "ordinary",
                "source_day": None if collected is None else self._date(run.source_day),
                "file": file,
                "rows": len(rows),
                "in_scope_rows": int(self.in_scope[rows].sum()),
                "repeated_rows": repeated,
                "bytes": size if file is not None else None,
            }
        )
        what = {
            "missing_run": "no file was written",
            "empty": "the file has no content",
            "truncated": "the file ends inside a record",
            "inflated": f"the shelves were read {INFLATED_SWEEPS} times into one file",
            "stuck": f"the rows repeat those of {self._date(run.source_day)}",
        }
        if run.fault is not None:
            self._fault(run.day, run.retailer.name, run.fault, what[run.fault], file=file, rows=len(rows))
        if collected is not None:
            for fault in self._within(collected):
                self._fault(run.day, run.retailer.name, file=file, **fault)

    def _within(self, collected: Collected) -> Iterator[dict[str, Any]]:
        """Yield the faults of items and rows that a run holds."""
        for item_id, missed in collected.vanished.items():
            yield {
                "fault": "item_vanished",
                "what": f"{missed} products on sale were not on the pages",
                "item_id": item_id,
                "rows": 0,
            }
        repeated, times = np.unique(self.items[collected.rows[~collected.first_seen]], return_counts=True)
        for item_id, count in zip(repeated.tolist(), times.tolist(), strict=True):
            yield {
                "fault": "duplicate_rows",
                "what": "rows repeat earlier rows of the run",
                "item_id": item_id,
                "rows": count,
            }
        for fault, wrong in (
            ("price_typo", collected.typo != 1),
            ("unit_mislabelled", collected.mislabelled),
        ):
            rows, first, count = np.unique(collected.rows[wrong], return_index=True, return_counts=True)
            factors = collected.typo[wrong][first]
            for row, factor, times_seen in zip(rows.tolist(), factors.tolist(), count.tolist(), strict=True):
                yield {
                    "fault": fault,
                    "what": (
                        f"the price is multiplied by {factor}"
                        if fault == "price_typo"
                        else "the unit price names another unit than it is for"
                    ),
                    "item_id": str(self.items[row]),
                    "product_id": self.product_ids[row],
                    "rows": times_seen,
                }

    def _fault(self, day: int, retailer: str, fault: str, what: str, **details: Any) -> None:
        blank = {"item_id": None, "product_id": None, "file": None, "rows": None}
        self.fault_rows.append(
            blank | {"day": self._date(day), "retailer": retailer, "class": fault, "what": what} | details
        )

    def _date(self, day: int) -> date:
        return self.start + timedelta(day)

    def fault_table(self) -> pl.DataFrame:
        """Return the faults: one row a fault of a run, of an item in a run, or of a product in a run."""
        table = pl.DataFrame(self.fault_rows, schema=FAULT_SCHEMA)
        return table.sort("day", "retailer", "class", "item_id", "product_id", "file", maintain_order=True)

    def run_table(self) -> pl.DataFrame:
        """Return the runs: one row a run that was planned."""
        return pl.DataFrame(self.run_rows, schema=RUN_SCHEMA)
