"""Runs of the scraper: which there are, what each collects, and the bytes that it leaves behind."""

import gzip
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.simulate.prices import tables, web_pages
from ons_assets.simulate.prices.assortment import Assortment
from ons_assets.simulate.prices.faults import FaultPlan, Spell
from ons_assets.simulate.prices.paths import PricePaths
from ons_assets.simulate.prices.scales import Scale
from ons_assets.simulate.prices.seeds import generator
from ons_assets.simulate.prices.tables import Retailer

BLOCK_BYTES = 4096
"""A run that is killed loses the part of the file that was still in a buffer of this size."""
INFLATED_SWEEPS = 3
"""How often an inflated run reads the shelves."""
PAGE_ROWS = 8
"""Repeated rows come by the page: the scraper reads one page of a shelf twice."""

_TYPO_FACTORS = (10, 100, 0)
_TYPO_WEIGHTS = (0.6, 0.3, 0.1)


@dataclass(frozen=True)
class Run:
    """A run that was planned, whether or not it left a file."""

    retailer: Retailer
    day: int
    number: int
    started: datetime
    fault: str | None
    source_day: int

    @property
    def file_name(self) -> str:
        """Name of the run file, without ``.gz``."""
        return f"{self.retailer.name}_products_{self.started:%Y%m%d%H%M%S}.csv"


@dataclass(frozen=True)
class Collected:
    """What a run read, before it is written.

    Parameters
    ----------
    rows
        Row of the assortment of each line of the run, in order.
    first_seen
        Whether the line is the first of its product in the run.
    typo
        Factor of the mistyped price, 1 where the price is right.
    mislabelled
        Whether the line shows a wrong unit.
    vanished
        For each item that the pages did not show, the number of products missed.
    """

    rows: np.ndarray
    first_seen: np.ndarray
    typo: np.ndarray
    mislabelled: np.ndarray
    vanished: dict[str, int]

    def first(self, rows: int) -> "Collected":
        """Return what is left when only the first rows were kept."""
        return replace(
            self,
            rows=self.rows[:rows],
            first_seen=self.first_seen[:rows],
            typo=self.typo[:rows],
            mislabelled=self.mislabelled[:rows],
        )


def plan_runs(scale: Scale, seed: int, start: date, plan: FaultPlan) -> Iterator[Run]:
    """Yield the runs, in order of day and retailer. Times are the scraper's local clock.

    Parameters
    ----------
    scale
        Gives the number of days and how often a shop is visited twice.
    seed
        Seed of the world.
    start
        First day of the world.
    plan
        Runs that fail, and days on which a shop shows what it showed before.
    """
    for day in range(scale.days):
        for retailer in tables.retailers():
            fault = plan.runs.get((retailer.name, day))
            rng = generator(seed, "run times", retailer.name, day)
            first = datetime.combine(start + timedelta(day), time.fromisoformat(retailer.run_time))
            started = first + timedelta(seconds=int(rng.integers(0, 4)))
            again = rng.random() < scale.second_run_rate
            later = datetime.combine(started.date(), time(14)) + timedelta(seconds=int(rng.integers(0, 9000)))
            source_day = plan.stuck_source.get((retailer.name, day), day)
            yield Run(retailer, day, 1, started, fault, source_day)
            if again and fault is None:
                yield Run(retailer, day, 2, later, None, day)


