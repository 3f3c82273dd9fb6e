"""Prices of every product on every day: the item's level, sticky price reviews, promotions."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from ons_assets.simulate.prices import tables
from ons_assets.simulate.prices.assortment import Assortment, seasonal_cosine
from ons_assets.simulate.prices.seeds import generator
from ons_assets.simulate.prices.tables import Level, Retailer

REVIEW_NOISE = 0.02
"""Standard deviation, in log, of a reviewed price about its target."""


@dataclass(frozen=True)
class Promotion:
    """A kind of promotion; only a `cut` changes the price on the shelf."""

    kind: str
    value: int


PROMOTIONS = (
    Promotion("none", 0),
    Promotion("cut", 10),
    Promotion("cut", 20),
    Promotion("cut", 25),
    Promotion("cut", 33),
    Promotion("cut", 50),
    Promotion("multibuy", 2),
    Promotion("multibuy", 3),
    Promotion("multibuy", 4),
    Promotion("six_bottles", 25),
    Promotion("badge", 0),
)
"""Promotions by code. Values are per cent off (cut, six bottles) or the number to buy (multibuy)."""

_CODES = np.arange(1, 9)
_CODE_WEIGHTS = np.array([0.14, 0.14, 0.10, 0.09, 0.05, 0.24, 0.16, 0.08])
_SIX_BOTTLES, _BADGE = 9, 10


@dataclass(frozen=True)
class PricePaths:
    """Prices of all products, (products, days); pence are 0 where the product is not on sale.

    Parameters
    ----------
    price_pence
        Price on the shelf.
    regular_pence
        Price without a promotion.
    promotion
        Code of the promotion, an index into ``PROMOTIONS``.
    levels
        Log price level of each item, (days,), 0 on the first day.
    """

    price_pence: np.ndarray
    regular_pence: np.ndarray
    promotion: np.ndarray
    levels: dict[str, np.ndarray]


def item_level(seed: int, item_id: str, level: Level, start: date, days: int) -> np.ndarray:
    """Return the log price level of an item on each day: drift, random walk and season; 0 on the first day.

    Parameters
    ----------
    seed
        Seed of the world.
    item_id
        Item, so that each has a stream of its own.
    level
        Yearly drift, weekly standard deviation and season, all in logarithms.
    start, days
        First day and number of days of the world.
    """
    rng = generator(seed, "level", item_id)
    walk = np.cumsum(rng.normal(0.0, level.weekly_sd / np.sqrt(7), size=days))
    season = -level.season * seasonal_cosine(start, days, level.cheapest_day)
    path = level.yearly * np.arange(days) / 365.25 + walk + season
    centred: np.ndarray = path - path[0]
    return centred


def round_pence(pence: np.ndarray) -> np.ndarray:
    """Round to the price points of a supermarket: 1p below £1, 5p to £5, 10p to £20, 50p above."""
    step = np.select([pence < 100, pence < 500, pence < 2000], [1, 5, 10], 50)
    rounded: np.ndarray = np.maximum(np.rint(pence / step) * step, 1).astype(np.int32)
    return rounded


def build_paths(assortment: Assortment, seed: int, start: date) -> PricePaths:
    """Draw the prices of all products, shelf by shelf.

    Parameters
    ----------
    assortment
        Products, their base prices in pence, and the days on which they are on sale.
    seed
        Seed of the world.
    start
        First day of the world.
    """
    shape = assortment.on_sale.shape
    regular = np.zeros(shape, dtype=np.int32)
    price = np.zeros(shape, dtype=np.int32)
    promotion = np.zeros(shape, dtype=np.int8)
    recipes = tables.recipes()
    levels = {
        item_id: item_level(seed, item_id, recipes[item_id].level, start, assortment.days)
        for item_id in assortment.products["item_id"].unique().sort()
    }
    retailers = {retailer.name: retailer for retailer in tables.retailers()}
    shelves = assortment.products.with_row_index("row").group_by("retailer", "item_id", maintain_order=True).agg("row")
    cuts = np.array([each.value if each.kind == "cut" else 0 for each in PROMOTIONS])
    for name, item_id, row_list in shelves.iter_rows():
        rows = np.array(row_list)
        on_sale = assortment.on_sale[rows]
        shelf_regular = _regular_prices(
            generator(seed, "prices", name, item_id),
            assortment.base_pence[rows],
            levels[item_id],
            recipes[item_id].review_days,
            on_sale,
        )
        shelf_promotion = _promotions(
            generator(seed, "promotions", name, item_id),
            retailers[name],
            recipes[item_id].six_bottles,
            on_sale.shape,
        )
        off = cuts[shelf_promotion]
        shelf_price = np.minimum(round_pence(shelf_regular * (1 - off / 100)), shelf_regular)
        # Rounding can eat a small cut, and then there is nothing to announce.
        shelf_promotion = np.where((off > 0) & (shelf_price >= shelf_regular), 0, shelf_promotion)
        regular[rows] = np.where(on_sale, shelf_regular, 0)
        price[rows] = np.where(on_sale, shelf_price, 0)
        promotion[rows] = np.where(on_sale, shelf_promotion, 0)
    return PricePaths(price, regular, promotion, levels)


def _regular_prices(
    rng: np.random.Generator,
    base_pence: np.ndarray,
    level: np.ndarray,
    review_days: int,
    on_sale: np.ndarray,
) -> np.ndarray:
    """Prices stay as they are between reviews, and follow the item's level, with noise, at each review."""
    days = level.shape[0]
    review = rng.random(on_sale.shape) < 1 / review_days
    entry = np.argmax(on_sale, axis=1)
    review[np.arange(len(entry)), entry] = True
    review[:, 0] = True
    last_review = np.maximum.accumulate(np.where(review, np.arange(days), 0), axis=1)
    target = base_pence[:, None] * np.exp(level + rng.normal(0.0, REVIEW_NOISE, size=on_sale.shape))
    return round_pence(np.take_along_axis(target, last_review, axis=1))


def _promotions(rng: np.random.Generator, retailer: Retailer, six_bottles: bool, shape: tuple[int, ...]) -> np.ndarray:
    """Alternate ordinary weeks and promotions of one to four weeks, in the share that the retailer has."""
    products, days = shape
    warm_up = 60
    horizon = warm_up + days
    mean_length = 17.5
    mean_gap = mean_length * (1 - retailer.promotion_share) / retailer.promotion_share
    episodes = int(np.ceil(horizon / mean_length)) + 3
    length = 7 * rng.integers(1, 5, size=(products, episodes))
    gap = rng.geometric(1 / mean_gap, size=(products, episodes))
    ends = np.cumsum(gap + length, axis=1)
    starts = ends - length
    code = rng.choice(_CODES, p=_CODE_WEIGHTS / _CODE_WEIGHTS.sum(), size=(products, episodes))
    other = rng.random((products, episodes))
    if six_bottles:
        code = np.where(other < 0.4, _SIX_BOTTLES, code)
    elif retailer.website == "shelf_path":
        code = np.where(other < 0.25, _BADGE, code)
    change = np.zeros((products, horizon + 1), dtype=np.int64)
    row = np.broadcast_to(np.arange(products)[:, None], code.shape)
    np.add.at(change, (row, np.minimum(starts, horizon)), code)
    np.add.at(change, (row, np.minimum(ends, horizon)), -code)
    return np.cumsum(change, axis=1)[:, warm_up:horizon].astype(np.int8)
