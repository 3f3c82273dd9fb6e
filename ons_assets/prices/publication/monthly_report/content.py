"""What the page of a month says, as tables."""

from dataclasses import dataclass

import polars as pl

from ons_assets.parameters.prices import IndexParameters
from ons_assets.parameters.publication import MonthlyReportParameters
from ons_assets.prices.checked import FLAGS
from ons_assets.prices.followed import followed
from ons_assets.prices.indices.contributions import contributions
from ons_assets.prices.publication.figures import month_number
from ons_assets.prices.publication.headings import ALL, ITEM
from ons_assets.prices.publication.monthly_report.tasks import tasks
from ons_assets.prices.publication.release import FINAL, MISSING, PROVISIONAL
from ons_assets.prices.publication.series import MONTH, month_prices

# The widest first.
ORDER = {ALL: 0, "division": 1, "group": 2}
BETWEEN = " · "


@dataclass(frozen=True)
class MonthlyReport:
    """What happened in a month.

    Attributes
    ----------
    period
        The month.
    status
        "final" if every figure of it is, whatever has none (out of season); else "provisional".
    reference
        Month or year that is 100 in most headings.
    headings
        Rows of the release for all items, divisions and groups, the widest first.
    history
        The same headings in every month, for the picture.
    items
        Items by the size of what they add: the rows of the release, with ``points``.
    points_are
        What ``points`` is made of, in words.
    products
        ``item_id``, ``title``, ``product``, ``price_before``, ``price_now``, ``points`` and ``status``.
    flags
        ``flag``, ``quotes``, ``share`` and the ``items`` that have most.
    findings
        What was wrong with the collection: ``finding``, ``retailer``, ``days`` and ``evidence``.
    tasks
        ``heading``, ``title``, ``what`` and ``evidence``: what needs a person.
    """

    period: str
    status: str
    reference: str
    headings: pl.DataFrame
    history: pl.DataFrame
    items: pl.DataFrame
    points_are: str
    products: pl.DataFrame
    flags: pl.DataFrame
    findings: pl.DataFrame
    tasks: pl.DataFrame


def reported_months(release: pl.DataFrame) -> list[str]:
    """Return the months that have a page: the last one that is published, and a later one that has begun.

    Parameters
    ----------
    release
        As the table `prices/cpi_release`.
    """
    published = release.filter(figure_status=FINAL)["period"].max()
    newest = release.filter(pl.col("figure_status") != MISSING)["period"].max()
    return [month for month in dict.fromkeys([published, newest]) if isinstance(month, str)]


def monthly_report(
    period: str,
    release: pl.DataFrame,
    diagnostics: pl.DataFrame,
    quotes: pl.LazyFrame,
    findings: pl.LazyFrame | None,
    indices: IndexParameters,
    parameters: MonthlyReportParameters,
) -> MonthlyReport:
    """Say what happened in a month.

    Parameters
    ----------
    period
        The month, such as 2016-07.
    release, diagnostics, quotes
        As the tables `prices/cpi_release`, `prices/elementary_diagnostics` and `prices/checked_quotes`.
    findings
        As the table `prices/collection_report`; None if there is none.
    indices
        Which quotes an index uses, and which price it follows.
    parameters
        How much is shown, and what a person looks at.
    """
    of_month = release.filter(period=period)
    wide = pl.col("heading_type") != ITEM
    order = pl.col("heading_type").replace_strict(ORDER, default=len(ORDER), return_dtype=pl.Int64)
    items, points_are = _items(of_month.filter(~wide), parameters.items)
    in_depth = items.head(parameters.items_in_depth)
    month = quotes.filter(pl.col("collected_on").dt.strftime(MONTH) == period)
    return MonthlyReport(
        period=period,
        status=FINAL if set(of_month["figure_status"]) - {MISSING} == {FINAL} else PROVISIONAL,
        reference=str(of_month["reference_period"].mode().sort().first()),
        headings=of_month.filter(wide).sort(order, "heading"),
        history=release.filter(wide, pl.col("index").is_not_null(), pl.col("period") <= period).sort(
            order, "heading", "period"
        ),
        items=items,
        points_are=points_are,
        products=_products(quotes, in_depth, period, indices, parameters.products),
        flags=_flags(month),
        findings=_findings(findings, period),
        tasks=tasks(of_month, diagnostics.filter(period=period), month, parameters),
    )