class Scraper:
    """Reads the pages of the world and writes run files.

    Parameters
    ----------
    scale, seed, start
        As in ``simulate_prices``.
    assortment, paths, plan
        The world.
    mislabelled
        Products that show a wrong unit: row of the assortment to the days.
    rename_day
        Day from which the renamed shelf has its new name, or None.
    """

    def __init__(
        self,
        scale: Scale,
        seed: int,
        assortment: Assortment,
        paths: PricePaths,
        plan: FaultPlan,
        mislabelled: dict[int, Spell],
        rename_day: int | None,
    ) -> None:
        self.scale, self.seed, self.plan, self.rename_day = scale, seed, plan, rename_day
        self.assortment, self.paths = assortment, paths
        self.items = assortment.products["item_id"].to_numpy().astype(str)
        self.pages = {retailer.name: web_pages.page_table(assortment, retailer) for retailer in tables.retailers()}
        self.mislabelled: dict[int, Spell] = {}
        for pages in self.pages.values():
            self.mislabelled |= web_pages.can_be_mislabelled(pages, mislabelled)

    def collect(self, run: Run) -> Collected:
        """Return what the run reads from the pages."""
        rng = generator(self.seed, "run", run.retailer.name, run.source_day, run.number)
        own = self.pages[run.retailer.name]["row"].to_numpy().astype(np.int64)
        unique = own[self.assortment.on_sale[own, run.source_day]]
        vanished: dict[str, int] = {}
        for (retailer, item_id), spell in self.plan.vanished.items():
            hidden = self.items[unique] == item_id
            if retailer == run.retailer.name and run.source_day in spell and hidden.any():
                vanished[item_id] = int(hidden.sum())
                unique = unique[~hidden]
        typo = np.where(
            rng.random(len(unique)) < self.scale.price_typo_rate,
            rng.choice(_TYPO_FACTORS, p=_TYPO_WEIGHTS, size=len(unique)),
            1,
        )
        wrong_unit = np.array(
            [row in self.mislabelled and run.source_day in self.mislabelled[row] for row in unique.tolist()],
            dtype=bool,
        )
        position, first_seen = _with_repeats(rng, self.items[unique], self.scale.repeated_row_share)
        if run.fault == "inflated":
            position = np.tile(position, INFLATED_SWEEPS)
            first_seen = np.concatenate([first_seen, np.zeros(len(first_seen) * (INFLATED_SWEEPS - 1), dtype=bool)])
        return Collected(unique[position], first_seen, typo[position], wrong_unit[position], vanished)

    def text(self, run: Run, collected: Collected) -> bytes:
        """Return the whole run file, uncompressed."""
        rng = generator(self.seed, "timestamps", run.retailer.name, run.day, run.number)
        rows = collected.rows
        pages = self.pages[run.retailer.name]
        renamed = self.rename_day is not None and run.source_day >= self.rename_day
        if renamed and run.retailer.name == tables.rename().retailer:
            pages = web_pages.with_renamed_shelf(pages)
        first_row = int(pages["row"][0])
        true_pence = self.paths.price_pence[rows, run.source_day]
        frame = pages[rows - first_row].with_columns(
            timestamp=_timestamps(rng, run.started, self.items[rows], run.fault == "inflated"),
            price_pence=true_pence.astype(np.int64) * collected.typo,
            true_pence=true_pence,
            regular_pence=self.paths.regular_pence[rows, run.source_day],
            promotion=self.paths.promotion[rows, run.source_day],
            mislabelled=collected.mislabelled,
        )
        text: str = web_pages.render(frame, run.retailer.website).write_csv(line_terminator="\r\n")
        return text.encode()


def _with_repeats(rng: np.random.Generator, items: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Repeat whole pages of some shelves, each at the end of its shelf, until `share` of the rows are repeats.

    Returns
    -------
    position, first_seen
        Positions in the list of products, and whether each is the first of its product.
    """
    count = len(items)
    wanted = round(count * share / (1 - share))
    shelf_start = np.concatenate([[True], items[1:] != items[:-1]]) if count else np.zeros(0, dtype=bool)
    since_start = np.arange(count) - np.maximum.accumulate(np.where(shelf_start, np.arange(count), 0))
    page = np.cumsum(since_start % PAGE_ROWS == 0) - 1
    turn = rng.permutation(int(page[-1]) + 1 if count else 0)
    in_turn = np.argsort(turn[page], kind="stable") if count else np.zeros(0, dtype=int)
    repeated = np.sort(in_turn[:wanted])
    shelf = np.cumsum(shelf_start)
    position = np.concatenate([np.arange(count), repeated])
    first_seen = np.concatenate([np.ones(count, dtype=bool), np.zeros(len(repeated), dtype=bool)])
    order = np.argsort(shelf[position], kind="stable")
    return position[order], first_seen[order]


def _timestamps(rng: np.random.Generator, started: datetime, items: np.ndarray, slow: bool) -> pl.Series:
    """Local clock of each row: some milliseconds apart, seconds between shelves, hours between sweeps."""
    count = len(items)
    micros = rng.integers(1_900, 4_200, size=count)
    next_shelf = np.flatnonzero(items[1:] != items[:-1]) + 1
    micros[next_shelf] += rng.integers(300_000, 9_000_000, size=len(next_shelf))
    micros[:1] += rng.integers(2_000_000, 30_000_000)
    if slow:
        sweep = count // INFLATED_SWEEPS
        micros[sweep::sweep] += rng.integers(3 * 3600, 4 * 3600) * 1_000_000
    clock = np.datetime64(started, "us") + np.cumsum(micros).astype("timedelta64[us]")
    return pl.Series("timestamp", clock).dt.to_string("%Y-%m-%d %H:%M:%S%.6f")


def cut_inside_record(rng: np.random.Generator, text: bytes) -> bytes:
    """Return the file as a killed run leaves it: whole buffers only, and so the last record broken off."""
    blocks = max(len(text) // BLOCK_BYTES, 1)
    low, high = max(1, blocks // 5), max(2, blocks)
    end = min(int(rng.integers(low, high)) * BLOCK_BYTES, len(text) - 3)
    # Neither a broken character nor the end of a record: what is left must be text with a broken last line.
    while text[end] & 0xC0 == 0x80 or text[end - 1] in b"\r\n" or text[end] in b"\r\n":
        end -= 1
    return text[:end]


def write_run(path: Path, content: bytes) -> Path:
    """Write a run file in one step, compressed where the name ends in ``.gz``, and return its path."""
    if path.suffix == ".gz":
        # No time of writing in the header: the same world gives the same bytes.
        content = gzip.compress(content, compresslevel=6, mtime=0)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)
    return path
