"""The prices that the households of an area meet: indices of its retailers, joined by what is spent at each."""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import stdtrit

from ons_assets.catalogue.prices import AREA_INDICES
from ons_assets.parameters.area_prices import AreaPriceParameters
from ons_assets.parameters.prices import AggregationParameters, IndexParameters
from ons_assets.prices.compilation import chain_rules
from ons_assets.prices.indices import linked_aggregate
from ons_assets.prices.indices.link_periods import calendar
from ons_assets.prices.indices.panel import FloatArray, IntArray
from ons_assets.prices.indices.uncertainty import pooled
from ons_assets.prices.retailer_indices import RetailerIndices, retailer_indices

NO_BASKET = "the weights do not say what an item is of the whole basket"
FEW_ASKED = "fewer than {} households of the area were asked where they buy"
NOTHING_SPENT = "the shares of the area are all zero"
NO_QUOTES = "no retailer of the area has prices"
# Of the whole basket, beside the groups of single items; no item is called so.
ALL, BETWEEN = "\0all", "\0"
# Beyond them Student's distribution is the normal one.
MOST_DEGREES = 1e6

COLUMNS = AREA_INDICES.schema


def area_indices(
    quotes: pl.LazyFrame,
    basket: pl.DataFrame | None,
    shares: pl.DataFrame,
    indices: IndexParameters | None = None,
    parameters: AreaPriceParameters | None = None,
    aggregation: AggregationParameters | None = None,
) -> pl.DataFrame:
    """Compute the price index of every area and month.

    Each item at each retailer has an index of its matched products, and weighs as the item in the basket times the
    retailer in what the area's households spend. They are chained by `linked_aggregate`, to groups of one item and to
    the whole: an item without prices at a retailer moves as the item does at the others, and one without prices at all
    as the whole.

    Parameters
    ----------
    quotes
        As the table `prices/checked_quotes`.
    basket
        Weight of each item in the whole basket: ``item_id``, ``year`` and ``weight``; None if it is not known.
    shares
        As the table `reference/retailer_shares`.
    indices, parameters, aggregation
        What an index follows, how areas are made of retailers, and where weights change; None for the defaults.

    Returns
    -------
    DataFrame
        As the table `prices/area_indices`: a row for each area of the shares and each month of the quotes. Errors are
        standard errors in index points: of the choice of products, and of the survey behind the shares, null where it
        gives none. The interval is made of both.

    Notes
    -----
    With s the shares of r retailers, w the weights of items and I the indices, all on the base of the area, the index
    of the area is sum(w_i s_r I_ri) / sum(w_i s_r) over what has an index. The variance is that of its linear form:

        sum((w_i s_r)^2 var I_ri) + sum(g_r^2 var s_r / (1 - s_r)),   g_r = dI / ds_r

    Shares of one sample add up to 1, so that one is too high where another is too low: divided by 1 - s_r, variances
    stand for a sum over covariances as in a multinomial sample. Weights and shares count as constant since the base.

    References
    ----------
    Consumer Price Index Manual (IMF and others, 2020), chapters 4 and 8; Cochran (1977), Sampling techniques, Wiley.
    """
    indices, parameters = indices or IndexParameters(), parameters or AreaPriceParameters()
    aggregation = aggregation or AggregationParameters()
    found = retailer_indices(quotes, indices, parameters)
    basket = None if basket is None else basket.filter(pl.col("weight") > 0)
    rows = [AREA_INDICES.empty()]
    for (area,), of_area in sorted(shares.partition_by("area", as_dict=True).items()):
        asked_enough = of_area.filter(~_few(parameters.least_households))
        # What nothing is spent on weighs nothing, and a year of nothing else is none.
        spent = asked_enough.filter(pl.col("spending_share") > 0)
        if basket is None:
            made = _nothing(found, NO_BASKET)
        elif asked_enough.is_empty():
            made = _nothing(found, FEW_ASKED.format(parameters.least_households))
        elif spent.is_empty():
            made = _nothing(found, NOTHING_SPENT)
        else:
            years = [_in_force(found, basket, spent, year) for year in _years(basket, spent)]
            made = _one_area(found, years, parameters, aggregation)
        rows.append(
            made.with_columns(area=pl.lit(area)).select(pl.col(name).cast(kind) for name, kind in COLUMNS.items())
        )
    return pl.concat(rows).sort("area", "period")


