"""How uncertain an index is for the choice of products: bootstrap intervals of items, and of groups of items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from zlib import crc32

import numpy as np
import polars as pl
from scipy.special import ndtr, ndtri, stdtrit

from ons_assets.lakehouse.sums import in_one_thread
from ons_assets.prices.indices.hedonic import column_of
from ons_assets.prices.indices.methods import index_of_panel
from ons_assets.prices.indices.numbers import as_floats
from ons_assets.prices.indices.panel import FloatArray, IntArray, make_panel
from ons_assets.prices.indices.registry import NEED_FEATURES
from ons_assets.prices.indices.resampling import levels_of_samples
from ons_assets.prices.indices.series import base_position

# Fewer products have no spread.
FEWEST_PRODUCTS = 2
KINDS = ("expanded", "percentile", "bca")
# With fewer samples that have an index, those that have one are no fair sample.
LEAST_DEFINED = 0.9
TOO_FEW_PRODUCTS = "fewer than two matched products: no spread to learn from"
TOO_FEW_SAMPLES = "too many samples have no index"
ITEM_WITHOUT_INDEX = "an item of the group has no index"


@dataclass(frozen=True)
class Bootstrap:
    """An index, and the same index of samples of its products.

    Attributes
    ----------
    periods
        Labels of the T periods.
    index : (T,)
        The index, 100 at the base; NaN where there is none.
    matched : (T,)
        Products it rests on; for a group, those of the item that has fewest.
    base
        Number of the base period; None if there is none.
    reason
        Why there is no index, by period; null where there is one.
    samples : (samples, T)
        The index of each sample; NaN where it has none.
    degrees, kept : (T,)
        Degrees of freedom of the spread of the samples, and the share of the true variance that it shows: of n
        products drawn with replacement n - 1 and (n - 1) / n.
    influence : (products, T) or None
        How far each product moves the index, by leaving it out; only where asked for.
    """

    periods: pl.Series
    index: FloatArray
    matched: IntArray
    base: int | None
    reason: pl.Series
    samples: FloatArray
    degrees: FloatArray
    kept: FloatArray
    influence: FloatArray | None = None


def bootstrap(
    quotes: pl.DataFrame | pl.LazyFrame,
    method: str,
    *,
    samples: int = 1000,
    seed: int = 0,
    influence: bool = False,
    periods: Sequence[Any] | pl.Series | None = None,
    base: Any = None,
    carry: bool = False,
    **options: Any,
) -> Bootstrap:
    """Compute the index of an item, and of samples of its products drawn with replacement.

    A sample has as many products as the item, some of them several times; a product is drawn with its whole
    history, so that what its prices have to do with one another is kept. The spread of the samples is that
    of an index whose products had been chosen at random from very many of their kind.

    Parameters
    ----------
    quotes
        As for `price_index`, of one item.
    method
        As for `price_index`.
    samples
        Number of samples; a thousand and more for intervals at 95 %.
    seed
        The same seed gives the same samples.
    influence
        Compute too what leaving out each product changes, which intervals of the kind "bca" need.
    periods, base, carry
        As for `price_index`.
    **options
        The other options of `price_index`: window, splice, chain, weight_period, features, parameters.

    Returns
    -------
    Bootstrap

    Raises
    ------
    ValueError
        As `price_index`; if `samples` is below 1.

    References
    ----------
    Efron and Tibshirani (1993), An introduction to the bootstrap, chapters 12 to 14; Consumer Price Index
    Manual (2020), chapter 4, on errors of sampling.
    """
    if samples < 1:
        raise ValueError(f"a bootstrap needs at least one sample, not {samples}")
    panel = make_panel(
        as_floats(quotes.lazy(), "price", "quantity"),
        periods=periods,
        carry=carry,
        with_features=method in NEED_FEATURES,
    )
    estimate = index_of_panel(panel, method, base=base, **options)
    position = base_position(panel, base)
    n_products = len(panel.products)
    index = estimate["index"].fill_null(np.nan).to_numpy()
    drawn, moved = np.full((samples, panel.n_periods), np.nan), None
    if position is not None and np.isfinite(index[position]):
        counts = np.random.default_rng(seed).multinomial(n_products, np.full(n_products, 1 / n_products), samples)
        with in_one_thread():
            levels = levels_of_samples(panel, method, counts.astype(np.float64), position, options)
            drawn = 100 * np.exp(levels)
            if influence:
                without = 1.0 - np.eye(n_products)
                moved = _influence(100 * np.exp(levels_of_samples(panel, method, without, position, options)))
    matched = estimate["matched_products"].to_numpy()
    degrees = np.maximum(matched - 1.0, 0.0)
    return Bootstrap(
        panel.periods,
        index,
        matched,
        position,
        estimate["reason"],
        drawn,
        degrees,
        degrees / np.maximum(matched, 1),
        moved,
    )


def bootstrap_items(
    quotes: pl.DataFrame | pl.LazyFrame,
    method: str,
    *,
    product: Sequence[str] = ("product",),
    seed: int = 0,
    periods: Sequence[Any] | pl.Series | None = None,
    **options: Any,
) -> dict[Any, Bootstrap]:
    """Bootstrap the index of each item by itself.

    Parameters
    ----------
    quotes
        As for `by_item`.
    method
        As for `price_index`.
    product
        Columns that together identify a product. Quotes that depend on one another belong to one product: a
        product and its relaunches, or all shops of a chain with one price list.
    seed
        Of all items; the samples of an item do not depend on what other items there are.
    periods
        As for `by_item`.
    **options
        As for `bootstrap`.

    Returns
    -------
    Bootstraps by ``item_id``, in its order.
    """
    frame = quotes.lazy().collect()
    periods = frame["period"].unique().sort() if periods is None else periods
    identity = pl.struct(product) if len(product) > 1 else pl.col(product[0])
    known = ("quantity", *map(column_of, options.get("features") or ()))
    columns = ["item_id", "period", "price", *(name for name in dict.fromkeys(known) if name in frame.columns)]
    parts = frame.select(*columns, identity.alias("product")).partition_by("item_id", as_dict=True, include_key=False)
    return {
        item: bootstrap(part, method, seed=_seed_of(seed, item), periods=periods, **options)
        for (item,), part in sorted(parts.items(), key=lambda entry: entry[0])
    }


def bootstrap_group(items: Mapping[Any, Bootstrap], weights: Mapping[Any, float]) -> Bootstrap:
    """Combine the bootstraps of items to that of their group, the weighted arithmetic mean of their indices.

    The items are drawn independently of each other. Weights count as known and as constant since the base:
    how a chain of weights of several years spreads is not told by this.

    Parameters
    ----------
    items
        Bootstraps of the same periods and the same number of samples, by item.
    weights
        Weight of each item, positive, in any unit.

    Returns
    -------
    Bootstrap; in a period in which an item has no index there is none.

    Raises
    ------
    ValueError
        If an item has no weight, or the items do not have the same periods, base and number of samples.
    """
    if not items:
        raise ValueError("a group needs at least one item")
    missing = sorted(str(item) for item in items if not weights.get(item, 0) > 0)
    if missing:
        raise ValueError(f"no positive weight for item(s) {', '.join(missing)}")
    first, *others = items.values()
    if any(
        not other.periods.equals(first.periods)
        or other.samples.shape != first.samples.shape
        or other.base != first.base
        for other in others
    ):
        raise ValueError("items of a group need the same periods, the same base and the same number of samples")
    total = sum(weights[item] for item in items)
    share = {item: weights[item] / total for item in items}
    index = np.sum([share[item] * of.index for item, of in items.items()], axis=0)
    degrees, kept = pooled(
        [(share[item] ** 2 * of.samples.var(axis=0), of.degrees, of.kept) for item, of in items.items()]
    )
    influences = [share[item] * of.influence for item, of in items.items() if of.influence is not None]
    return Bootstrap(
        first.periods,
        index,
        np.min([of.matched for of in items.values()], axis=0),
        first.base,
        pl.Series([None if known else ITEM_WITHOUT_INDEX for known in np.isfinite(index)], dtype=pl.String),
        np.sum([share[item] * of.samples for item, of in items.items()], axis=0),
        degrees,
        kept,
        np.concatenate(influences) if len(influences) == len(items) else None,
    )


def pooled(items: Sequence[tuple[FloatArray, FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray]:
    """Return degrees of freedom and the share of variance kept, of a sum of items with their variances.

    The degrees are those of Welch and Satterthwaite. Where no item varies they are those of the smallest.

    Parameters
    ----------
    items
        Variance, degrees of freedom and share of the variance kept of each item, each of shape (T,).
    """
    variance, degrees, kept = (np.array(values) for values in zip(*items, strict=True))
    varies = variance.sum(axis=0) > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        together = variance.sum(axis=0) ** 2 / (variance**2 / degrees).sum(axis=0)
        share = variance.sum(axis=0) / (variance / kept).sum(axis=0)
    return np.where(varies, together, degrees.min(axis=0)), np.where(varies, share, kept.min(axis=0))


def intervals(
    of: Bootstrap, *, level: float = 0.95, kind: Literal["expanded", "percentile", "bca"] = "expanded"
) -> pl.DataFrame:
    """Return the interval in which the index lies in each period, and its standard error.

    Parameters
    ----------
    of
        A bootstrap of an item or a group.
    level
        Share of such intervals that are meant to hold the true index, between 0 and 1. Few products give
        intervals that hold it less often: see docs/methods/index_uncertainty.md.
    kind
        "percentile" takes the quantiles of the samples. They lie too near where products are few; "expanded"
        takes those farther out by as much as Student's distribution asks. "bca" corrects for bias and for a
        spread that depends on the level, and needs a bootstrap with influence.

    Returns
    -------
    Frame with ``period``, ``index``, ``lower``, ``upper``, ``standard_error`` (index points) and ``reason``
    (why there is no interval). At the base the index is 100 and the interval has no width.

    Raises
    ------
    ValueError
        If the level or the kind is not possible.

    References
    ----------
    Efron (1987), Better bootstrap confidence intervals, Journal of the American Statistical Association 82;
    Davison and Hinkley (1997), Bootstrap methods and their application, section 5.3, for several strata;
    Hesterberg (2015), What teachers should know about the bootstrap, The American Statistician 69, for
    expanded percentile intervals.
    """
    if not 0 < level < 1:
        raise ValueError(f"the level of an interval lies between 0 and 1, not at {level}")
    if kind not in KINDS:
        raise ValueError(f"unknown kind of interval {kind!r}. Kinds: {', '.join(KINDS)}")
    if kind == "bca" and of.influence is None:
        raise ValueError("an interval of the kind bca needs a bootstrap with influence=True")
    rows: list[tuple[float | None, float | None, float | None, str | None]] = []
    for period in range(len(of.periods)):
        reason = of.reason[period] or _why_not(of, period)
        drawn = of.samples[np.isfinite(of.samples[:, period]), period]
        if reason is not None:
            rows.append((None, None, None, reason))
            continue
        tails = np.array([(1 - level) / 2, (1 + level) / 2])
        if period != of.base and kind == "expanded":
            tails = ndtr(stdtrit(of.degrees[period], tails) / np.sqrt(of.kept[period]))
        if period != of.base and kind == "bca":
            tails = _corrected(tails, of.index[period], drawn, of.influence[:, period])  # type: ignore[index]
        lower, upper = np.quantile(drawn, tails)
        rows.append((float(lower), float(upper), float(drawn.std(ddof=1)) if len(drawn) > 1 else None, None))
    bounds = pl.DataFrame(
        rows,
        schema={"lower": pl.Float64, "upper": pl.Float64, "standard_error": pl.Float64, "reason": pl.String},
        orient="row",
    )
    return pl.DataFrame([of.periods, pl.Series("index", of.index).fill_nan(None), *bounds])


def _why_not(of: Bootstrap, period: int) -> str | None:
    if period != of.base and of.matched[period] < FEWEST_PRODUCTS:
        return TOO_FEW_PRODUCTS
    if np.isfinite(of.samples[:, period]).mean() < LEAST_DEFINED:
        return TOO_FEW_SAMPLES
    return None


def _corrected(tails: FloatArray, index: float, drawn: FloatArray, influence: FloatArray) -> FloatArray:
    """Return which quantiles of the samples to take, corrected for bias and acceleration."""
    n = len(drawn)
    below = ((drawn < index).sum() + (drawn == index).sum() / 2) / n
    bias = ndtri(np.clip(below, 0.5 / n, 1 - 0.5 / n))
    moved = influence[np.isfinite(influence)]
    spread = (moved**2).sum()
    acceleration = (moved**3).sum() / (6 * spread**1.5) if spread > 0 else 0.0
    shifted = bias + ndtri(tails)
    corrected: FloatArray = ndtr(bias + shifted / (1 - acceleration * shifted))
    return corrected


def _influence(without: FloatArray) -> FloatArray:
    """Return how far each product moves the mean, from the indices without one product each, (products, T)."""
    n = np.isfinite(without).sum(axis=0)
    mean = np.divide(np.nansum(without, axis=0), n, out=np.full(n.shape, np.nan), where=n > 0)
    # The mean of n numbers moves by 1 / n of what a number does: so do the strata of a group add up.
    moved: FloatArray = (mean - without) * (n - 1) / np.maximum(n, 1)
    return moved


def _seed_of(seed: int, item: Any) -> int:
    return int(np.random.SeedSequence([seed, crc32(str(item).encode())]).generate_state(1)[0])
