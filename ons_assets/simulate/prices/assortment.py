"""Products of the simulated supermarkets: names, packs, brands, and when each is on the shelf."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from ons_assets.simulate.prices import tables
from ons_assets.simulate.prices.scales import Scale
from ons_assets.simulate.prices.seeds import generator
from ons_assets.simulate.prices.tables import Kind, Pack, Recipe, Retailer

SHARE_ON_SALE = 0.985
"""Rough share of shelf places that are filled on a day; the rest wait for a successor or for the season."""
RELAUNCH_SHARE = 0.35
"""Share of exits that are relaunches: the same product in another pack."""
RETURN_SHARE = 0.15
"""Share of products that leave for some weeks and come back."""
SMALLEST_SHELF = 4
FIXED_BOTTLES_ML = (680, 700, 750)
"""Wine and spirits keep their bottle."""

_OWN_LABEL_PRICE = (0.85, 0.55, 1.15)
_WORD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Place:
    """A stretch of time that one product holds one place on a shelf. Days count from the first of the world."""

    first: int
    end: int
    gap_first: int
    gap_end: int
    relaunch: bool


@dataclass(frozen=True)
class Product:
    """A product before its prices are known."""

    lineage: str
    replaces: int | None
    recipe: Recipe
    retailer: Retailer
    kind: Kind
    brand: str
    text: str
    pack: Pack
    base_pence: float
    seasonal: bool
    place: Place


@dataclass(frozen=True)
class Assortment:
    """All products of the world.

    Parameters
    ----------
    products
        One row a product, in the order in which the scraper meets them, retailer by retailer.
    on_sale
        (products, days): whether the product is on the shelf.
    base_pence
        (products,): price on the first day of the world before noise and rounding.
    """

    products: pl.DataFrame
    on_sale: np.ndarray
    base_pence: np.ndarray

    @property
    def days(self) -> int:
        """Number of days of the world."""
        return int(self.on_sale.shape[1])


def day_of_year(start: date, days: int) -> np.ndarray:
    """Return the day of the year, 1 to 366, of each day of the world."""
    first = np.datetime64(start, "D")
    each = first + np.arange(days)
    day_of_year: np.ndarray = (each - each.astype("datetime64[Y]").astype("datetime64[D]")).astype(int) + 1
    return day_of_year


def seasonal_cosine(start: date, days: int, cheapest_day: int) -> np.ndarray:
    """Return a yearly wave for each day of the world: 1 on the cheapest day of the year, -1 half a year away.

    Parameters
    ----------
    start
        First day of the world.
    days
        Days of the world.
    cheapest_day
        Day of the year, 1 to 366.
    """
    return np.cos(2 * np.pi * (day_of_year(start, days) - cheapest_day) / 365.25)


def scraped_items(scale: Scale) -> list[str]:
    """Return the numbers of the items of a scale, in the order of the item table."""
    items = tables.item_table()
    if scale.items == "small":
        items = items.filter("in_small")
    elif scale.items != "all":
        raise ValueError(f"unknown items {scale.items!r}: use 'small' or 'all'")
    return items["item_id"].to_list()


def build_assortment(scale: Scale, seed: int, start: date, rename_day: int | None) -> Assortment:
    """Draw the products of all retailers.

    Parameters
    ----------
    scale
        Size of the world.
    seed
        Seed of the world.
    start
        First day.
    rename_day
        Day, counted from 0, from which a section of a retailer's shelves has a new name and new products;
        None where nothing is renamed.

    Raises
    ------
    ValueError
        If the recipes cannot name as many products as the scale asks for.
    """
    items = [tables.recipes()[item_id] for item_id in scraped_items(scale)]
    drawn: list[Product] = []
    for retailer in tables.retailers():
        stocked = [recipe for recipe in items if recipe.item_id not in retailer.does_not_stock]
        total = sum(recipe.size for recipe in stocked)
        places = scale.quotes_per_day * (1 - scale.repeated_row_share) * retailer.share / SHARE_ON_SALE
        for recipe in stocked:
            shelf_places = max(SMALLEST_SHELF, round(places * recipe.size / total))
            drawn += _shelf(scale, seed, retailer, recipe, shelf_places, rename_day, len(drawn))
    on_sale = _on_sale(drawn, start, scale.days)
    seen: np.ndarray = np.asarray(on_sale.any(axis=1))
    return Assortment(
        products=_frame(drawn, on_sale, start).filter(seen),
        on_sale=on_sale[seen],
        base_pence=np.array([product.base_pence for product in drawn])[seen],
    )


def _shelf(
    scale: Scale,
    seed: int,
    retailer: Retailer,
    recipe: Recipe,
    shelf_places: int,
    rename_day: int | None,
    products_before: int,
) -> list[Product]:
    """Draw the products that hold the places of one shelf over the whole period."""
    rng = generator(seed, "catalogue", retailer.name, recipe.item_id)
    renamed = tables.rename()
    affected = retailer.name == renamed.retailer and recipe.shelf[1] == renamed.section
    drawn: list[Product] = []
    taken: set[str] = set()
    for number, kind in enumerate(recipe.kinds):
        first_day = 0
        if kind.from_rename:
            if rename_day is None or not affected:
                continue
            first_day = rename_day
        places = max(2 if kind.in_scope else 1, round(shelf_places * kind.share))
        timelines = [_timeline(rng, scale.days, first_day, scale.exit_rate) for _ in range(places)]
        names = _names(rng, retailer, kind)
        for position, timeline in enumerate(timelines):
            seasonal = bool(rng.random() < recipe.level.seasonal_share)
            previous: Product | None = None
            for place in timeline:
                product = _relaunch(rng, previous, place, taken) if previous and place.relaunch else None
                if product is not None:
                    product = replace(product, replaces=products_before + len(drawn) - 1)
                else:
                    brand, text, pack = next(names)
                    product = Product(
                        lineage=f"{retailer.name}-{recipe.item_id}-{number}{position:03d}-{place.first:04d}",
                        replaces=None,
                        recipe=recipe,
                        retailer=retailer,
                        kind=kind,
                        brand=brand,
                        text=text,
                        pack=pack,
                        base_pence=_base_pence(seed, rng, retailer, recipe, kind, brand, pack),
                        seasonal=seasonal,
                        place=place,
                    )
                taken.add(_product_name(product))
                drawn.append(product)
                previous = product
    return drawn


def _timeline(rng: np.random.Generator, days: int, first_day: int, exit_rate: float) -> list[Place]:
    """Divide the period of one place on the shelf among the products that follow one another in it."""
    timeline: list[Place] = []
    first, relaunch = first_day, False
    while first < days:
        end = first + int(rng.geometric(exit_rate))
        gap_first = gap_end = end
        seen = min(end, days) - first
        if seen > 40 and rng.random() < RETURN_SHARE:
            gap_first = first + int(rng.integers(7, seen - 28))
            gap_end = gap_first + int(rng.integers(5, 22))
        timeline.append(Place(first, end, gap_first, gap_end, relaunch))
        relaunch = bool(rng.random() < RELAUNCH_SHARE)
        first = end if relaunch else end + int(rng.integers(0, 11))
    return timeline


def _names(rng: np.random.Generator, retailer: Retailer, kind: Kind) -> Iterator[tuple[str, str, Pack]]:
    """Draw different names: brand, text and pack. Where pages show no pack, names differ without it."""
    brands = [each for brand in kind.brands for each in (retailer.own_label if brand == "own" else (brand,))]
    word_lists = tables.words()
    shows_pack = retailer.website != "shelf_path"
    shapes: list[tuple[int, ...]] = []
    for template in kind.names:
        lists = tuple(len(word_lists[word]) for word in _WORD.findall(template))
        shapes.append((len(brands), *lists, len(kind.packs)) if shows_pack else (len(brands), *lists))
    offsets = np.cumsum([0] + [int(np.prod(shape)) for shape in shapes])
    for flat in rng.permutation(offsets[-1]):
        which = int(np.searchsorted(offsets, flat, side="right")) - 1
        indices = [int(index) for index in np.unravel_index(int(flat - offsets[which]), shapes[which])]
        text = kind.names[which]
        for word, index in zip(_WORD.findall(text), indices[1:], strict=False):
            text = text.replace("{" + word + "}", word_lists[word][index], 1)
        pack = kind.packs[indices[-1] if shows_pack else int(rng.integers(len(kind.packs)))]
        yield brands[indices[0]], text, pack
    raise ValueError(
        f"the recipe of {kind.name!r} can name only {offsets[-1]} products at {retailer.name}: add words or "
        "brands to recipes.yaml, or choose a smaller scale"
    )


def _base_pence(
    seed: int,
    rng: np.random.Generator,
    retailer: Retailer,
    recipe: Recipe,
    kind: Kind,
    brand: str,
    pack: Pack,
) -> float:
    if brand in retailer.own_label:
        tier = _OWN_LABEL_PRICE[retailer.own_label.index(brand)]
    else:
        tier = float(np.exp(generator(seed, "brand", brand).normal(0.05, 0.18)))
    # A larger pack costs less than in proportion.
    size = (pack.quantity / recipe.pack.quantity) ** 0.8 if pack.unit == recipe.pack.unit else 1.0
    noise = float(np.exp(rng.normal(0.0, 0.08)))
    return 100 * recipe.price_gbp * kind.times * size * tier * retailer.price_level * noise


def _relaunch(rng: np.random.Generator, previous: Product, place: Place, taken: set[str]) -> Product | None:
    """Return the product in its new pack, or None where the pack cannot change."""
    shrinks = rng.random() < 0.8
    pack = previous.pack
    if pack.size in FIXED_BOTTLES_ML and pack.unit == "ml":
        return None
    factor = 0.9 if shrinks else 1.1
    step = 5 if pack.size >= 100 else 1
    size = int(round(pack.size * factor / step) * step)
    if size == pack.size or size < 1:
        size = pack.size - 1 if shrinks else pack.size + 1
    offered = {(each.count, each.size) for each in previous.kind.packs}
    if size < 2 or (pack.count, size) in offered:
        return None
    # A smaller pack keeps its price, which is what hides the rise; a larger one costs a little less than in
    # proportion.
    price = 1.0 if shrinks else (size / pack.size) ** 0.9
    product = replace(previous, pack=replace(pack, size=size), base_pence=previous.base_pence * price, place=place)
    name = _product_name(product)
    if previous.retailer.website != "shelf_path" and name in taken:
        return None
    return product


def pack_text(pack: Pack) -> str:
    """Write a pack as product names show it: ``800G``, ``4X440ML``, ``75CL``, ``2.5KG``, ``6 PACK``."""
    if pack.unit == "each":
        return f"{pack.size} PACK" if pack.size > 1 else "EACH"
    if pack.unit == "ml" and pack.size in FIXED_BOTTLES_ML:
        text = f"{pack.size // 10}CL"
    elif pack.size >= 1000:
        text = f"{pack.size / 1000:g}{'KG' if pack.unit == 'g' else 'L'}"
    else:
        text = f"{pack.size}{pack.unit.upper()}"
    return text if pack.count == 1 else f"{pack.count}X{text}"


def _product_name(product: Product) -> str:
    name = f"{product.brand} {product.text}"
    return name if product.retailer.website == "shelf_path" else f"{name} {pack_text(product.pack)}"


def _on_sale(drawn: list[Product], start: date, days: int) -> np.ndarray:
    on_sale = np.zeros((len(drawn), days), dtype=bool)
    for row, product in enumerate(drawn):
        place = product.place
        on_sale[row, place.first : place.end] = True
        on_sale[row, place.gap_first : place.gap_end] = False
    for cheapest_day in {product.recipe.level.cheapest_day for product in drawn if product.seasonal}:
        out_of_season = np.flatnonzero(seasonal_cosine(start, days, cheapest_day) <= -0.3)
        rows = [
            row
            for row, product in enumerate(drawn)
            if product.seasonal and product.recipe.level.cheapest_day == cheapest_day
        ]
        on_sale[np.ix_(np.array(rows), out_of_season)] = False
    return on_sale


def _frame(drawn: list[Product], on_sale: np.ndarray, start: date) -> pl.DataFrame:
    items = dict(tables.item_table().select("item_id", "item").iter_rows())
    counters: dict[tuple[str, str], int] = {}
    ids: list[str] = []
    for product in drawn:
        key = (product.retailer.name, product.recipe.item_id)
        counters[key] = counters.get(key, 0) + 1
        ids.append(f"{key[0]}-{key[1]}-{counters[key]:04d}")
    seen: np.ndarray = np.asarray(on_sale.any(axis=1))
    first = np.argmax(on_sale, axis=1)
    last = on_sale.shape[1] - 1 - np.argmax(on_sale[:, ::-1], axis=1)
    days_on_sale = on_sale.sum(axis=1)
    day_zero = np.datetime64(start, "D")
    return pl.DataFrame(
        {
            "product_id": ids,
            "lineage": [product.lineage for product in drawn],
            "replaces": [
                ids[product.replaces] if product.replaces is not None and seen[product.replaces] else None
                for product in drawn
            ],
            "retailer": [product.retailer.name for product in drawn],
            "item_id": [product.recipe.item_id for product in drawn],
            "item": [items[product.recipe.item_id] for product in drawn],
            "product_name": [_product_name(product) for product in drawn],
            "brand": [product.brand for product in drawn],
            "own_label": [product.brand in product.retailer.own_label for product in drawn],
            "in_scope": [product.kind.in_scope for product in drawn],
            "kind": [product.kind.name for product in drawn],
            "pack_count": [product.pack.count for product in drawn],
            "pack_size": [product.pack.size for product in drawn],
            "pack_unit": [product.pack.unit for product in drawn],
            "first_day": day_zero + first,
            "last_day": day_zero + last,
            "days_on_sale": days_on_sale,
            "returned": days_on_sale < last - first + 1,
        },
        schema_overrides={
            "replaces": pl.String,
            "pack_count": pl.Int32,
            "pack_size": pl.Int32,
            "days_on_sale": pl.Int32,
        },
    )
