"""Runs and items that brought too little or too much: truncated, vanished, inflated, repeated rows."""

import polars as pl

from ons_assets.lakehouse.sums import exact_mean
from ons_assets.parameters.collection import CollectionParameters
from ons_assets.prices.collection.counts import DAY, RUN, trailing_levels


def usual_order(compared: pl.DataFrame, chosen: pl.DataFrame, parameters: CollectionParameters) -> pl.DataFrame:
    """Find the usual place of every item within a run, from the chosen runs of the days before.

    Parameters
    ----------
    compared : DataFrame
        Result of `counts.compare_with_usual`.
    chosen : DataFrame
        Result of `counts.choose_runs`.
    parameters : CollectionParameters
        Window, least history and the spread up to which an order is an order.

    Returns
    -------
    DataFrame
        `retailer`, `day`, `item_id`, `place` (median rank, from 1) and `ordered`: whether the retailer's items
        keep their places. A retailer whose shelves are read in parallel has no order.
    """
    ranked = compared.join(chosen, on=[*DAY, "run"]).with_columns(
        place=pl.col("first_line").rank("ordinal").over(*RUN).cast(pl.Float64)
    )
    levels = trailing_levels(ranked.select(*DAY, "item_id", "place"), "place", ["retailer", "item_id"], parameters)
    spread = exact_mean(pl.col("place_high") - pl.col("place_low")) / pl.col("item_id").len()
    return levels.with_columns(ordered=(spread <= parameters.ordered_spread).over(DAY)).select(
        *DAY, "item_id", "ordered", place="place_usual"
    )


def judge_items(
    compared: pl.DataFrame, order: pl.DataFrame, runs: pl.DataFrame, parameters: CollectionParameters
) -> pl.DataFrame:
    """Say of every expected item of every run whether it stops early, was never reached, vanished or grew.

    Parameters
    ----------
    compared : DataFrame
        Result of `counts.compare_with_usual`.
    order : DataFrame
        Result of `usual_order`.
    runs : DataFrame
        The ledger's runs; `ends_inside_record` is read.
    parameters : CollectionParameters
        Bounds.

    Returns
    -------
    DataFrame
        `compared` with the flags `short` (has far fewer products than usual), `unreached` (absent because the run
        ended before it), `vanished` (absent for another reason), `inflated` and `settled` (its usual level can be
        trusted); and with `lost` products of settled items.
    """
    found, usual = pl.col("products"), pl.col("products_usual")
    low, high = pl.col("products_low"), pl.col("products_high")
    settled = pl.min_horizontal(usual - low, high - usual) <= parameters.settled_spread * usual
    short = (
        pl.col("settled")
        & (found > 0)
        & (found < parameters.short_ratio * usual)
        & (found < parameters.short_quartile_ratio * low)
        & (found < usual - parameters.sigmas * usual.sqrt())
    )
    absent = (found == 0) & (usual > 0)
    last_place = pl.col("place").filter(found > 0).max().over(RUN)
    last_is_short = (pl.col("short") & (pl.col("place") == last_place)).any().over(RUN)
    after_end = pl.col("absent") & pl.col("ordered") & (pl.col("place") > last_place)
    inflated = (
        (low > 0)
        & (found > parameters.inflated_item_ratio * usual)
        & (found > parameters.quartile_slack * high)
        & (found - usual >= parameters.inflated_item_products)
    )
    ended = (pl.col("after_end").sum().over(RUN) >= 2) | last_is_short | pl.col("ends_inside_record")
    many_absent = (pl.col("absent").sum().over(RUN) >= parameters.absent_share * (usual > 0).sum().over(RUN)) & (
        pl.col("absent").sum().over(RUN) >= 2
    )
    return (
        compared.join(order, on=[*DAY, "item_id"], how="left")
        .join(runs.select(*RUN, "ends_inside_record"), on=RUN)
        .with_columns(settled=settled.fill_null(False))
        .with_columns(short=short.fill_null(False), absent=absent.fill_null(False))
        .with_columns(after_end=after_end.fill_null(False), inflated=inflated.fill_null(False))
        .with_columns(unreached=(pl.col("after_end") & ended) | (pl.col("absent") & many_absent))
        .with_columns(
            vanished=pl.col("absent") & ~pl.col("unreached"),
            lost=pl.when("settled", pl.col("short") | pl.col("unreached")).then(usual - found).otherwise(0.0),
        )
        .drop("absent", "after_end")
    )


