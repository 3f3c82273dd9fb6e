"""Groups of items by a chain that is linked where weights change, and what each item contributes to their rates."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from ons_assets.parameters.prices import LinkMonth
from ons_assets.prices.indices.baskets import Baskets, Bools, Floats, baskets
from ons_assets.prices.indices.chain_linked import ChainRules, Chains, chain
from ons_assets.prices.indices.link_periods import Calendar, calendar
from ons_assets.prices.indices.numbers import as_floats

HORIZONS = (1, 12)
NO_INDEX = "no weighted item has an index"

CONTRIBUTIONS = {
    "method": pl.String(),
    "group_id": pl.String(),
    "item_id": pl.String(),
    "period": pl.String(),
    "horizon": pl.Int64(),
    "contribution": pl.Float64(),
    "weight": pl.Float64(),
    "imputed": pl.Boolean(),
}


def linked_aggregate(
    indices: pl.DataFrame,
    weights: pl.DataFrame,
    *,
    frequency: str = "month",
    link: LinkMonth = "january",
    rules: ChainRules | None = None,
) -> pl.DataFrame:
    """Aggregate item indices to groups by a chain that is linked where weights change.

    No group moves unless a price moves: whatever enters, is missing, returns, leaves or is weighted anew. A missing
    item moves with its group until it returns; a new one is linked in; one that is discontinued leaves its weight to
    the others of its group at a link.

    Parameters
    ----------
    indices
        Columns ``item_id``, ``period`` (2016-07, 2016-W29 or 2016-07-21), ``index`` (on any base, one for each item)
        and, where there are several, ``method``.
    weights
        Columns ``item_id``, ``group_id``, ``year`` (first year in which the weight is used) and ``weight`` (any
        unit). An item may be in groups of several levels. A year without weights takes those of the last before it.
    frequency
        "month", "week" or "day".
    link
        Where weights change: "january" (in December and January), "december", another "month-04", or "none"; see
        `link_periods.calendar`.
    rules
        Price-updating, and when an item is discontinued; None for the defaults.

    Returns
    -------
    Frame with ``group_id``, ``period`` [, ``method``], ``index`` (100 in the first period of the group), ``items``
    (number of items with an index), ``weight_share`` (their share of the weights at the link before) and ``reason``.
    A period of a group in which none of its items has a row has none either.

    Raises
    ------
    ValueError
        If an item has two indices in a period, or two weights in a year in one group, a weight is negative, or a
        period is none of the frequency.

    References
    ----------
    Consumer Price Index Manual (2020), chapter 8; Consumer Prices Indices Technical Manual (Office for National
    Statistics, 2019), section 2.5.
    """
    keys = [*(["method"] if "method" in indices.columns else []), "group_id", "period"]
    frames = [
        _groups(basket, made, when, has_row).with_columns(method=pl.lit(method))
        for method, basket, when, has_row, made in _chains(indices, weights, frequency, link, rules, with_steps=False)
    ]
    columns = [*keys, "index", "items", "weight_share", "reason"]
    return pl.concat([_NO_GROUPS, *frames]).select(columns).sort(keys)


def rate_contributions(
    indices: pl.DataFrame,
    weights: pl.DataFrame,
    *,
    link: LinkMonth = "january",
    rules: ChainRules | None = None,
    horizons: Sequence[int] = HORIZONS,
) -> pl.DataFrame:
    """Split the rates of monthly groups into contributions of their items, which add up exactly.

    Parameters
    ----------
    indices, weights, link, rules
        As for `linked_aggregate`, with months for periods.
    horizons
        Months that the rates look back.

    Returns
    -------
    Frame with ``method`` ("" without that column), ``group_id``, ``item_id``, ``period``, ``horizon``,
    ``contribution`` (percentage points), ``weight`` (share of the item in the weights at the link before; 0 once it
    has none) and ``imputed`` (whether the item has no index in the period), for every rate that there is.

    Notes
    -----
    Between two links an item moves its group by L(link) w (P(t) - P(s)) / P(link) index points, where the shares w
    are those at the link and P are the paths of `chain_linked.chain`. The points of all links on the way from t - h to
    t, divided by L(t - h), are its contribution. With a link in December that is the decomposition of Ribe, with
    links in December and January that of the Office for National Statistics. What an item with a weight moves before
    its first index is what others lend it, and counts as theirs.

    References
    ----------
    Consumer Prices Indices Technical Manual (Office for National Statistics, 2019), section 11.7; Ribe (1999),
    Effects of subcomponents on chained price indices like the HICPs and the MUICP, Statistics Sweden;
    HICP Methodological Manual (Eurostat, 2018), section 8.6.
    """
    parts = [
        part.with_columns(method=pl.lit(method))
        for method, basket, when, _, made in _chains(indices, weights, "month", link, rules, with_steps=True)
        for horizon in horizons
        for part in _of_horizon(basket, made, when, horizon)
    ]
    empty = pl.DataFrame(schema=CONTRIBUTIONS)
    keys = ["method", "group_id", "horizon", "period", "item_id"]
    return pl.concat([empty, *(part.select(empty.columns) for part in parts)]).sort(keys)


_NO_GROUPS = pl.DataFrame(
    schema={
        "group_id": pl.String(),
        "period": pl.String(),
        "index": pl.Float64(),
        "items": pl.Int64(),
        "weight_share": pl.Float64(),
        "reason": pl.String(),
        "method": pl.String(),
    }
)

One = tuple[str, Baskets, Calendar, Bools, Chains]


def _chains(
    indices: pl.DataFrame,
    weights: pl.DataFrame,
    frequency: str,
    link: LinkMonth,
    rules: ChainRules | None,
    *,
    with_steps: bool,
) -> Iterator[One]:
    """Chain each method by itself; with it, where items have rows."""
    laid_out = baskets(as_floats(weights, "weight"))
    indices = as_floats(indices, "index")
    named = indices if "method" in indices.columns else indices.with_columns(method=pl.lit(""))
    if named.select(pl.struct("method", "item_id", "period").is_duplicated().any()).item():
        raise ValueError("an item has two indices in a period")
    # Without weights there are no items either, and nothing is chained.
    weighted = named.filter(pl.col("item_id").is_in(laid_out.items))
    for (method,), part in sorted(weighted.partition_by("method", as_dict=True).items()):
        when = calendar(part["period"], frequency, link)
        levels, has_row = _laid_out(part, when, laid_out)
        yield str(method), laid_out, when, has_row, chain(levels, when, laid_out, rules, with_steps=with_steps)


def _laid_out(indices: pl.DataFrame, when: Calendar, weights: Baskets) -> tuple[Floats, Bools]:
    """Return indices by period and item, NaN where there is none, and whether they have a row."""
    shape = (len(when.labels), len(weights.items))
    places = [
        pl.DataFrame({name: labels}).with_row_index(f"{name}_at")
        for name, labels in (("period", when.labels), ("item_id", pl.Series(weights.items)))
    ]
    known = indices.join(places[0], on="period").join(places[1], on="item_id")
    at = known["period_at"].to_numpy(), known["item_id_at"].to_numpy()
    levels, has_row = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    levels[at] = known["index"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    has_row[at] = True
    return levels, has_row


def _groups(weights: Baskets, made: Chains, when: Calendar, has_row: Bools) -> pl.DataFrame:
    """Return the rows of all groups of one method."""
    is_shown = np.isfinite(made.level) & ((made.items > 0) | _any_row(weights, when, has_row))
    period, group = np.nonzero(is_shown)
    items = made.items[period, group]
    index = np.where(items > 0, made.level[period, group], np.nan)
    return pl.DataFrame(
        {
            "group_id": pl.Series([weights.groups[number] for number in group], dtype=pl.String()),
            "period": when.labels[period],
            "index": pl.Series(index, dtype=pl.Float64()).fill_nan(None),
            "items": items,
            "weight_share": made.share[period, group],
        }
    ).with_columns(reason=pl.when(pl.col("items") == 0).then(pl.lit(NO_INDEX)))


def _any_row(weights: Baskets, when: Calendar, has_row: Bools) -> Bools:
    """Return whether any item of a group has a row in a period, (t, g)."""
    in_force = weights.in_force(when.weights_year, when.year)
    found = np.zeros(in_force.shape, dtype=bool)
    for group, of_year in enumerate(weights.of_year):
        for year, weight in of_year.items():
            found[:, group] |= (in_force[:, group] == year) & has_row[:, weight > 0].any(axis=1)
    return found


def _of_horizon(weights: Baskets, made: Chains, when: Calendar, horizon: int) -> Iterator[pl.DataFrame]:
    """Yield the contributions of each period to the rates over so many months."""
    assert made.steps is not None
    assert made.weights is not None
    is_told = np.isfinite(made.level) & (made.items > 0)
    for period in range(horizon, len(when.labels)):
        before = period - horizon
        window = slice(before + 1, period + 1)
        points = made.steps[window].sum(axis=0)
        took_part = ((made.weights[window] > 0) & made.has_entered[window, None]).any(axis=0) | (points != 0)
        group, item = np.nonzero(took_part & (is_told[period] & is_told[before])[:, None])
        yield pl.DataFrame(
            {
                "group_id": pl.Series([weights.groups[number] for number in group], dtype=pl.String()),
                "item_id": pl.Series([weights.items[number] for number in item], dtype=pl.String()),
                "period": pl.repeat(when.labels[period], len(group), eager=True, dtype=pl.String()),
                "horizon": pl.repeat(horizon, len(group), eager=True, dtype=pl.Int64()),
                "contribution": 100 * points[group, item] / made.level[before, group],
                "weight": made.weights[period, group, item],
                "imputed": ~made.is_observed[period, item],
            }
        )