def _few(least_households: int) -> pl.Expr:
    """Whether the survey of the area and year asked too few: then nothing that is told may depend on its shares."""
    return (pl.col("households_asked").min().over("area", "year") < least_households).fill_null(value=False)


@dataclass(frozen=True)
class _Weights:
    """What holds from a year on.

    Parameters
    ----------
    year
        From which on.
    retailers
        retailer, share (of 1), error (null if unknown), households_asked.
    items
        item_id, weight (of 1).
    share, error, weight
        The same of every pair of the indices, (e,); 0 of a pair whose retailer or item has none.
    """

    year: int
    retailers: pl.DataFrame
    items: pl.DataFrame
    share: FloatArray
    error: FloatArray
    weight: FloatArray

    def of_groups(self) -> pl.DataFrame:
        """Return weights of every pair, with prices or without: in the whole, and in its item."""
        pairs = self.items.join(self.retailers, how="cross").with_columns(item_id=_name("retailer", "item_id"))
        groups = self.items.select(group_id="item_id").join(self.retailers.select("retailer", "share"), how="cross")
        return pl.concat(
            [
                pairs.select("item_id", group_id=pl.lit(ALL), weight=pl.col("weight") * pl.col("share")),
                groups.select(_name("retailer", "group_id").alias("item_id"), "group_id", weight="share"),
            ]
        ).with_columns(year=pl.lit(self.year))


def _name(retailer: str, item: str) -> pl.Expr:
    return pl.concat_str(retailer, item, separator=BETWEEN)


def _years(basket: pl.DataFrame, shares: pl.DataFrame) -> list[int]:
    return sorted({*basket["year"], *shares["year"]})


def _in_force(found: RetailerIndices, basket: pl.DataFrame, shares: pl.DataFrame, year: int) -> _Weights:
    """Weights of the last year until then that has some; before any, the first."""

    def of_year(table: pl.DataFrame) -> pl.DataFrame:
        years = table["year"].unique().sort()
        until = years.filter(years <= year)
        return table.filter(year=until.last() if len(until) else years.first())

    whole = pl.col("spending_share").sum()
    retailers = (
        of_year(shares)
        .sort("retailer")
        .select(
            "retailer", "households_asked", share=pl.col("spending_share") / whole, error=pl.col("share_error") / whole
        )
    )
    items = of_year(basket).sort("item_id").select("item_id", weight=pl.col("weight") / pl.col("weight").sum())
    of_pair = found.pairs.join(retailers, on="retailer", how="left", maintain_order="left").join(
        items, on="item_id", how="left", maintain_order="left"
    )
    share, error, weight = (of_pair[name].fill_null(0.0).to_numpy() for name in ("share", "error", "weight"))
    return _Weights(year, retailers, items, share, error, weight)


def _one_area(
    found: RetailerIndices, years: list[_Weights], parameters: AreaPriceParameters, aggregation: AggregationParameters
) -> pl.DataFrame:
    levels = found.long(_name("retailer", "item_id").alias("item_id"))
    weights = pl.concat([year.of_groups() for year in years])
    chained = linked_aggregate(
        levels, weights, frequency="month", link=aggregation.link, rules=chain_rules(aggregation)
    )
    whole = chained.filter(group_id=ALL).select("period", "index", "weight_share")
    rows = pl.DataFrame({"period": found.periods}).join(whole, on="period", how="left", maintain_order="left")
    level = rows["index"].fill_null(np.nan).to_numpy()
    holding = [_holding(years, year) for year in _years_of_weights(found.periods, aggregation)]
    errors = pl.DataFrame(
        [_errors(found, at, weights, level) for at, weights in enumerate(holding)],
        schema={"products_error": pl.Float64, "shares_error": pl.Float64, "degrees": pl.Float64},
        orient="row",
    )
    said = pl.DataFrame(
        [_coverage(found, at, weights) for at, weights in enumerate(holding)],
        schema={name: COLUMNS[name] for name in ("items", "spending_covered", "not_covered", "households_asked")},
        orient="row",
    )
    half = (
        pl.Series(stdtrit(errors["degrees"].to_numpy(), 0.5 + parameters.level / 2))
        * (errors["products_error"] ** 2 + errors["shares_error"].fill_null(0.0) ** 2).sqrt()
    )
    base = rows.filter(pl.col("index").is_not_null())["period"].first()
    made = pl.concat([rows, errors.drop("degrees"), said], how="horizontal").with_columns(
        base_period=pl.lit(base, dtype=pl.String()), index_low=pl.col("index") - half, index_high=pl.col("index") + half
    )
    figures = ("index", "index_low", "index_high", "products_error", "shares_error")
    return made.with_columns(
        *(pl.when(pl.col("index").is_not_null()).then(pl.col(name).fill_nan(None)) for name in figures),
        reason=pl.when(pl.col("index").is_null()).then(pl.lit(NO_QUOTES)),
    )


