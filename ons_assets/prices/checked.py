"""Quotes with everything that is odd about them: nothing is deleted, every finding is a flag with its evidence."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from ons_assets.parameters.prices import CheckParameters
from ons_assets.prices import history, identity, imputation, lineages, price_changes
from ons_assets.prices.history import PRODUCT
from ons_assets.prices.outliers import outliers
from ons_assets.prices.promotions import promotions
from ons_assets.prices.relaunches import relaunches

FLAGS = (
    "repeated_row",
    "price_typo",
    "outlier",
    "dump_price",
    "stuck",
    "unit_conflict",
    "reentered",
    "relaunched",
    "imputed",
)
# Quotes with these are no ground for a carried price, a reference price or a relaunch.
WRONG = ("price_typo", "outlier")
DAY = (*PRODUCT, "collected_on")
READ = (
    "retailer",
    "run",
    "collected_on",
    "collected_at_utc",
    "item_id",
    "product",
    "price",
    "unit_price",
    "unit_quantity",
    "unit",
    "promotion",
    "outlet",
    "sku",
    "quantity",
    "line",
)


def check(quotes: pl.DataFrame, parameters: CheckParameters | None = None) -> pl.DataFrame:
    """Flag what is odd about quotes, standardise their prices, and add carried prices for days without one.

    Parameters
    ----------
    quotes
        Columns of `prices/raw_quotes`; others (``in_scope``) are kept as they are.
    parameters
        Parameters.

    Returns
    -------
    DataFrame
        The quotes, none left out, and the carried ones, with ``product_id``, ``lineage_id``, ``pack_count``,
        ``pack_quantity``, ``pack_unit``, ``pack_source``, ``price_per_unit`` (currency per kg, l or each),
        ``promotion_type``, ``regular_price``, ``multibuy_packs``, ``multibuy_price`` (`promotions.promotions`),
        ``carried_from``, one Boolean column for each of `FLAGS`, and ``evidence``.
    """
    parameters = parameters or CheckParameters()
    numbered = quotes.with_row_index("row")
    # Every outlet has prices, gaps and relaunches of its own.
    placed = numbered.select("row", *READ).with_columns(identity.place(READ))
    packed = lineages.add_identity(lineages.number_packs(lineages.add_packs(placed), parameters.packs))
    if parameters.identified_by == "sku":
        packed = identity.known_by_number(packed)
    packed = _as_codes(packed, [*PRODUCT, "run"]).hstack(promotions(packed["promotion"], packed["price"]))
    announced = price_changes.announced_prices(packed.drop("promotion"))
    flagged = packed.drop("promotion").with_columns(repeated_row=_repeated_row())
    flagged = _flag_typos(flagged, announced, parameters)
    flagged = _flag_outliers(flagged, announced, parameters)
    right = flagged.filter(~pl.any_horizontal(WRONG))
    daily = history.daily_prices(right)
    flagged = _flag_history(flagged, daily, parameters)
    flagged = _flag_relaunches(flagged, lineages.products_of(right), parameters)
    carried = _carried(flagged, parameters)
    checked = pl.concat(
        [flagged.with_columns(imputed=False, carried_from=pl.lit(None, dtype=pl.Date)), carried], how="diagonal"
    )
    added = checked.select(
        "row",
        "collected_on",
        pl.col("product_id", "lineage_id").cast(pl.String),
        "pack_count",
        "pack_quantity",
        "pack_unit",
        "pack_source",
        "promotion_type",
        "regular_price",
        "multibuy_packs",
        "multibuy_price",
        "carried_from",
        *FLAGS,
        price_per_unit=pl.col("price") / pl.col("pack_quantity"),
        evidence=_evidence(),
    )
    return (
        added.sort("collected_on", "row")
        .join(numbered.drop("collected_on"), on="row", how="left", maintain_order="left")
        # A price is carried, a sale is not.
        .with_columns(quantity=pl.when(~pl.col("imputed")).then("quantity"))
        .drop("row")
        .select(*quotes.columns, *(name for name in added.columns if name not in ("row", *quotes.columns)))
    )


def _as_codes(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Turn text into codes: the checks group and join by the same few names again and again."""
    return frame.with_columns(pl.col(name).cast(pl.Enum(frame[name].drop_nulls().unique().sort())) for name in columns)


def _repeated_row() -> pl.Expr:
    """Whether an earlier row of the run shows the product; sales are never repeats: two may be alike, and add up."""
    is_sale = pl.col("quantity").is_not_null()
    earlier = pl.int_range(pl.len()).over("retailer", "run", "item_id", "product_id", is_sale, order_by="line")
    return (earlier > 0) & ~is_sale


def _flag_typos(flagged: pl.DataFrame, announced: pl.DataFrame, parameters: CheckParameters) -> pl.DataFrame:
    around = history.typical_prices(history.daily_prices(flagged), days_around=parameters.typo_days_around)
    is_typo = history.is_typo(
        factor=parameters.typo_factor,
        decimal_slack=parameters.typo_decimal_slack,
        returns_within=parameters.typo_returns_within,
    )
    held = flagged.join(around.drop("price"), on=DAY, how="left", maintain_order="left").with_columns(
        price_typo=is_typo
    )
    suspect = held.filter("price_typo").select(*DAY, "price", reference="typical").unique()
    right = price_changes.were_announced(suspect, announced, parameters).with_columns(right=True)
    return (
        held.join(right, on=[*DAY, "price"], how="left", maintain_order="left")
        .with_columns(price_typo=pl.col("price_typo") & pl.col("right").is_null())
        .drop("before", "after", "right")
    )


