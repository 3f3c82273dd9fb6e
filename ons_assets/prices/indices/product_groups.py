"""Products grouped by their attributes: match adjusted R squared (MARS), and quotes of the groups."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

import polars as pl

from ons_assets.lakehouse.sums import exact_mean, exact_sum
from ons_assets.prices.indices.averages import unit_values
from ons_assets.prices.indices.numbers import as_floats

PRODUCT = "product"


class Groupings(NamedTuple):
    """How well products can be grouped in several ways.

    Attributes
    ----------
    scores
        One row a grouping, the best first: ``grouping`` (its columns, joined by " + "), ``groups`` (number),
        ``match``, ``r_squared`` and ``mars`` (means over the periods), from 0 to 1.
    by_period
        The same for each ``grouping`` and ``period`` after the base.
    best
        Columns of the best grouping; None where no period can be compared with the base.
    """

    scores: pl.DataFrame
    by_period: pl.DataFrame
    best: tuple[str, ...] | None


def mars(
    quotes: pl.DataFrame | pl.LazyFrame,
    attributes: Sequence[str],
    *,
    groupings: Sequence[Sequence[str]] | None = None,
    base: Any = None,
) -> Groupings:
    """Score groupings of products by match adjusted R squared.

    Groups must be alike in price, or a change of what is bought looks like a change of price; and they must
    be found again in later periods, or prices of what comes anew are never compared. With q and p quantity
    and price of a product, P the mean price (unit value) of its group and M that of all products,

    - match of a period: share of its quantity in groups that are also sold in the base period,
    - R squared of a period: sum of q (P - M)² over sum of q (p - M)²; 1 where all prices are the same,
    - MARS of a period: their product.

    Parameters
    ----------
    quotes
        Columns ``period``, ``product``, ``price``, ``quantity`` and `attributes`. Several quotes of a product
        in a period, with the same attributes, become one.
    attributes
        Columns to group by. A missing value is a value of its own.
    groupings
        Sets of columns to score; "product" is allowed among them. By default each set of attributes, and
        the products ungrouped.
    base
        Period of comparison; by default the first. Match is not defined for earlier ones: they are left out.

    Returns
    -------
    Groupings; of equal scores the one with the larger R squared, then with fewer columns, is better.

    Raises
    ------
    ValueError
        If a column is missing, or the base is not a period of the quotes.

    References
    ----------
    Chessa (2021), A product match adjusted R squared method for defining products with transaction data,
    Journal of Official Statistics 37, pages 411 to 432.

    Examples
    --------
    >>> rows = [(1, "old", "1 l", 2.0, 10), (1, "big", "2 l", 4.0, 5), (2, "new", "1 l", 2.2, 10),
    ...         (2, "big", "2 l", 4.4, 5)]
    >>> schema = ["period", "product", "size", "price", "quantity"]
    >>> found = mars(pl.DataFrame(rows, schema=schema, orient="row"), ["size"])
    >>> found.best, found.scores["mars"].round(2).to_list()
    (('size',), [1.0, 0.33])
    """
    chosen = [tuple(columns) for columns in groupings] if groupings is not None else _all_sets(attributes)
    prices = _checked(quotes, attributes, chosen)
    periods = prices["period"].unique().sort()
    base = periods.first() if base is None else base
    if len(periods) and base not in periods:
        raise ValueError(f"base {base!r} is not a period of the quotes")
    later = prices.filter(pl.col("period") > base) if len(periods) else prices
    in_base = prices.filter(pl.col("period") == base) if len(periods) else prices
    tables = [_of_grouping(later, in_base, columns) for columns in chosen]
    by_period = pl.concat(tables) if tables else _of_grouping(later.clear(), in_base, (PRODUCT,))
    groups = {_name(columns): prices.select(columns).n_unique() for columns in chosen}
    scores = (
        by_period.group_by("grouping", maintain_order=True)
        .agg(exact_mean(pl.col(name)).alias(name) for name in ("match", "r_squared", "mars"))
        .with_columns(
            groups=pl.col("grouping").replace_strict(groups, return_dtype=pl.Int64),
            columns=pl.col("grouping").replace_strict(
                {_name(columns): len(columns) for columns in chosen}, return_dtype=pl.Int64
            ),
        )
        # Scores that differ in their last digits only are equal.
        .sort(
            pl.col("mars").round(12),
            pl.col("r_squared").round(12),
            "columns",
            descending=[True, True, False],
            nulls_last=True,
            maintain_order=True,
        )
        .select("grouping", "groups", "match", "r_squared", "mars")
    )
    by_name = {_name(columns): columns for columns in chosen}
    best = by_name[scores["grouping"][0]] if scores["mars"].count() else None
    return Groupings(scores, by_period, best)


def group_quotes(quotes: pl.DataFrame | pl.LazyFrame, grouping: Sequence[str]) -> pl.DataFrame:
    """Return quotes in which each group of products is one product, at its unit value.

    Parameters
    ----------
    quotes
        Columns ``period``, ``price``, ``quantity`` and those of `grouping`.
    grouping
        Columns that tell the groups apart.

    Returns
    -------
    Frame with ``product`` (the values joined by " | "), ``period``, ``price`` and ``quantity``, sorted, as
    `price_index` takes it.

    Raises
    ------
    ValueError
        If a column is missing, or none is given.
    """
    if not grouping:
        raise ValueError("a grouping needs at least one column")
    frame = _with_columns(quotes, ["period", "price", "quantity", *grouping])
    values = [pl.col(column).cast(pl.String).fill_null("") for column in grouping]
    named = as_floats(frame.with_columns(product=pl.concat_str(values, separator=" | ")), "price", "quantity")
    return unit_values(named, by=("product", "period")).select("product", "period", "price", "quantity")


def _all_sets(attributes: Sequence[str]) -> list[tuple[str, ...]]:
    sizes = range(1, len(attributes) + 1)
    return [(PRODUCT,), *(columns for size in sizes for columns in combinations(attributes, size))]


def _name(columns: Sequence[str]) -> str:
    return " + ".join(columns)


def _with_columns(quotes: pl.DataFrame | pl.LazyFrame, columns: Sequence[str]) -> pl.DataFrame:
    frame = quotes.lazy().collect()
    missing = [column for column in dict.fromkeys(columns) if column not in frame.columns]
    if missing:
        raise ValueError(f"quotes lack the column(s) {', '.join(missing)}")
    return frame


def _checked(
    quotes: pl.DataFrame | pl.LazyFrame, attributes: Sequence[str], groupings: Sequence[tuple[str, ...]]
) -> pl.DataFrame:
    if any(not columns for columns in groupings):
        raise ValueError("a grouping needs at least one column")
    described = list(dict.fromkeys([*attributes, *(column for columns in groupings for column in columns)]))
    described = [column for column in described if column != PRODUCT]
    frame = _with_columns(quotes, ["period", PRODUCT, "price", "quantity", *described])
    return unit_values(as_floats(frame, "price", "quantity"), by=("period", PRODUCT, *described))


def _of_grouping(later: pl.DataFrame, in_base: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """Return the scores of one grouping for each later period."""
    known = in_base.select(columns).unique().with_columns(known=pl.lit(value=True))
    turnover, quantity = exact_sum(pl.col("price") * pl.col("quantity")), exact_sum("quantity")
    marked = later.join(known, on=columns, how="left", nulls_equal=True).with_columns(
        of_all=(turnover / quantity).over("period"), of_group=(turnover / quantity).over("period", *columns)
    )
    explained = exact_sum(pl.col("quantity") * (pl.col("of_group") - pl.col("of_all")) ** 2)
    spread = exact_sum(pl.col("quantity") * (pl.col("price") - pl.col("of_all")) ** 2)
    # Prices that differ by rounding alone are the same price.
    differ = spread > 1e-24 * exact_sum(pl.col("quantity") * pl.col("price") ** 2)
    return (
        marked.group_by("period")
        .agg(
            match=exact_sum(pl.when("known").then("quantity").otherwise(0.0)) / quantity,
            r_squared=pl.when(differ).then(explained / spread).otherwise(1.0),
        )
        .sort("period")
        .select(
            pl.lit(_name(columns)).alias("grouping"),
            "period",
            "match",
            "r_squared",
            mars=pl.col("match") * pl.col("r_squared"),
        )
    )