def _years_of_weights(periods: pl.Series, aggregation: AggregationParameters) -> list[int]:
    """Year whose weights lead into each month, as the chain has it."""
    if periods.is_empty():
        return []
    months = calendar(periods, "month", aggregation.link)
    year_of = dict(zip(months.labels, months.weights_year.tolist(), strict=True))
    return [year_of[period] for period in periods]


def _holding(years: list[_Weights], year: int) -> _Weights:
    return next((each for each in reversed(years) if each.year <= year), years[0])


def _nothing(found: RetailerIndices, reason: str) -> pl.DataFrame:
    """Rows without a figure."""
    lacking = {name: pl.lit(None, dtype) for name, dtype in COLUMNS.items() if name not in ("period", "reason")}
    return pl.DataFrame({"period": found.periods}).with_columns(**lacking, reason=pl.lit(reason))


def _coverage(found: RetailerIndices, at: int, weights: _Weights) -> tuple[int, float, str | None, int | None]:
    """Items with an index, share of the spending that is at retailers with prices, the others, households asked."""
    seen = _seen(found, at, weights)
    with_prices = set(found.pairs["retailer"].gather(seen))
    rows = weights.retailers.select("retailer", "share", "households_asked").rows()
    covered = math.fsum(share for retailer, share, _ in rows if retailer in with_prices)
    left_out = [retailer for retailer, *_ in rows if retailer not in with_prices]
    asked = [each for *_, each in rows if each is not None]
    return len(np.unique(found.item_at[seen])), covered, ", ".join(left_out) or None, min(asked, default=None)


def _seen(found: RetailerIndices, at: int, weights: _Weights) -> IntArray:
    """Numbers of the pairs that have an index in the month and a weight."""
    return np.flatnonzero(np.isfinite(found.index[at]) & (weights.share * weights.weight > 0))


def _errors(
    found: RetailerIndices, at: int, weights: _Weights, level: FloatArray
) -> tuple[float | None, float | None, float]:
    """Standard errors of the index of a month by its products and by the shares, and degrees of freedom of both."""
    seen = _seen(found, at, weights)
    if not len(seen):
        return None, None, 1.0
    _, once, item = np.unique(found.item_at[seen], return_index=True, return_inverse=True)
    share, weight = weights.share[seen], weights.weight[seen]
    # All the weight of an item rests on the retailers that have it; items without any leave theirs to the others.
    on_item = np.bincount(item, weights=share)[item]
    of_item = weight / on_item / weight[once].sum()
    # An index that begins later begins at the level of the area.
    begins = level[found.base[seen]]
    tie = np.where(np.isfinite(begins), begins, 100.0) / 100
    moved = found.index[at, seen] * tie
    variance, degrees = (of_item * share * tie) ** 2 * found.variance[at, seen], found.degrees[at, seen]
    products = variance.sum()
    shares = None
    if weights.retailers["error"].null_count() == 0:
        slope = of_item * (moved - np.bincount(item, weights=share * moved)[item] / on_item)
        shares = _variance_of_shares(slope, found.retailer_at[seen], share, weights.error[seen])
        variance, degrees = np.append(variance, shares), np.append(degrees, np.inf)
    together, _ = pooled(list(zip(variance[:, None], degrees[:, None], np.ones((len(variance), 1)), strict=True)))
    certain = min(float(together[0]), MOST_DEGREES)
    return float(np.sqrt(products)), None if shares is None else float(np.sqrt(shares)), certain


def _variance_of_shares(slope: FloatArray, retailer: IntArray, share: FloatArray, error: FloatArray) -> float:
    """Variance of the index by that of the shares, of the slopes by each item of each retailer; all (pairs,)."""
    _, once, of = np.unique(retailer, return_index=True, return_inverse=True)
    rest = 1 - share[once]
    spread = (np.bincount(of, weights=slope) * error[once]) ** 2
    return float(np.divide(spread, rest, out=np.zeros_like(spread), where=rest > 0).sum())
