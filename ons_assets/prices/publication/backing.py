"""What stands behind a heading of the release: its items, their weights, quotes, products and contributions."""

import polars as pl

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.prices.publication.headings import ALL, DIVISION, GROUP, ITEM, basket_weights

HEADING = ["heading_type", "heading"]
HORIZONS = {1: "contribution_1_month_points", 12: "contribution_12_months_points"}


def members(weights: pl.DataFrame, divisions: pl.DataFrame | None, all_items: str, periods: pl.Series) -> pl.DataFrame:
    """Return the items of each heading above them, with the weights in force.

    Parameters
    ----------
    weights
        As the table `reference/item_weights`; a year without weights takes those of the last year before it.
    divisions
        ``item_id`` and ``division``; None for none.
    all_items
        Group that is the whole basket.
    periods
        Months of the release, which say the years.

    Returns
    -------
    DataFrame
        ``heading_type``, ``heading``, ``item_id``, ``year`` and ``weight``.
    """
    is_all = pl.col("group") == all_items
    tables = [
        weights.select(
            "item_id",
            "weight",
            weights_of=pl.col("year").cast(pl.Int32),
            heading_type=pl.when(is_all).then(pl.lit(ALL)).otherwise(pl.lit(GROUP)),
            heading="group",
        )
    ]
    basket = basket_weights(weights, all_items)
    if basket is not None:
        whole = basket.select("item_id", "weight", weights_of=pl.col("year").cast(pl.Int32))
        if not tables[0]["heading_type"].eq(ALL).any():
            tables.append(whole.with_columns(heading_type=pl.lit(ALL), heading=pl.lit(all_items)))
        if divisions is not None:
            codes = divisions.select("item_id", heading="division").unique("item_id", keep="none")
            tables.append(whole.join(codes, on="item_id").with_columns(heading_type=pl.lit(DIVISION)))
    found = pl.concat(tables, how="diagonal").filter(pl.col("weight") > 0)
    years = periods.str.slice(0, 4).cast(pl.Int32).unique().sort().alias("year").to_frame()
    known = found.select(*HEADING, "weights_of").unique().sort("weights_of")
    in_force = (
        years.join(known.select(HEADING).unique(), how="cross")
        .sort("year")
        .join_asof(known, left_on="year", right_on="weights_of", by=HEADING, check_sortedness=False)
        .drop_nulls("weights_of")
    )
    return in_force.join(found, on=[*HEADING, "weights_of"]).select(*HEADING, "item_id", "year", "weight")


def expenditure_shares(of: pl.DataFrame) -> pl.DataFrame:
    """Return the share of each heading in the widest one that holds it.

    Parameters
    ----------
    of
        As `members` returns them.

    Returns
    -------
    DataFrame
        ``heading_type``, ``heading``, ``year``, ``expenditure_share`` and ``share_of``: all items where there are such;
        else for an item the group with the most items, and nothing for a group.
    """
    whole = of.with_columns(total=exact_sum("weight").over(*HEADING, "year"), size=pl.len().over(*HEADING, "year"))
    widest = whole.sort(
        pl.col("heading_type") != ALL, pl.col("heading_type") != GROUP, -pl.col("size").cast(pl.Int64), "heading"
    ).unique(["item_id", "year"], keep="first", maintain_order=True)
    items = widest.select(
        "year",
        heading_type=pl.lit(ITEM),
        heading="item_id",
        expenditure_share=pl.col("weight") / pl.col("total"),
        share_of="heading",
    )
    basket = whole.filter(heading_type=ALL).select(
        "item_id", "year", in_basket=pl.col("weight") / pl.col("total"), share_of="heading"
    )
    above = (
        of.join(basket, on=["item_id", "year"])
        .group_by(*HEADING, "year", "share_of")
        .agg(expenditure_share=exact_sum("in_basket"))
    )
    return pl.concat([items, above], how="diagonal").sort(*HEADING, "year")


def heading_counts(diagnostics: pl.DataFrame, of: pl.DataFrame | None) -> pl.DataFrame:
    """Return how many quotes and products each heading has in each month, and which share of them is imputed.

    Parameters
    ----------
    diagnostics
        As the table `prices/elementary_diagnostics`.
    of
        As `members` returns them; None for items alone.
    """
    rows = diagnostics.select(
        "item_id",
        "period",
        "observed_quotes",
        "products",
        imputed=pl.col("products") * pl.col("share_imputed"),
        year=pl.col("period").str.slice(0, 4).cast(pl.Int32),
    )
    parts = [rows.with_columns(heading_type=pl.lit(ITEM), heading="item_id")]
    if of is not None:
        parts.append(of.select(*HEADING, "item_id", "year").join(rows, on=["item_id", "year"]).select(parts[0].columns))
    return (
        pl.concat(parts)
        .group_by(*HEADING, "period")
        .agg(pl.col("observed_quotes", "products").sum(), share_imputed=exact_sum("imputed") / pl.col("products").sum())
    )


def heading_contributions(contributions: pl.DataFrame, of: pl.DataFrame, shares: pl.DataFrame) -> pl.DataFrame:
    """Return the contribution of each heading to the change of the one that it is a share of.

    Parameters
    ----------
    contributions
        Of one method and by month: ``group``, ``item_id``, ``period``, ``horizon`` (1 or 12 months) and
        ``contribution`` (percentage points of the change of the group).
    of, shares
        As `members` and `expenditure_shares` return them.

    Returns
    -------
    DataFrame
        ``heading_type``, ``heading``, ``period`` and one column a horizon. Headings above items have the sums of their
        items, and all items has the sum of all. An item that left the basket counts to those that held it last.
    """
    rows = contributions.filter(pl.col("horizon").is_in(list(HORIZONS))).with_columns(
        year=pl.col("period").str.slice(0, 4).cast(pl.Int32)
    )
    to = shares.select(*HEADING, "year", group="share_of")
    items = rows.join(
        _held_last(to.filter(heading_type=ITEM), "heading"),
        left_on=["item_id", "year", "group"],
        right_on=["heading", "year", "group"],
    ).select("period", "horizon", "contribution", heading_type=pl.lit(ITEM), heading="item_id")
    above = (
        _held_last(of, "item_id")
        .join(to.drop_nulls("group"), on=[*HEADING, "year"])
        .join(rows, on=["item_id", "year", "group"])
        .group_by(*HEADING, "period", "horizon")
        .agg(contribution=exact_sum("contribution"))
    )
    found = pl.concat([items, above], how="diagonal")
    tables = [
        found.filter(horizon=horizon).select(*HEADING, "period", pl.col("contribution").alias(name))
        for horizon, name in HORIZONS.items()
    ]
    return tables[0].join(tables[1], on=[*HEADING, "period"], how="full", coalesce=True)


def _held_last(rows: pl.DataFrame, item: str) -> pl.DataFrame:
    """Rows of items by year; in a year in which an item has none, those of the last year in which it had some."""
    known = rows.select(item, known="year").unique().sort("known")
    years = rows.select("year").unique().join(rows.select(item).unique(), how="cross").sort("year")
    held = years.join_asof(known, left_on="year", right_on="known", by=item, check_sortedness=False)
    of_known = rows.rename({"year": "known"})
    return held.drop_nulls("known").join(of_known, on=[item, "known"]).select(rows.columns)
