"""The package's own tables: items with weights, fictional retailers, and what stands on each shelf."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import polars as pl
import yaml

Website = Literal["shelf_name", "shelf_address", "shelf_path"]

_DATA = files("ons_assets.simulate.prices") / "data"


def item_table() -> pl.DataFrame:
    """Return the 34 items of the prices pilot with their groups and weights.

    Returns
    -------
    polars.DataFrame
        ``item_id`` (text), ``item`` (CPI description), ``group`` (ten groups), ``top_group`` (two),
        ``weight`` (parts per thousand of the whole basket), ``in_small`` (whether the small scale has it).
        Items of a group add up to the group's weight.

    Notes
    -----
    Item numbers and descriptions are the CPI's. Weights are illustrative: groups have the size of their
    class in the CPI of 2014 to 2016, shares of items within a group are invented. Take official weights
    for anything but a demonstration.
    """
    return pl.read_csv((_DATA / "items.csv").read_bytes(), schema_overrides={"item_id": pl.String})


@dataclass(frozen=True)
class Retailer:
    """A fictional supermarket and how its pages look in the run files."""

    name: str
    website: Website
    share: float
    price_level: float
    promotion_share: float
    run_time: str
    own_label: tuple[str, ...]
    does_not_stock: frozenset[str]
    item_spellings: dict[str, str]


@dataclass(frozen=True)
class Pack:
    """Contents of a pack: `count` times `size` grams, millilitres or pieces."""

    count: int
    size: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> "Pack":
        """Read a pack as the recipes write it: ``800 g``, ``4x440 ml``, ``6 each``."""
        quantity, unit = text.split(" ")
        count, _, size = quantity.rpartition("x")
        return cls(int(count or 1), int(size), unit)

    @property
    def quantity(self) -> int:
        """All that the pack holds, in g, ml or pieces."""
        return self.count * self.size


@dataclass(frozen=True)
class Kind:
    """A kind of product on the shelf of an item."""

    name: str
    in_scope: bool
    share: float
    names: tuple[str, ...]
    brands: tuple[str, ...]
    packs: tuple[Pack, ...]
    times: float
    from_rename: bool


@dataclass(frozen=True)
class Level:
    """How the price level of an item moves.

    `yearly` is the log rate a year; `season` is the amplitude in log, lowest on `cheapest_day` of the year;
    `seasonal_share` is the share of products that are sold in the season only.
    """

    yearly: float
    weekly_sd: float
    season: float = 0.0
    cheapest_day: int = 1
    seasonal_share: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """What stands on the shelf of one item."""

    item_id: str
    shelf: tuple[str, str, str]
    search: str
    size: int
    price_gbp: float
    pack: Pack
    basis: str
    level: Level
    review_days: int
    six_bottles: bool
    kinds: tuple[Kind, ...]


@dataclass(frozen=True)
class Rename:
    """The shelf section that a retailer renames."""

    retailer: str
    section: str
    becomes: str


@cache
def retailers() -> tuple[Retailer, ...]:
    """Return the fictional retailers."""
    table = yaml.safe_load((_DATA / "retailers.yaml").read_text(encoding="utf-8"))
    return tuple(
        Retailer(
            name=name,
            website=entry["website"],
            share=entry["share"],
            price_level=entry["price_level"],
            promotion_share=entry["promotion_share"],
            run_time=entry["run_time"],
            own_label=tuple(entry["own_label"]),
            does_not_stock=frozenset(map(str, entry["does_not_stock"])),
            item_spellings={str(item): text for item, text in entry["item_spellings"].items()},
        )
        for name, entry in table.items()
    )


@cache
def _recipe_file() -> dict[str, Any]:
    table: dict[str, Any] = yaml.safe_load((_DATA / "recipes.yaml").read_text(encoding="utf-8"))
    return table


@cache
def rename() -> Rename:
    """Return the shelf section that is renamed."""
    return Rename(**_recipe_file()["rename"])


@cache
def words() -> dict[str, tuple[str, ...]]:
    """Return the lists of words that product names draw from."""
    return {word: tuple(choices) for word, choices in _recipe_file()["words"].items()}


@cache
def recipes() -> dict[str, Recipe]:
    """Return the recipe of each item, in the order in which the scraper visits the shelves."""
    table = _recipe_file()
    brand_lists: dict[str, list[str]] = table["brands"]

    def kind(entry: dict[str, Any]) -> Kind:
        brands: list[str] = []
        for brand_list in entry["brands"]:
            brands += ["own"] if brand_list == "own" else brand_lists[brand_list]
        return Kind(
            name=entry.get("kind", "the item"),
            in_scope=entry.get("in_scope", False),
            share=entry["share"],
            names=tuple(entry["names"]),
            brands=tuple(brands),
            packs=tuple(Pack.parse(pack) for pack in entry["packs"]),
            times=entry.get("times", 1.0),
            from_rename=entry.get("from_rename", False),
        )

    return {
        str(item_id): Recipe(
            item_id=str(item_id),
            shelf=tuple(entry["shelf"]),
            search=entry["search"],
            size=entry["size"],
            price_gbp=entry["price_gbp"],
            pack=Pack.parse(entry["pack"]),
            basis=entry["basis"],
            level=Level(**entry["level"]),
            review_days=entry["review_days"],
            six_bottles=entry.get("six_bottles", False),
            kinds=tuple(kind(each) for each in entry["kinds"]),
        )
        for item_id, entry in table["items"].items()
    }
