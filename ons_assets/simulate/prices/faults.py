"""What goes wrong in the collection, and when."""

from dataclasses import dataclass

import numpy as np

from ons_assets.simulate.prices import tables
from ons_assets.simulate.prices.assortment import Assortment, scraped_items
from ons_assets.simulate.prices.scales import Scale
from ons_assets.simulate.prices.seeds import generator

FAULT_CLASSES = (
    "missing_run",
    "empty",
    "truncated",
    "inflated",
    "item_vanished",
    "shelf_renamed",
    "stuck",
    "duplicate_rows",
    "price_typo",
    "unit_mislabelled",
)
"""Names of the faults in the truth tables."""

QUIET_DAYS = 5
"""Days at either end of the period without a fault of a whole run or item."""


@dataclass(frozen=True)
class Spell:
    """A stretch of days, from `first` up to but not including `end`, counted from the first of the world."""

    first: int
    end: int

    def __contains__(self, day: int) -> bool:
        return self.first <= day < self.end


@dataclass(frozen=True)
class FaultPlan:
    """What goes wrong, and when.

    Parameters
    ----------
    runs
        Fault of the whole run of a (retailer, day).
    stuck_source
        For each (retailer, day) that is stuck, the day whose run it repeats.
    vanished
        Items that a retailer's pages do not show: (retailer, item number) to the days.
    """

    runs: dict[tuple[str, int], str]
    stuck_source: dict[tuple[str, int], int]
    vanished: dict[tuple[str, str], Spell]


def rename_day(scale: Scale) -> int | None:
    """Return the day, counted from 0, from which the renamed shelf has its new name."""
    return round(0.6 * scale.days) if scale.faults.shelf_renamed else None


def plan_faults(scale: Scale, seed: int) -> FaultPlan:
    """Choose the days, retailers and items of the faults.

    Raises
    ------
    ValueError
        If the period is too short for the faults that the scale asks for.
    """
    counts = scale.faults
    names = [retailer.name for retailer in tables.retailers()]
    free = np.zeros((len(names), scale.days), dtype=bool)
    free[:, QUIET_DAYS : scale.days - QUIET_DAYS] = True
    runs: dict[tuple[str, int], str] = {}
    stuck_source: dict[tuple[str, int], int] = {}

    def claim(fault: str, length: int, all_retailers: bool = False, lead: int = 0) -> None:
        """Mark `length` free days as faulty, and `lead` days before them as taken."""
        windows = np.lib.stride_tricks.sliding_window_view(free, length + lead, axis=1).all(axis=2)
        open_cells = np.argwhere(windows.all(axis=0, keepdims=True) if all_retailers else windows)
        if not len(open_cells):
            raise ValueError(f"{scale.days} days are too few for the faults asked for: no room for {fault!r}")
        rng = generator(seed, "faults", fault, len(runs))
        which, first = (int(index) for index in open_cells[rng.integers(len(open_cells))])
        for row in range(len(names)) if all_retailers else (which,):
            free[row, first : first + length + lead] = False
            for day in range(first + lead, first + lead + length):
                runs[names[row], day] = fault
                if fault == "stuck":
                    stuck_source[names[row], day] = first

    for _ in range(counts.outages):
        claim("missing_run", counts.outage_days, all_retailers=True)
    for _ in range(counts.stuck):
        claim("stuck", counts.stuck_days, lead=1)
    for fault, count in (
        ("missing_run", counts.missing_runs),
        ("empty", counts.empty),
        ("truncated", counts.truncated),
        ("inflated", counts.inflated),
    ):
        for _ in range(count):
            claim(fault, 1)
    return FaultPlan(runs, stuck_source, _vanished_items(scale, seed))


def _vanished_items(scale: Scale, seed: int) -> dict[tuple[str, str], Spell]:
    counts = scale.faults
    if not counts.item_vanished:
        return {}
    rng = generator(seed, "faults", "item_vanished")
    shelves = [
        (retailer.name, item_id)
        for retailer in tables.retailers()
        for item_id in scraped_items(scale)
        if item_id not in retailer.does_not_stock
    ]
    last_first = scale.days - QUIET_DAYS - counts.item_vanished_days
    if last_first <= QUIET_DAYS or counts.item_vanished > len(shelves):
        raise ValueError(f"{scale.days} days are too few for the faults asked for: no room for 'item_vanished'")
    vanished: dict[tuple[str, str], Spell] = {}
    for which in rng.choice(len(shelves), size=counts.item_vanished, replace=False):
        first = int(rng.integers(QUIET_DAYS, last_first))
        vanished[shelves[int(which)]] = Spell(first, first + counts.item_vanished_days)
    return vanished


def plan_mislabelled(scale: Scale, seed: int, assortment: Assortment) -> dict[int, Spell]:
    """Choose the products that show a wrong unit for some days: row of the assortment to the days.

    Products sold by the piece have no other unit to show, and pages without a unit price show none.

    Parameters
    ----------
    scale
        Gives the share of the products concerned.
    seed
        Seed of the world.
    assortment
        Products, and the days on which they are on sale.
    """
    rng = generator(seed, "faults", "unit_mislabelled")
    weighed = np.flatnonzero((assortment.products["pack_unit"] != "each").to_numpy())
    count = min(len(weighed), max(2, round(scale.mislabelled_rate * len(weighed))))
    if scale.mislabelled_rate == 0:
        return {}
    chosen: dict[int, Spell] = {}
    for row in np.sort(rng.choice(weighed, size=count, replace=False)):
        first = int(rng.choice(np.flatnonzero(assortment.on_sale[row])))
        chosen[int(row)] = Spell(first, first + int(rng.integers(3, 16)))
    return chosen
