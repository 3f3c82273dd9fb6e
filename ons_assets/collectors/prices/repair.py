"""The repair of a day on which a shelf was renamed: what is proposed, with what evidence, and what people accepted."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ons_assets.collectors.prices.crawl import Collected, Known
from ons_assets.collectors.prices.shops import Shelf, Shop
from ons_assets.lakehouse.home import write_atomically


@dataclass(frozen=True)
class Proposal:
    """A shelf that is gone, and a new one that has its products.

    Parameters
    ----------
    item_id, item
        Consumer price item.
    shelf, becomes
        Names of the shelf before and now.
    shared, smaller
        Products that both have, and those of the smaller of the two.
    """

    item_id: str
    item: str
    shelf: str
    becomes: str
    shared: int
    smaller: int

    @property
    def sentence(self) -> str:
        """What is proposed and why."""
        return (
            f"{self.item} ({self.item_id}): the shelf {self.shelf} is gone, and {self.becomes} has {self.shared} of "
            f"{self.smaller} of its products ({100 * self.shared / self.smaller:.0f} %)"
        )


@dataclass(frozen=True)
class Acceptance:
    """A proposal that a person accepted."""

    item_id: str
    shelf: str
    becomes: str
    from_day: date
    accepted_by: str
    evidence: str


def proposals(collected: Collected, known: Known, least_overlap: float) -> list[Proposal]:
    """Return which new shelf has the products of each that is gone, if one does.

    The measure is the collection report's: products in common over those of the smaller of the two. Of a new shelf that
    holds the products of several that are gone, the larger part says little, so that the smaller one counts.

    Parameters
    ----------
    collected
        What the run found.
    known
        What the run before showed.
    least_overlap
        Share of products in common from which a shelf is the same.
    """
    found = []
    for shelf, walked in collected.shelves:
        before = set(known.products.get((shelf.item_id, shelf.name), ()))
        if walked.state not in ("gone", "empty") or not before:
            continue
        tried = [
            Proposal(
                shelf.item_id,
                shelf.item,
                shelf.name,
                name,
                len(before & set(products)),
                min(len(before), len(set(products))),
            )
            for (name, refine), products in collected.new_shelves.items()
            if refine == shelf.refine
        ]
        good = [each for each in tried if each.shared and each.shared >= least_overlap * each.smaller]
        if good:
            found.append(max(good, key=lambda each: (each.shared, each.becomes)))
    return found


def renamed(shop: Shop, accepted: Iterable[Acceptance], day: date) -> Shop:
    """Return a description with the shelves that were renamed up to a day under their new names.

    Parameters
    ----------
    shop
        As it is written.
    accepted
        What people accepted, in order.
    day
        Of the run.
    """
    items = shop.items
    for each in accepted:
        if each.from_day <= day:
            items = tuple(
                replace_shelf(one, each) if (one.item_id, one.name) == (each.item_id, each.shelf) else one
                for one in items
            )
    return shop.model_copy(update={"items": items})


def replace_shelf(shelf: Shelf, acceptance: Acceptance) -> Shelf:
    """Return a shelf under its new name; the directory of the shop says where it is."""
    return shelf.model_copy(update={"shelf": acceptance.becomes, "address": None, "sitemap": None, "matching": None})


def accepted(folder: Path) -> list[Acceptance]:
    """Return what was accepted for a shop, in order.

    Parameters
    ----------
    folder
        Of the collections of the shop.
    """
    path = folder / "accepted.json"
    if not path.exists():
        return []
    return [_acceptance(each) for each in json.loads(path.read_bytes())]


def accept(folder: Path, new: Sequence[Acceptance]) -> None:
    """Add to what was accepted for a shop.

    Parameters
    ----------
    folder
        Of the collections of the shop.
    new
        What a person accepts now.
    """
    said = [{**vars(each), "from_day": each.from_day.isoformat()} for each in [*accepted(folder), *new]]
    write_atomically(folder / "accepted.json", json.dumps(said, indent=1, ensure_ascii=False).encode())


def _acceptance(said: Mapping[str, Any]) -> Acceptance:
    return Acceptance(**{**said, "from_day": date.fromisoformat(said["from_day"])})
