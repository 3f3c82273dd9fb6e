"""What is true in the simulated world: prices, indices, runs and faults, kept apart from the run files."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.simulate.prices.assortment import Assortment
from ons_assets.simulate.prices.paths import PROMOTIONS, PricePaths

FREQUENCIES = ("day", "week", "month")

FAULT_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "day": pl.Date,
    "retailer": pl.String,
    "item_id": pl.String,
    "product_id": pl.String,
    "class": pl.String,
    "file": pl.String,
    "rows": pl.Int32,
    "what": pl.String,
}

RUN_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "day": pl.Date,
    "retailer": pl.String,
    "number": pl.Int32,
    "started": pl.Datetime("us"),
    "class": pl.String,
    "source_day": pl.Date,
    "file": pl.String,
    "rows": pl.Int32,
    "in_scope_rows": pl.Int32,
    "repeated_rows": pl.Int32,
    "bytes": pl.Int64,
}


def period_starts(start: date, days: int, frequency: str) -> np.ndarray:
    """Return the first day of the period that each day belongs to: itself, the Monday, the first of the month.

    Parameters
    ----------
    start, days
        First day and number of days.
    frequency
        "day", "week" or "month".
    """
    each = np.datetime64(start, "D") + np.arange(days)
    if frequency == "day":
        return each
    if frequency == "week":
        # 1970-01-01, day 0 of datetime64, was a Thursday.
        since_monday = (each.astype(int) + 3) % 7
        mondays: np.ndarray = each - since_monday
        return mondays
    if frequency == "month":
        return each.astype("datetime64[M]").astype("datetime64[D]")
    raise ValueError(f"unknown frequency {frequency!r}: use one of {', '.join(FREQUENCIES)}")


def period_code(frequency: str) -> pl.Expr:
    """Return the code of a period from its first day: ``2014-06-02``, ``2014-W23`` (ISO), ``2014-06``."""
    return pl.col("period_start").dt.to_string({"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}[frequency])


def true_indices(assortment: Assortment, paths: PricePaths, start: date) -> pl.DataFrame:
    """Return the true index of each item by day, week and month; 100 in the first period of the world.

    Parameters
    ----------
    assortment
        Products, and the days on which they are on sale.
    paths
        Prices of each product and day, in pence.
    start
        First day of the world.

    Returns
    -------
    polars.DataFrame
        ``item_id``, ``frequency``, ``period``, ``period_start``; ``jevons``, ``jevons_linked``, ``path`` (see
        the notes); ``products_base``, ``products_matched``, ``lineages_matched``.

    Notes
    -----
    The population is every product that is in scope and on sale, at all retailers, whether or not a run saw it.

    ``jevons`` is the fixed-base Jevons: the price of a product in a period is the geometric mean of its
    prices on the shelf, promotions included, over the days on sale; the index is the geometric mean of the
    relatives to the first period over the products on sale in both. ``jevons_linked`` is the same over price
    per gram, millilitre or piece, a product and its relaunch in another pack being one.
    ``path`` is the item's generating level: what prices tend to when reviewed, without stickiness, noise and
    promotions; the geometric mean over the days of the period. It is what drives the prices and not the
    target of an index formula.

    A period in which nothing is matched has a null index.
    """
    in_scope = assortment.products["in_scope"].to_numpy()
    items = assortment.products["item_id"].to_numpy()
    quantity = (assortment.products["pack_count"] * assortment.products["pack_size"]).to_numpy()
    lineage = assortment.products["lineage"].rank("dense").to_numpy()
    tables: list[pl.DataFrame] = []
    for item_id, level in paths.levels.items():
        rows = np.flatnonzero(in_scope & (items == item_id))
        on_sale = assortment.on_sale[rows]
        log_price = np.log(np.where(on_sale, paths.price_pence[rows], 1))
        log_unit_price = np.where(on_sale, log_price - np.log(quantity[rows])[:, None], 0.0)
        lineages, member = np.unique(lineage[rows], return_inverse=True)
        lineage_sum = np.zeros((len(lineages), assortment.days))
        lineage_days = np.zeros((len(lineages), assortment.days))
        np.add.at(lineage_sum, member, log_unit_price)
        np.add.at(lineage_days, member, on_sale)
        for frequency in FREQUENCIES:
            periods, first = np.unique(period_starts(start, assortment.days, frequency), return_index=True)
            jevons, base, matched = _fixed_base_jevons(log_price, on_sale, first)
            linked, _, lineages_matched = _fixed_base_jevons(lineage_sum, lineage_days, first)
            length = np.diff(np.append(first, assortment.days))
            mean_level = np.add.reduceat(level, first) / length
            tables.append(
                pl.DataFrame(
                    {
                        "item_id": [item_id] * len(periods),
                        "frequency": [frequency] * len(periods),
                        "period_start": periods,
                        "jevons": jevons,
                        "jevons_linked": linked,
                        "path": 100 * np.exp(mean_level - mean_level[0]),
                        "products_base": np.full(len(periods), base, dtype=np.int32),
                        "products_matched": matched.astype(np.int32),
                        "lineages_matched": lineages_matched.astype(np.int32),
                    },
                    nan_to_null=True,
                ).with_columns(period=period_code(frequency))
            )
    order = ["item_id", "frequency", "period", "period_start"]
    return pl.concat(tables).select(*order, pl.exclude(order))


def _fixed_base_jevons(
    log_price: np.ndarray, on_sale: np.ndarray, first: np.ndarray
) -> tuple[np.ndarray, int, np.ndarray]:
    """Index, products of the base period, products matched; `log_price` is 0 where a product is not on sale."""
    days = np.add.reduceat(on_sale.astype(float), first, axis=1)
    with np.errstate(invalid="ignore"):
        mean = np.add.reduceat(log_price, first, axis=1) / days
    relative = mean - mean[:, :1]
    known = np.isfinite(relative)
    matched = known.sum(axis=0)
    with np.errstate(invalid="ignore"):
        index = 100 * np.exp(np.where(known, relative, 0.0).sum(axis=0) / matched)
    return index, int(known[:, 0].sum()), matched


def write_prices(path: Path, assortment: Assortment, paths: PricePaths, start: date) -> int:
    """Write the price of every product on every day on sale; return the number of rows.

    Columns: ``day``, ``product_id``, ``price_gbp`` (on the shelf), ``regular_price_gbp``, ``promotion``.

    Parameters
    ----------
    path
        Parquet file to write.
    assortment
        Products, and the days on which they are on sale.
    paths
        Prices of each product and day, in pence.
    start
        First day of the world.
    """
    day, row = np.nonzero(assortment.on_sale.T)
    names = [promotion.kind if promotion.kind != "cut" else f"cut {promotion.value}%" for promotion in PROMOTIONS]
    pl.DataFrame(
        {
            "day": (np.datetime64(start, "D") + day),
            "product_id": assortment.products["product_id"].cast(pl.Categorical)[row],
            "price_gbp": paths.price_pence[row, day] / 100,
            "regular_price_gbp": paths.regular_pence[row, day] / 100,
            "promotion": pl.Series(names, dtype=pl.Enum(list(dict.fromkeys(names))))[
                paths.promotion[row, day].astype(int)
            ],
        }
    ).with_columns(pl.col("product_id", "promotion").cast(pl.String)).write_parquet(path)
    return len(day)