def _items(items: pl.DataFrame, most: int) -> tuple[pl.DataFrame, str]:
    """The items that add most to the change of the month, and what that is measured by."""
    if items["contribution_1_month_points"].is_not_null().any():
        points, said = pl.col("contribution_1_month_points"), "contribution to the 1-month rate, percentage points"
    elif items["expenditure_share"].is_not_null().any():
        points = pl.col("expenditure_share") * pl.col("rate_1_month_percent")
        said = "share of expenditure times 1-month rate, percentage points; nearly the contribution"
    else:
        points, said = pl.col("rate_1_month_percent"), "1-month rate, per cent; no weights are known"
    moved = items.with_columns(points=points).drop_nulls("points")
    return moved.sort(pl.col("points").abs(), "heading", descending=[True, False]).head(most), said


def _products(
    quotes: pl.LazyFrame, items: pl.DataFrame, period: str, indices: IndexParameters, most: int
) -> pl.DataFrame:
    """The products that move the link of each item from the month before, by their part in it."""
    dated = quotes.with_columns(period=pl.col("collected_on").dt.strftime(MONTH)).filter(
        pl.col("item_id").is_in(items["heading"].to_list()),
        month_number().is_between(month_number(pl.lit(period)) - 1, month_number(pl.lit(period))),
    )
    follow = followed(dated, indices)
    prices = month_prices(follow, indices).with_columns(
        product=pl.concat_str([pl.col(name).cast(pl.String) for name in follow.product], separator=BETWEEN)
    )
    tables = [_NO_PRODUCTS]
    for item_id, title in items.select("heading", "title").iter_rows():
        found = _link_parts(prices.filter(item_id=item_id), period)
        if found is not None:
            tables.append(found.head(most).with_columns(item_id=pl.lit(item_id), title=pl.lit(title)))
    return pl.concat(tables, how="diagonal").select(_NO_PRODUCTS.columns)


_NO_PRODUCTS = pl.DataFrame(
    schema={
        "item_id": pl.String,
        "title": pl.String,
        "product": pl.String,
        "price_before": pl.Float64,
        "price_now": pl.Float64,
        "points": pl.Float64,
        "status": pl.String,
    }
)


def _link_parts(prices: pl.DataFrame, period: str) -> pl.DataFrame | None:
    """Parts of the link from the month before; None if no product has a price in both."""
    by_month = prices.partition_by("period", as_dict=True)
    before = next((month for (month,) in by_month if month != period), None)
    if before is None or (period,) not in by_month:
        return None
    sides = [set(by_month[month,]["product"]) for month in (before, period)]
    if not sides[0] & sides[1]:
        return None
    weighted = bool(prices["quantity"].is_not_null().all())
    frame = prices.select("period", "product", "price", *(["quantity"] if weighted else []))
    parts = contributions(frame, "tornqvist" if weighted else "jevons", before, period)
    return parts.rename({"price_start": "price_before", "price_end": "price_now", "contribution": "points"})


def _flags(month: pl.LazyFrame) -> pl.DataFrame:
    """How many quotes of the month have each flag, and which items have most of them."""
    counts = (
        month.select("item", pl.col(FLAGS))
        .unpivot(FLAGS, index="item", variable_name="flag", value_name="has")
        .group_by("flag", "item")
        .agg(quotes=pl.col("has").sum().cast(pl.Int64), all=pl.len())
        .collect()
        .sort("flag", "quotes", "item", descending=[False, True, False])
    )
    named = counts.filter(pl.col("quotes") > 0).select("flag", said=pl.format("{} ({})", "item", "quotes"))
    items = named.group_by("flag", maintain_order=True).agg(items=pl.col("said").head(3).str.join("; "))
    return (
        counts.group_by("flag")
        .agg(pl.col("quotes").sum(), share=pl.col("quotes").sum() / pl.col("all").sum())
        .join(items, on="flag", how="left")
        .sort(pl.col("flag").replace_strict({flag: at for at, flag in enumerate(FLAGS)}))
    )


def _findings(findings: pl.LazyFrame | None, period: str) -> pl.DataFrame:
    """What the collection report found in the month, one row a finding and retailer."""
    if findings is None:
        return pl.DataFrame(
            schema={"finding": pl.String, "retailer": pl.String, "days": pl.Int64, "evidence": pl.String}
        )
    key = ("finding", "retailer")
    return (
        findings.filter(pl.col("day").dt.strftime(MONTH) == period, pl.col("finding") != "none")
        .group_by(key)
        .agg(
            days=pl.col("day").n_unique().cast(pl.Int64),
            evidence=pl.col("evidence").sort_by("day", "item_id", descending=[True, False]).drop_nulls().first(),
        )
        .sort("days", *key, descending=[True, False, False])
        .collect()
    )
