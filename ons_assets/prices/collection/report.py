"""The collection report: one tidy frame that says what every retailer's collection brought, day by day."""

import datetime as dt

import polars as pl

from ons_assets.parameters.collection import CollectionParameters
from ons_assets.prices.collection import (
    absent_runs,
    completeness,
    counts,
    late_runs,
    open_findings,
    page_caps,
    shelves,
    stuck,
)
from ons_assets.prices.collection.accepted import ACCEPTED_SCHEMA, add_epochs, none_accepted
from ons_assets.prices.collection.counts import DAY, RUN

FINDINGS = (
    "missing_run",
    "empty",
    "truncated",
    "inflated",
    "item_vanished",
    "shelf_renamed",
    "stuck",
    "duplicate_rows",
    "late_run",
    "page_cap",
)

REPORT_SCHEMA = {
    "day": pl.Date,
    "retailer": pl.String,
    "item_id": pl.String,
    "item": pl.String,
    "finding": pl.String,
    "evidence": pl.String,
    "products": pl.Int64,
    "usual_products": pl.Float64,
    "ratio": pl.Float64,
    "run": pl.String,
    "runs_affected": pl.Int64,
    "runs_of_day": pl.Int64,
    "has_clean_run": pl.Boolean,
}

_QUOTE_COLUMNS = ("retailer", "run", "collected_on", "item_id", "item", "shelf", "product", "price", "line")
_RUN_COLUMNS = (
    "retailer",
    "run",
    "started_on",
    "size_bytes",
    "parsed_rows",
    "accepted_rows",
    "quarantined_rows",
    "refused",
    "reason",
    "ends_inside_record",
)


