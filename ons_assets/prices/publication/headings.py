"""What a release has figures of: items, groups, divisions of a classification, and all items."""

import polars as pl

from ons_assets.parameters.prices import AggregationParameters
from ons_assets.parameters.publication import PublicationParameters
from ons_assets.prices.compilation import aggregate_indices
from ons_assets.prices.publication.series import FREQUENCY

ITEM, GROUP, DIVISION, ALL = "item", "group", "division", "all"
# Before the code of a division or the name of all items, which a group of the weights may have too.
MARK = "\0"
COLUMNS = ["heading_type", "heading", "title", "period", "base_period", "index", "reason"]


def headings(
    items: pl.LazyFrame,
    groups: pl.LazyFrame | None,
    weights: pl.LazyFrame | None,
    divisions: pl.LazyFrame | None,
    publication: PublicationParameters,
    aggregation: AggregationParameters,
) -> pl.DataFrame:
    """Return the computed series of every heading by month, on bases of their own.

    Parameters
    ----------
    items
        As the table `prices/item_indices`.
    groups
        As the table `prices/aggregate_indices`; None leaves groups out.
    weights
        As the table `reference/item_weights`; None leaves divisions and all items out.
    divisions
        ``item_id``, ``division`` (code) and ``title``: the division of each item; None leaves them out.
    publication
        Says which rows of the indices are published, and which group is all items.
    aggregation
        How divisions and all items are made of items.

    Returns
    -------
    DataFrame
        ``heading_type``, ``heading``, ``title``, ``period``, ``base_period``, ``index`` (null where there is none) and
        ``reason`` (why); sorted.
    """
    chosen = {"frequency": FREQUENCY, "method": publication.label}
    ours = items.filter(**chosen)
    tables = [
        ours.select("period", "index", "reason", heading_type=pl.lit(ITEM), heading="item_id", title="item").collect()
    ]
    if groups is not None:
        tables.append(_of_groups(groups.filter(**chosen).collect(), publication.all_items))
    if weights is not None and ours.select(pl.len()).collect().item():
        of_all = weights.collect()
        basket = basket_weights(of_all, publication.all_items)
        made = []
        if basket is not None and divisions is not None:
            made.append((DIVISION, _by_division(basket, divisions)))
        if (derived := derived_basket(of_all, publication.all_items)) is not None:
            made.append((ALL, derived.with_columns(title="group")))
        tables += [_aggregated(ours, of_all, kind, parts, aggregation) for kind, parts in made]
    found = pl.concat(tables, how="diagonal_relaxed")
    first = pl.col("period").filter(pl.col("index").is_not_null()).min().over("heading_type", "heading")
    # A series without any index has no base; its first month stands for it.
    base = pl.coalesce(first, pl.col("period").min().over("heading_type", "heading"))
    return found.with_columns(base_period=base).select(COLUMNS).sort("heading_type", "heading", "period")


def _of_groups(groups: pl.DataFrame, all_items: str) -> pl.DataFrame:
    is_all = pl.col("group") == all_items
    return groups.select(
        "period",
        "index",
        "reason",
        heading_type=pl.when(is_all).then(pl.lit(ALL)).otherwise(pl.lit(GROUP)),
        heading="group",
        title="group",
    )


def _by_division(basket: pl.DataFrame, divisions: pl.LazyFrame) -> pl.DataFrame:
    """Weights of the items in their divisions; what has no code is in none."""
    codes = divisions.select("item_id", "division", "title").unique("item_id", keep="none").collect()
    return basket.drop("group").join(codes, on="item_id").rename({"division": "group"})


def _aggregated(
    items: pl.LazyFrame, weights: pl.DataFrame, kind: str, parts: pl.DataFrame, aggregation: AggregationParameters
) -> pl.DataFrame:
    marked = parts.with_columns(group=pl.lit(MARK) + pl.col("group"))
    made = aggregate_indices(items, beside_groups(weights, marked).lazy(), aggregation)
    made = made.filter(pl.col("group").str.starts_with(MARK)).with_columns(pl.col("group").str.strip_prefix(MARK))
    titles = parts.select("group", "title").sort("title").unique("group", keep="first", maintain_order=True)
    return made.join(titles, on="group").select(
        "period", "index", "reason", "title", heading_type=pl.lit(kind), heading="group"
    )


def beside_groups(weights: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """Return weights of further groups beside those of all others.

    What is chained alone knows no classes: a missing item would move otherwise in it than in the groups, and the new
    weights of classes would not hold before February.

    Parameters
    ----------
    weights
        As the table `reference/item_weights`.
    parts
        ``item_id``, ``group``, ``year`` and ``weight``, of groups that `weights` has not.
    """
    columns = ["item_id", "group", "year", "weight"]
    return pl.concat([weights.select(columns), parts.select(columns)], how="vertical_relaxed")


def basket_weights(weights: pl.DataFrame, all_items: str) -> pl.DataFrame | None:
    """Return the weight of each item in the whole basket by year, if the weights say it.

    They say it by a group of all items; or, without one, by items that are in several groups and have the same weight
    in each: such weights are parts of the whole, and not of their group. Of others it is not known, and they are in no
    basket.

    Parameters
    ----------
    weights
        As the table `reference/item_weights`.
    all_items
        Name of the group of all items.

    Returns
    -------
    DataFrame or None
        ``item_id``, ``group`` (`all_items`), ``year`` and ``weight``.
    """
    columns = ["item_id", "group", "year", "weight"]
    whole = weights.filter(pl.col("group") == all_items)
    if len(whole):
        return whole.select(columns)
    in_groups = weights.group_by("item_id", "year").agg(
        pl.col("weight").first(), alike=pl.col("weight").n_unique(), groups=pl.len()
    )
    parts = in_groups.filter(pl.col("alike") == 1, pl.col("groups") > 1)
    return parts.with_columns(group=pl.lit(all_items)).select(columns).sort("item_id", "year") if len(parts) else None


def derived_basket(weights: pl.DataFrame, all_items: str) -> pl.DataFrame | None:
    """Return `basket_weights` where the weights have no group of all items, which then has no index of its own yet.

    Parameters
    ----------
    weights, all_items
        As for `basket_weights`.
    """
    return None if (weights["group"] == all_items).any() else basket_weights(weights, all_items)