def _flag_outliers(flagged: pl.DataFrame, announced: pl.DataFrame, parameters: CheckParameters) -> pl.DataFrame:
    judged_quotes = flagged.filter(~pl.col("price_typo"))
    daily = history.daily_prices(judged_quotes)
    judged = history.reference_prices(daily, days=parameters.reference_days).drop_nulls("reference")
    found = []
    for (item_id, _), day in (
        judged.sort("item_id", "collected_on", *PRODUCT)
        .partition_by("item_id", "collected_on", as_dict=True, maintain_order=True)
        .items()
    ):
        if len(day) < parameters.least_relatives:
            continue
        rule = parameters.outliers_of_item.get(str(item_id), parameters.outliers)
        flags = outliers(day["price"].to_numpy(), day["reference"].to_numpy(), rule)
        if flags.any():
            found.append(day.filter(pl.Series(flags)).with_columns(rule=pl.lit(rule.method)))
    empty = judged.clear().with_columns(rule=pl.lit(None, dtype=pl.String))
    days = pl.concat([empty, *found])
    days = price_changes.unexplained(days, judged_quotes, announced, parameters).select(*DAY, "reference", "rule")
    return flagged.join(days, on=DAY, how="left", maintain_order="left").with_columns(
        outlier=pl.col("rule").is_not_null() & ~pl.col("price_typo")
    )


def _flag_history(flagged: pl.DataFrame, daily: pl.DataFrame, parameters: CheckParameters) -> pl.DataFrame:
    stuck = history.stuck_prices(
        daily,
        chance=parameters.stuck_chance,
        least_pairs=parameters.stuck_least_pairs,
        least_changes=parameters.stuck_least_changes,
    )
    dumped = history.dump_prices(
        daily,
        share=parameters.dump_share,
        last_days=parameters.dump_last_days,
        gone_days=parameters.dump_gone_days,
        leaving_share=parameters.dump_leaving_share,
    ).with_columns(dump_price=True)
    back = lineages.reentries(daily, gap_days=parameters.carry_days)
    for days in (stuck, dumped, back):
        flagged = flagged.join(days, on=DAY, how="left", maintain_order="left")
    wrong = pl.any_horizontal(WRONG)
    return flagged.with_columns(
        stuck=pl.col("streak").is_not_null() & ~wrong,
        dump_price=pl.col("dump_price").fill_null(False) & ~wrong,
        reentered=pl.col("days_away").is_not_null() & ~wrong,
    )


def _flag_relaunches(flagged: pl.DataFrame, products: pl.DataFrame, parameters: CheckParameters) -> pl.DataFrame:
    replaced = relaunches(
        products,
        gap_days=parameters.relaunch_gap_days,
        overlap_days=parameters.relaunch_overlap_days,
        most_change=parameters.relaunch_most_change,
        most_price_change=parameters.relaunch_most_price_change,
        similarity=parameters.relaunch_similarity,
    )
    on_first_day = replaced.select(*PRODUCT, "evidence", collected_on="first_day").rename({"evidence": "relaunch"})
    return (
        flagged.join(lineages.lineages(products, replaced), on=PRODUCT, how="left", maintain_order="left")
        .join(on_first_day, on=DAY, how="left", maintain_order="left")
        .with_columns(
            # A product of which no quote is right is a lineage of its own.
            lineage_id=pl.coalesce("lineage_id", pl.col("product_id").cast(pl.String)),
            relaunched=pl.col("relaunch").is_not_null(),
        )
    )


def _carried(flagged: pl.DataFrame, parameters: CheckParameters) -> pl.DataFrame:
    good = flagged.filter(~pl.any_horizontal(*WRONG, "dump_price"))
    last_day: date | None = flagged["collected_on"].max()  # type: ignore[assignment]
    carried = imputation.carry_forward(good, last_day=last_day, days=parameters.carry_days)
    if parameters.carry == "not_collected":
        carried = carried.filter(~imputation.off_the_shelf(carried, flagged))
    return carried.with_columns(*(pl.lit(flag == "imputed").alias(flag) for flag in FLAGS))


def _evidence() -> pl.Expr:
    """One sentence for each flag that is set, joined; null where none is."""
    sentences = {
        "imputed": pl.format("carried from {}", "carried_from"),
        "repeated_row": pl.lit("repeats an earlier row of the run"),
        "price_typo": pl.format(
            "price {} where the days around have {}", pl.col("price").round(2), pl.col("typical").round(2)
        ),
        "outlier": pl.format(
            "price {} against {} before, beyond {} of the item's relatives",
            pl.col("price").round(2),
            pl.col("reference").round(2),
            "rule",
        ),
        "dump_price": pl.lit("cleared at a low price, and not seen again"),
        "stuck": pl.format("the same price on {} collected days, unlikely by its own past", "streak"),
        "unit_conflict": pl.format(
            "unit price is for {} {}, the pack is {} {}",
            pl.coalesce("shown_quantity", "shown_number").round(3),
            pl.col("shown_unit").fill_null("(of what?)"),
            pl.col("pack_quantity").round(3),
            "pack_unit",
        ),
        "reentered": pl.format("seen again after {} collected days", "days_away"),
        "relaunched": pl.col("relaunch"),
    }
    said = pl.concat_str(
        [pl.when(flag).then(sentence) for flag, sentence in sentences.items()], separator="; ", ignore_nulls=True
    )
    return pl.when(pl.any_horizontal(*sentences)).then(said)
