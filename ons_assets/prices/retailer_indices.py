"""The index of each item at each retailer by itself, by month, and how far the choice of its products moves it."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from ons_assets.parameters.area_prices import AreaPriceParameters
from ons_assets.parameters.prices import IndexParameters
from ons_assets.prices.compilation import prices_of_periods
from ons_assets.prices.indices import IndexMethod, bootstrap_items, methods
from ons_assets.prices.indices.panel import FloatArray, IntArray
from ons_assets.prices.indices.uncertainty import FEWEST_PRODUCTS, LEAST_DEFINED, Bootstrap

FREQUENCY = "month"


@dataclass(frozen=True)
class RetailerIndices:
    """Indices of e pairs of a retailer and an item over t months.

    Parameters
    ----------
    periods
        The months, as they are published, in order.
    pairs
        retailer, item_id; sorted.
    index
        100 in the base of the pair, NaN where it has none, (t, e).
    variance
        Of the choice of products, in index points squared; NaN where nothing tells of it, (t, e).
    degrees
        Degrees of freedom of the variance, 1 at least, (t, e).
    base
        Number of the month in which the pair has its first price, (e,).
    """

    periods: pl.Series
    pairs: pl.DataFrame
    index: FloatArray
    variance: FloatArray
    degrees: FloatArray
    base: IntArray

    @cached_property
    def retailer_at(self) -> IntArray:
        """Number of the retailer of each pair, in the order of their names, (e,)."""
        return self.pairs["retailer"].rank("dense").to_numpy().astype(np.int64) - 1

    @cached_property
    def item_at(self) -> IntArray:
        """Number of the item of each pair, in the order of their ids, (e,)."""
        return self.pairs["item_id"].rank("dense").to_numpy().astype(np.int64) - 1

    def long(self, *name: pl.Expr) -> pl.DataFrame:
        """Return a row for each pair and month: what `name` makes of the pair, period and index (null where none).

        Parameters
        ----------
        name
            Expressions of retailer and item_id.
        """
        t, e = self.index.shape
        named = self.pairs.select(*name)
        return named[np.repeat(np.arange(e), t)].with_columns(
            period=self.periods[np.tile(np.arange(t), e)],
            index=pl.Series(self.index.T.ravel()).fill_nan(None),
        )


def retailer_indices(
    quotes: pl.LazyFrame, indices: IndexParameters, parameters: AreaPriceParameters
) -> RetailerIndices:
    """Compute the index of each item at each retailer, as if there were no other.

    Parameters
    ----------
    quotes
        As the table `prices/checked_quotes`.
    indices
        Which quotes an index follows, at which price; an index that is not possible is left out.
    parameters
        The method, and how many samples of products tell of its variance.
    """
    chosen = IndexMethod.of(parameters.method)
    retailers = quotes.select("retailer").unique().collect()["retailer"].sort()
    prices = {
        retailer: prices_of_periods(quotes.filter(retailer=retailer), indices, FREQUENCY) for retailer in retailers
    }
    needs_quantity = methods().filter(method=chosen.method)["needs_quantity"].item()
    months = [rows["period"] for _, rows in prices.values()]
    periods = pl.concat(months).unique().sort() if months else pl.Series("period", [], dtype=pl.String())
    found: dict[tuple[str, str], Bootstrap] = {}
    for retailer, (product, rows) in prices.items():
        usable = rows.drop_nulls("quantity") if needs_quantity else rows.drop("quantity")
        of_items = bootstrap_items(
            usable,
            chosen.method,
            product=product,
            seed=parameters.seed,
            samples=parameters.samples,
            periods=periods,
            **chosen.options,
        )
        found |= {(retailer, item): of for item, of in of_items.items() if of.base is not None}
    return _laid_out(periods, found, *indices.possible)


def _laid_out(
    periods: pl.Series, found: dict[tuple[str, str], Bootstrap], least: float, largest: float
) -> RetailerIndices:
    pairs = pl.DataFrame(sorted(found), schema={"retailer": pl.String(), "item_id": pl.String()}, orient="row")
    shape = (len(periods), len(found))
    index, variance, degrees = (np.full(shape, np.nan) for _ in range(3))
    matched, base = np.zeros(shape), np.zeros(len(found), dtype=np.int64)
    for number, key in enumerate(sorted(found)):
        of = found[key]
        assert of.base is not None
        is_possible = (of.index >= least) & (of.index <= largest)
        index[:, number] = np.where(is_possible, of.index, np.nan)
        variance[:, number] = _variance(of)
        degrees[:, number] = np.maximum(of.degrees, 1.0)
        matched[:, number] = of.matched
        base[number] = of.base
    made = RetailerIndices(periods, pairs, index, variance, degrees, base)
    return replace(made, variance=_completed(variance, index, matched, made.item_at))


def _variance(of: Bootstrap) -> FloatArray:
    """Variance by the samples; NaN where one product is matched, or too many samples have no index."""
    is_told = (of.matched >= FEWEST_PRODUCTS) & (np.isfinite(of.samples).mean(axis=0) >= LEAST_DEFINED)
    told = np.full(len(of.index), np.nan)
    told[is_told] = np.nanvar(of.samples[:, is_told], axis=0) / of.kept[is_told]
    told[of.base] = 0.0
    return told


def _completed(variance: FloatArray, index: FloatArray, matched: FloatArray, items: IntArray) -> FloatArray:
    """Let one product vary as products of the item do elsewhere, or as those of all items."""
    lacks = np.isfinite(index) & np.isnan(variance)
    of_product = variance / index**2 * matched
    of_product[variance == 0] = np.nan
    whole = variance.copy()
    for period, pair in np.argwhere(lacks):
        known = of_product[period, items == items[pair]]
        known = known if np.isfinite(known).any() else of_product[period]
        if np.isfinite(known).any():
            whole[period, pair] = np.nanmean(known) * index[period, pair] ** 2 / max(matched[period, pair], 1.0)
    return whole