def collection_report(
    quotes: pl.LazyFrame,
    runs: pl.DataFrame,
    *,
    first_day: dt.date | None = None,
    last_day: dt.date | None = None,
    parameters: CollectionParameters | None = None,
    accepted: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Report what every retailer's collection brought on every day, judged by the days before it.

    The report of a day reads nothing that came after it, so it never changes when later days arrive. A range of
    days gives the same rows as the whole period filtered, provided that `quotes` reaches back to the first day; what
    they must hold is `parameters.lookback_days` before `first_day`, and then no finding from before those is known.

    Parameters
    ----------
    quotes : LazyFrame
        `retailer`, `run`, `collected_on`, `item_id`, `item`, `shelf`, `product`, `price` (pounds), `line`; further
        columns are ignored. Select them by the run's day, not by `collected_on`: a run can outlast its day.
    runs : DataFrame
        One row per run file, all of them from the first day: `retailer`, `run` (`YYYYMMDDHHMMSS`), `started_on`,
        `size_bytes`, `parsed_rows`, `accepted_rows`, `quarantined_rows`, `refused`, `reason`,
        `ends_inside_record`.
    first_day, last_day : date, optional
        Days to report, both included; by default from the first to the last run.
    parameters : CollectionParameters, optional
        Windows and bounds.
    accepted : DataFrame, optional
        Levels that people accepted: `retailer`, `item_id` (or "all"), `from_day`. A finding ends on that day, and
        what is usual is learned anew from it on.

    Returns
    -------
    DataFrame
        One row per `day`, `retailer`, `item_id` and `finding` (see `REPORT_SCHEMA`), sorted by them. `item_id` is
        null for the whole run. `finding` is "none" where all is well, so every row has one and a day with two
        findings has two rows. `products` counts different products of `run`; `usual_products` is the median of
        the past days and null without history; `ratio` is their quotient. `has_clean_run` is true when the run that
        was chosen for the day is free of the finding. Item rows describe the chosen run of the day.

    Raises
    ------
    ValueError
        When a column is absent, a run is listed twice, a run has quotes but no ledger row, or the ledger has
        accepted rows of a run that needs to be read and `quotes` has none.
    """
    parameters = parameters or CollectionParameters()
    _require(quotes.collect_schema().names(), _QUOTE_COLUMNS, "quotes")
    _require(runs.columns, _RUN_COLUMNS, "runs")
    _check_ledger(quotes, runs)
    if runs.is_empty():
        return pl.DataFrame(schema=REPORT_SCHEMA)
    runs = runs.rename({"started_on": "day"})
    days = runs["day"].sort().to_list()
    first_day, last_day = first_day or days[0], last_day or days[-1]
    runs = runs.filter(pl.col("day") <= last_day)
    read = runs.filter(pl.col("day") >= first_day - dt.timedelta(days=parameters.lookback_days))
    run_days = read.select(*RUN, "day").lazy()
    accepted = none_accepted() if accepted is None else accepted.select(list(ACCEPTED_SCHEMA))
    epochs = add_epochs(runs.select(DAY).unique(), accepted)

    items = counts.count_items(quotes, runs.select(*RUN, "day").lazy())
    _check_rows(read, items)
    compared = counts.compare_with_usual(items, counts.expected_items(items, parameters, accepted))
    chosen = counts.choose_runs(compared)
    order = completeness.usual_order(compared, chosen, parameters)
    judged = completeness.judge_items(compared, order, runs, parameters)
    sums = completeness.judge_runs(judged, chosen, runs, parameters, epochs)

    whole = pl.concat(
        [
            absent_runs.missing_runs(runs, last_day, parameters, accepted),
            absent_runs.empty_runs(runs),
            completeness.run_findings(sums, parameters),
            stuck.stuck_runs(items, chosen, parameters),
            late_runs.late_runs(runs, epochs, parameters),
            page_caps.page_caps(judged, epochs, parameters),
        ],
        how="diagonal",
    ).with_columns(item_id=pl.lit(None, pl.String))
    by_item = pl.concat(
        [
            completeness.item_findings(judged, chosen),
            completeness.item_duplicates(judged, chosen, parameters),
            shelves.renamed_shelves(quotes, run_days, parameters),
        ],
        how="diagonal",
    )
    new = pl.concat([whole, by_item], how="diagonal")
    findings = open_findings.with_memory(new, judged, sums, chosen, accepted, parameters)
    findings = _one_row_each(findings, chosen)
    return (
        _all_rows(runs, sums, judged, chosen, findings)
        .filter(pl.col("day").is_between(first_day, last_day))
        .select(pl.col(name).cast(dtype) for name, dtype in REPORT_SCHEMA.items())
        .sort("day", "retailer", "item_id", "finding")
    )


def _one_row_each(findings: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """Fold the runs of a day that share a finding into one row with the evidence of each."""
    clock = pl.col("run").str.slice(8, 2) + ":" + pl.col("run").str.slice(10, 2)
    return (
        findings.join(chosen.rename({"run": "chosen"}), on=DAY, how="left")
        .sort("run", "evidence")
        .group_by(*DAY, "item_id", "finding", maintain_order=True)
        .agg(
            pl.col("run").first(),
            evidence=pl.when(pl.len() > 1)
            .then(pl.format("{} {}", clock, "evidence").str.join(" "))
            .otherwise(pl.col("evidence").first()),
            level=pl.col("level").max(),
            runs_affected=pl.col("run").n_unique() - pl.col("run").has_nulls().cast(pl.UInt32),
            has_clean_run=pl.col("item_id").first().is_null()
            & pl.col("chosen").first().is_not_null()
            & ~(pl.col("run") == pl.col("chosen")).any(),
        )
    )


def _all_rows(
    runs: pl.DataFrame,
    sums: pl.DataFrame,
    judged: pl.DataFrame,
    chosen: pl.DataFrame,
    findings: pl.DataFrame,
) -> pl.DataFrame:
    """Lay the findings over one row per day, retailer and item, each with the numbers of the run it shows."""
    runs_of_day = runs.group_by(DAY).agg(runs_of_day=pl.len())
    found = pl.concat(
        [
            sums.select(*RUN, *DAY[1:], "products", "products_usual", item_id=pl.lit(None, pl.String)),
            judged.select(*RUN, *DAY[1:], "products", "products_usual", "item_id"),
        ],
        how="diagonal",
    )
    names = judged.group_by("retailer", "item_id").agg(pl.col("item").min())
    normal = found.join(chosen, on=[*DAY, "run"]).select(*DAY, "item_id", chosen="run")
    days = pl.concat([normal, findings.select(*DAY, "item_id")], how="diagonal")
    return (
        days.group_by(*DAY, "item_id")
        .agg(pl.col("chosen").max())
        .join(findings, on=[*DAY, "item_id"], how="left", nulls_equal=True)
        .with_columns(
            pl.col("finding").fill_null("none"),
            pl.col("has_clean_run").fill_null(False),
            pl.col("runs_affected").fill_null(0),
            run=pl.coalesce("run", "chosen"),
        )
        .join(found, on=[*RUN, "day", "item_id"], how="left", nulls_equal=True)
        .join(names, on=["retailer", "item_id"], how="left")
        .join(runs_of_day, on=DAY, how="left")
        .with_columns(
            pl.col("products", "runs_of_day").fill_null(0), usual_products=pl.coalesce("level", "products_usual")
        )
        .with_columns(ratio=pl.when(pl.col("usual_products") > 0).then(pl.col("products") / pl.col("usual_products")))
    )


def _require(present: list[str], needed: tuple[str, ...], frame: str) -> None:
    absent = [name for name in needed if name not in present]
    if absent:
        raise ValueError(f"{frame} lacks the columns {', '.join(absent)}")


def _check_ledger(quotes: pl.LazyFrame, runs: pl.DataFrame) -> None:
    if runs.select(RUN).is_duplicated().any():
        raise ValueError("runs lists a run of a retailer twice")
    unknown = quotes.select(RUN).unique().collect().join(runs, on=RUN, how="anti").sort(RUN)
    if not unknown.is_empty():
        retailer, run = unknown.row(0)
        raise ValueError(f"quotes has {unknown.height} runs that runs does not list, first {retailer} {run}")


def _check_rows(read: pl.DataFrame, items: pl.DataFrame) -> None:
    lost = read.filter(pl.col("accepted_rows") > 0).join(items, on=RUN, how="anti").sort(RUN)
    if not lost.is_empty():
        retailer, run = lost.select(RUN).row(0)
        raise ValueError(f"{lost.height} runs have accepted rows in the ledger but no quotes, first {retailer} {run}")