def judge_runs(
    judged: pl.DataFrame,
    chosen: pl.DataFrame,
    runs: pl.DataFrame,
    parameters: CollectionParameters,
    epochs: pl.DataFrame,
) -> pl.DataFrame:
    """Sum up every run that has rows, beside the usual level of its retailer.

    Parameters
    ----------
    judged : DataFrame
        Result of `judge_items`.
    chosen : DataFrame
        Result of `counts.choose_runs`.
    runs : DataFrame
        The ledger's runs.
    parameters : CollectionParameters
        Bounds.
    epochs : DataFrame
        `retailer`, `day` and `epoch`, see `accepted.add_epochs`.

    Returns
    -------
    DataFrame
        One row per run: `products`, `rows` and `duplicate_share`, each with its trailing levels; `lost_share` of
        the `expected` products of settled items; counts and names of items behind a finding; the flags
        `truncated` and `inflated`.
    """
    excess = pl.col("products") - pl.col("products_usual")
    worst = pl.struct(excess.fill_null(0).alias("excess"), "item_id")
    sums = (
        judged.group_by(*RUN, "day")
        .agg(
            pl.col("products", "rows").sum(),
            expected=pl.col("products_usual").filter("settled").sum(),
            expected_items=(pl.col("products_usual") > 0).sum(),
            lost=pl.col("lost").sum(),
            short_items=pl.col("short").sum(),
            unreached_items=pl.col("unreached").sum(),
            grown_item=worst.sort(descending=True).first(),
            first_stamp=pl.col("first_stamp").min(),
            last_stamp=pl.col("last_stamp").max(),
        )
        .join(runs.select(*RUN, "ends_inside_record"), on=RUN)
        .with_columns(
            duplicate_share=1 - pl.col("products") / pl.col("rows"),
            lost_share=(pl.col("lost") / pl.col("expected")).fill_nan(None),
        )
    )
    for column, high in (("products", 0.75), ("rows", 0.75), ("duplicate_share", 0.9)):
        daily = sums.join(chosen, on=[*DAY, "run"]).select(*DAY, column).join(epochs, on=DAY)
        levels = trailing_levels(daily, column, ["retailer", "epoch"], parameters, high=high).drop(column, "epoch")
        sums = sums.join(levels, on=DAY, how="left")
    return sums.with_columns(
        truncated=pl.col("ends_inside_record")
        | (pl.col("unreached_items") > 0)
        | (pl.col("lost_share") >= parameters.lost_share).fill_null(False),
        inflated=_exceeds("products", parameters.inflated_run_ratio, parameters)
        | _exceeds("rows", parameters.inflated_rows_ratio, parameters),
    )


def _exceeds(column: str, ratio: float, parameters: CollectionParameters) -> pl.Expr:
    value = pl.col(column)
    return (
        (value > ratio * pl.col(f"{column}_usual")) & (value > parameters.quartile_slack * pl.col(f"{column}_high"))
    ).fill_null(False)


def item_duplicates(judged: pl.DataFrame, chosen: pl.DataFrame, parameters: CollectionParameters) -> pl.DataFrame:
    """Find the items of the chosen runs that repeat far more rows than they did before.

    Parameters
    ----------
    judged : DataFrame
        Result of `judge_items`.
    chosen : DataFrame
        Result of `counts.choose_runs`.
    parameters : CollectionParameters
        Bounds.

    Returns
    -------
    DataFrame
        `retailer`, `run`, `day`, `item_id`, `finding`, `evidence`.
    """
    daily = judged.join(chosen, on=[*DAY, "run"]).filter(pl.col("rows") > 0)
    daily = daily.with_columns(duplicate_share=1 - pl.col("products") / pl.col("rows"))
    levels = trailing_levels(daily, "duplicate_share", ["retailer", "item_id"], parameters, high=0.9)
    return levels.filter(_repeats(parameters.duplicate_item_margin, parameters)).select(
        *RUN, "day", "item_id", finding=pl.lit("duplicate_rows"), evidence=_repeats_evidence()
    )


