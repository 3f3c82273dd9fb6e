"""The release: the figures of every heading and month as they are published, and what stands behind them."""

import polars as pl

from ons_assets.parameters.publication import PublicationParameters, RevisionParameters
from ons_assets.prices.publication import backing
from ons_assets.prices.publication.figures import rate_of_change, re_reference, rounded
from ons_assets.prices.publication.series import FREQUENCY
from ons_assets.prices.publication.vintages import FIGURE, FIRST, SERIES, joined, latest_figures
from ons_assets.wording import counted

# Percentage points: the last digits of a computation.
SAME_RATE = 1e-6
OTHER_RATE = "no contribution over {}: the published rate is not what the indices give now"
FINAL, PROVISIONAL, MISSING = "final", "provisional", "missing"
RATES = {"rate_1_month_percent": 1, "rate_12_months_percent": 12}
COLUMNS = [
    *FIGURE,
    "title",
    "index",
    "reference_period",
    *RATES,
    "expenditure_share",
    "share_of",
    *backing.HORIZONS.values(),
    "observed_quotes",
    "products",
    "share_imputed",
    "figure_status",
    "notes",
]


def cpi_release(
    vintages: pl.DataFrame,
    series: pl.DataFrame,
    diagnostics: pl.DataFrame,
    weights: pl.DataFrame | None,
    *,
    through: str | None,
    publication: PublicationParameters,
    revisions: RevisionParameters,
    divisions: pl.DataFrame | None = None,
    contributions: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Put the release together.

    Parameters
    ----------
    vintages
        As the table `prices/index_vintages`: the figures that were published.
    series
        As `headings` returns them: what the figures are now, of months that are not published yet too.
    diagnostics
        As the table `prices/elementary_diagnostics`, for quotes, products and what is imputed.
    weights
        As the table `reference/item_weights`; None leaves shares and contributions out.
    through
        Last month that is published.
    publication, revisions
        How figures are shown, and the policy.
    divisions
        ``item_id`` and ``division``; None for none.
    contributions
        ``frequency``, ``method``, ``group``, ``item_id``, ``period``, ``horizon`` (1 or 12) and ``contribution``
        (percentage points); None leaves contributions out.

    Returns
    -------
    DataFrame
        As the table `prices/cpi_release`: one row a heading and month.
    """
    levels = _levels(vintages, series, through, publication, revisions)
    rows = _shown(levels, publication).with_columns(year=pl.col("period").str.slice(0, 4).cast(pl.Int32))
    of = None
    if weights is not None:
        of = backing.members(weights, divisions, publication.all_items, rows["period"])
        shares = backing.expenditure_shares(of)
        rows = rows.join(shares, on=[*SERIES, "year"], how="left")
        if contributions is not None:
            chosen = contributions.filter(frequency=FREQUENCY, method=publication.label)
            rows = rows.join(backing.heading_contributions(chosen, of, shares), on=FIGURE, how="left")
            rows = _of_published_rates(rows, levels, series)
    rows = rows.join(backing.heading_counts(diagnostics, of), on=FIGURE, how="left").with_columns(
        pl.col("observed_quotes", "products").fill_null(0)
    )
    lacking = [pl.lit(None).alias(name) for name in COLUMNS if name not in rows.columns]
    return rows.with_columns(lacking).select(COLUMNS).sort(FIGURE)


def _of_published_rates(rows: pl.DataFrame, levels: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """Leave contributions out where what they add up to, the rate as it is computed now, is not the published one."""
    for name, months in zip(backing.HORIZONS.values(), backing.HORIZONS, strict=True):
        published, computed = (
            each.select(*FIGURE, rate_of_change(each, months, SERIES).alias("rate")) for each in (levels, series)
        )
        other = (
            published.join(computed, on=FIGURE, how="left", suffix="_computed")
            .filter((pl.col("rate") - pl.col("rate_computed").fill_null(float("inf"))).abs() > SAME_RATE)
            .select("period", pl.col("heading").alias("share_of"), is_other=pl.lit(True))
            .unique()
        )
        is_other = pl.col("is_other").fill_null(value=False) & pl.col(name).is_not_null()
        said = pl.concat_str(
            "notes", pl.lit(OTHER_RATE.format(counted(months, "month"))), separator="; ", ignore_nulls=True
        )
        rows = (
            rows.join(other, on=["period", "share_of"], how="left")
            .with_columns(
                pl.when(~is_other).then(pl.col(name)).alias(name), notes=pl.when(is_other).then(said).otherwise("notes")
            )
            .drop("is_other")
        )
    return rows


def _levels(
    vintages: pl.DataFrame,
    series: pl.DataFrame,
    through: str | None,
    publication: PublicationParameters,
    revisions: RevisionParameters,
) -> pl.DataFrame:
    """The unrounded index of every heading and month: as published, else as it is computed now."""
    standing = latest_figures(vintages, publication.edition)
    now = joined(standing, series, through, revisions)
    keys = pl.concat([series.select(FIGURE), standing.select(FIGURE)]).unique()
    titles = series.select(*SERIES, "title").sort(*SERIES, "title").unique(SERIES, keep="first", maintain_order=True)
    published = standing.select(*FIGURE, "vintage", published_base="base_period", published="index", said="reason")
    rows = (
        keys.join(titles, on=SERIES, how="left")
        .join(series.select(*FIGURE, "reason", computed_base="base_period"), on=FIGURE, how="left")
        .join(now.select(*FIGURE, "base_period", "revisable", computed="index"), on=FIGURE, how="left")
        .join(published, on=FIGURE, how="left")
    )
    is_published = pl.col("published").is_not_null().alias("is_published")
    open_still = pl.lit(revisions.policy == "window") & pl.col("revisable").fill_null(False)
    final = is_published & ~open_still
    return rows.with_columns(
        pl.col("title").fill_null(pl.col("heading")),
        is_published,
        index=pl.coalesce("published", "computed"),
        base_period=pl.coalesce("published_base", "base_period", "computed_base"),
        figure_status=pl.when(final)
        .then(pl.lit(FINAL))
        .when(is_published | pl.col("computed").is_not_null())
        .then(pl.lit(PROVISIONAL))
        .otherwise(pl.lit(MISSING)),
        notes=_notes(publication, revisions),
    ).select(*FIGURE, "title", "index", "base_period", "figure_status", "notes", "is_published")


def _notes(publication: PublicationParameters, revisions: RevisionParameters) -> pl.Expr:
    """What a reader must know of a figure; null where that is nothing."""
    is_published = pl.col("published").is_not_null()
    moved = (pl.col("computed") / pl.col("published") - 1) * 100
    stands = pl.format(
        "the published figure stands; computed now it would differ by {} %", moved.round(publication.decimals + 1)
    )
    parts = [
        pl.when(is_published & (pl.col("said") != FIRST)).then("said"),
        pl.when(is_published & (moved.abs() > 100 * revisions.tolerance)).then(stands),
        pl.when(is_published & pl.col("computed").is_null()).then(
            pl.lit("the published figure stands; it is not computed any more")
        ),
        pl.when(~is_published & pl.col("computed").is_not_null()).then(pl.lit("the month is not published yet")),
        pl.when(~is_published & pl.col("computed").is_null()).then("reason"),
    ]
    said = pl.concat_str(parts, separator="; ", ignore_nulls=True)
    return pl.when(said != "").then(said)


def _shown(rows: pl.DataFrame, publication: PublicationParameters) -> pl.DataFrame:
    """The figures on the reference period, with their rates, rounded last."""
    # What is not published yet may still change, and with it no published figure.
    on = pl.col("is_published") | ~pl.col("is_published").any().over(SERIES)
    referenced = re_reference(rows, publication.reference, SERIES, on=on)
    index = rounded(pl.col("index"), publication.decimals, publication.rounding)
    of = referenced if publication.rates_from == "unrounded" else referenced.with_columns(index)
    rates = [rate_of_change(of, months, SERIES).alias(name) for name, months in RATES.items()]
    return referenced.with_columns(rates).with_columns(
        index.alias("index"),
        *(rounded(pl.col(name), publication.decimals, publication.rounding).alias(name) for name in RATES),
    )