def item_findings(judged: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """Write the findings on the items of the chosen runs.

    Parameters
    ----------
    judged : DataFrame
        Result of `judge_items`.
    chosen : DataFrame
        Result of `counts.choose_runs`.

    Returns
    -------
    DataFrame
        `retailer`, `run`, `day`, `item_id`, `finding`, `evidence`.
    """
    usual = pl.col("products_usual").round(1)
    items = judged.join(chosen, on=[*DAY, "run"])
    key = [*RUN, "day", "item_id"]
    return pl.concat(
        items.filter(flag).select(*key, finding=pl.lit(finding), evidence=evidence)
        for flag, finding, evidence in (
            (
                "short",
                "truncated",
                pl.format("Stops at {}; median {} products before.", "products", usual),
            ),
            (
                "unreached",
                "truncated",
                pl.format("Absent because the run was cut short; median {} products before.", usual),
            ),
            (
                "vanished",
                "item_vanished",
                pl.format("Absent although the run went on; median {} products before.", usual),
            ),
            (
                "inflated",
                "inflated",
                pl.format("{} products against a median of {} before.", "products", usual),
            ),
        )
    )


def run_findings(sums: pl.DataFrame, parameters: CollectionParameters) -> pl.DataFrame:
    """Write the findings on whole runs, also on those that a later run of the day replaced.

    Parameters
    ----------
    sums : DataFrame
        Result of `judge_runs`.
    parameters : CollectionParameters
        Bounds.

    Returns
    -------
    DataFrame
        `retailer`, `run`, `day`, `finding`, `evidence`.
    """
    sentence = pl.concat_str(
        pl.when("ends_inside_record").then(pl.lit("The file ends inside a record.")),
        pl.when(pl.col("unreached_items") > 0).then(
            pl.format("Items not reached: {} of {}.", "unreached_items", "expected_items")
        ),
        pl.when(pl.col("short_items") > 0).then(pl.format("Items that stop early: {}.", "short_items")),
        pl.when(pl.col("lost") > 0).then(
            pl.format("{} % of the usual {} products are lost.", _percent("lost_share"), _whole("expected"))
        ),
        separator=" ",
        ignore_nulls=True,
    )
    grown = pl.col("grown_item").struct
    growth = pl.concat_str(
        pl.format(
            "{} products in {} rows against medians of {} and {}.",
            "products",
            "rows",
            _whole("products_usual"),
            _whole("rows_usual"),
        ),
        pl.when(grown.field("excess") >= parameters.inflated_item_products).then(
            pl.format(
                "Item {} has {} products more than its median.",
                grown.field("item_id"),
                grown.field("excess").round(0).cast(pl.Int64),
            )
        ),
        pl.when(pl.col("first_stamp") < pl.col("last_stamp")).then(
            pl.format("Its rows are stamped {} to {}.", "first_stamp", "last_stamp")
        ),
        separator=" ",
        ignore_nulls=True,
    )
    return pl.concat(
        sums.filter(flag).select(*RUN, "day", finding=pl.lit(finding), evidence=evidence)
        for flag, finding, evidence in (
            (pl.col("truncated"), "truncated", sentence),
            (pl.col("inflated"), "inflated", growth),
            (_repeats(parameters.duplicate_run_margin, parameters), "duplicate_rows", _repeats_evidence()),
        )
    )


def _repeats(margin: float, parameters: CollectionParameters) -> pl.Expr:
    share, high = pl.col("duplicate_share"), pl.col("duplicate_share_high")
    usual_rows = high * pl.col("rows")
    swing = parameters.sigmas * pl.max_horizontal(usual_rows, pl.lit(1.0)).sqrt()
    above_past = (share > high + margin) & (share * pl.col("rows") > usual_rows + swing)
    return (pl.col("rows") >= parameters.duplicate_rows_minimum) & (
        above_past.fill_null(False) | (share >= parameters.duplicate_share)
    )


def _repeats_evidence() -> pl.Expr:
    return pl.concat_str(
        pl.format("{} % of {} rows repeat an earlier product of the run", _percent("duplicate_share"), "rows"),
        pl.format("; median {} % before.", _percent("duplicate_share_usual")).fill_null("; no history."),
    )


def _percent(column: str) -> pl.Expr:
    return (100 * pl.col(column)).round(0).cast(pl.Int64)


def _whole(column: str) -> pl.Expr:
    return pl.col(column).round(0).cast(pl.Int64)
