"""Indices beside those of others: gaps, correlation, lead, drift, coverage; with and without non-target products."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.parameters.prices import AggregationParameters, IndexComparisonParameters, IndexParameters
from ons_assets.prices import compilation
from ons_assets.prices.followed import OUT_OF_SCOPE
from ons_assets.prices.indices.numbers import as_floats

Floats = npt.NDArray[np.float64]

ALL_ITEMS = "all"
IN_SCOPE, ALL_QUOTES = "in scope", "all"
UNCHAINED = "unchained"
FIRST_DAYS = {"month": ("%Y-%m-%d", "-01"), "week": ("%G-W%V-%u", "-1"), "day": ("%Y-%m-%d", "")}


@dataclass(frozen=True)
class Measures:
    """How an index moves beside another; both are 100 in the first common period. See `compare`."""

    first_period: str | None
    last_period: str | None
    periods: int
    coverage: float
    mean_absolute_gap: float | None = None
    largest_gap: float | None = None
    largest_gap_period: str | None = None
    rmse: float | None = None
    growth_correlation: float | None = None
    lead_periods: int | None = None
    lead_correlation: float | None = None
    drift_per_year: float | None = None
    reason: str | None = None


def compare(
    ours: pl.DataFrame, theirs: pl.DataFrame, frequency: str, parameters: IndexComparisonParameters | None = None
) -> Measures:
    """Measure how an index moves beside another.

    Parameters
    ----------
    ours, theirs
        ``period`` (codes of the frequency) and ``index``, each on any base; one row a period.
    frequency
        "day", "week" or "month".
    parameters
        None for the defaults.

    Returns
    -------
    Measures
        Over the common periods, both rebased to 100 in the first of them, which itself does not count in the gaps.
        The growth is the change of ln index between neighbouring periods of the calendar. The lead is the shift of
        ours, in periods, at which the correlation of the growths is highest; null with fewer than six pairs. The drift
        is the slope of ln(ours / theirs) over time.

    Raises
    ------
    ValueError
        If the frequency is unknown, or a series has a period twice.
    """
    parameters = parameters or IndexComparisonParameters()
    if frequency not in FIRST_DAYS:
        raise ValueError(f"unknown frequency {frequency!r}: use one of {', '.join(FIRST_DAYS)}")
    for series in (ours, theirs):
        if series["period"].is_duplicated().any():
            raise ValueError("a series has two indices in a period")
    ours, theirs = (_known(as_floats(series, "index")) for series in (ours, theirs))
    if ours.is_empty() or theirs.is_empty():
        return Measures(None, None, 0, 0.0, reason="fewer than two common periods")
    within = theirs.filter(pl.col("period") >= ours["period"][0], pl.col("period") <= ours["period"][-1])
    common = ours.join(theirs, on="period", suffix="_theirs").sort("period")
    coverage = len(common) / len(within) if len(within) else 0.0
    if len(common) < 2:
        first: str | None = common["period"][0] if len(common) else None
        return Measures(first, first, len(common), coverage, reason="fewer than two common periods")
    levels = [common[name].to_numpy() for name in ("index", "index_theirs")]
    mine, other = (100 * level / level[0] for level in levels)
    gap = mine - other
    widest = int(np.abs(gap).argmax())
    years = _years(common["period"], frequency)
    drift = np.polyfit(years, np.log(mine / other), 1)[0] if len(common) > parameters.fewest_growths else None
    correlation, lead, at_lead = _correlations(
        _growth(ours, frequency),
        _growth(theirs, frequency),
        _longest_lead(frequency, parameters),
        parameters.fewest_growths,
    )
    return Measures(
        first_period=common["period"][0],
        last_period=common["period"][-1],
        periods=len(common),
        coverage=coverage,
        mean_absolute_gap=float(np.abs(gap[1:]).mean()),
        largest_gap=float(gap[widest]),
        largest_gap_period=common["period"][widest],
        rmse=float(np.sqrt((gap[1:] ** 2).mean())),
        growth_correlation=correlation,
        lead_periods=lead,
        lead_correlation=at_lead,
        drift_per_year=None if drift is None else float(100 * np.expm1(drift)),
        reason="too few changes for a correlation, or none" if correlation is None else None,
    )


def chain_within_year(indices: pl.DataFrame) -> pl.DataFrame:
    """Chain monthly indices that start anew each year: from February on, January of the year is 100.

    Official files differ in what a January is on: the January before, or the December before. On the former it
    continues that December, on the latter it lies near 100. The nearer of the two, in the median over the items of a
    series and year, is taken.

    Parameters
    ----------
    indices
        ``series``, ``item_id``, ``period`` (2016-07), ``index``.

    Returns
    -------
    DataFrame
        The same rows with ``index`` chained, 100 in the January of each item's first year, whether or not it is
        among the rows. From a year on whose January is missing it is null.

    References
    ----------
    Office for National Statistics, "Consumer Prices Indices Technical Manual", 2019, section 2.5 (double chain link).
    """
    key = ["series", "item_id"]
    dated = as_floats(indices, "index").with_columns(
        year=pl.col("period").str.slice(0, 4).cast(pl.Int32), january=pl.col("period").str.ends_with("-01")
    )
    in_december = pl.col("index").filter(pl.col("period").str.ends_with("-12")).first() / 100
    years = (
        dated.group_by(*key, "year")
        .agg(link=pl.col("index").filter("january").first() / 100, december=in_december)
        .sort(*key, "year")
        .with_columns(
            first=pl.int_range(pl.len()).over(key) == 0,
            follows=(pl.col("year").diff() == 1).over(key),
            december=pl.col("december").shift().over(key),
        )
    )
    followed = pl.col("follows") & pl.col("december").is_not_null()
    to_december = pl.col("link").log().abs().filter(followed).median().over("series", "year")
    to_january = (pl.col("link") / pl.col("december")).log().abs().filter(followed).median().over("series", "year")
    links = (
        years.with_columns(on_december=(to_december < to_january).fill_null(False))
        # A year that has no January, or none before it, cannot be linked; nor can what comes after it.
        .with_columns(
            link=pl.when("first")
            .then(1.0)
            .when("follows")
            .then(pl.col("link") * pl.when("on_december").then("december").otherwise(1.0))
        )
        .with_columns(level=100 * pl.col("link").fill_null(float("nan")).cum_prod().over(key).fill_nan(None))
    )
    return (
        dated.join(links.select(*key, "year", "level"), on=[*key, "year"], how="left", maintain_order="left")
        .with_columns(index=pl.when("january").then(pl.col("level")).otherwise(pl.col("level") * pl.col("index") / 100))
        .drop("year", "january", "level")
    )


def index_comparison(
    quotes: pl.LazyFrame,
    items: pl.LazyFrame,
    groups: pl.LazyFrame,
    weights: pl.LazyFrame,
    official: pl.LazyFrame,
    indices: IndexParameters,
    aggregation: AggregationParameters,
    parameters: IndexComparisonParameters | None = None,
) -> pl.DataFrame:
    """Compare all indices with those of others, item by item and group by group.

    Parameters
    ----------
    quotes, items, groups, weights, official
        As the tables `prices/checked_quotes`, `prices/item_indices`, `prices/aggregate_indices`,
        `reference/item_weights` and `reference/official_indices`.
    indices, aggregation
        Those that the indices were made with.
    parameters
        None for the defaults.

    Returns
    -------
    DataFrame
        As the table `prices/index_comparison`. A series of items is also aggregated to groups, over the items that
        have an index of ours, and compared there; a series of no single item is compared with every group. Each
        comparison is made twice: without the products that are not the item, and with them.
    """
    theirs = _chained(official.collect())
    frequencies = tuple(each for each in indices.frequencies if each in set(theirs["frequency"]))
    ours = {IN_SCOPE: (items.collect(), groups.collect())}
    if frequencies and OUT_OF_SCOPE in indices.excludes:
        excludes = tuple(flag for flag in indices.excludes if flag != OUT_OF_SCOPE)
        wider = indices.model_copy(update={"excludes": excludes, "frequencies": frequencies})
        all_items = compilation.item_indices(quotes, wider)
        ours[ALL_QUOTES] = (all_items, compilation.aggregate_indices(all_items.lazy(), weights, aggregation))
    rows = [
        {"quotes": quotes_used, **row}
        for quotes_used, (item_frame, group_frame) in ours.items()
        for row in _comparisons(item_frame, group_frame, weights, theirs, aggregation, parameters)
    ]
    return pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame()


def _chained(official: pl.DataFrame) -> pl.DataFrame:
    """Chain the series that start anew each year; their name says so."""
    unchained = pl.col("series").str.contains(UNCHAINED) & (pl.col("frequency") == "month")
    return pl.concat([official.filter(~unchained), chain_within_year(official.filter(unchained)).drop_nulls("index")])


def _comparisons(
    items: pl.DataFrame,
    groups: pl.DataFrame,
    weights: pl.LazyFrame,
    theirs: pl.DataFrame,
    aggregation: AggregationParameters,
    parameters: IndexComparisonParameters | None,
) -> Iterator[dict[str, object]]:
    for (series, frequency), published in theirs.partition_by("series", "frequency", as_dict=True).items():
        of_items = published.filter(pl.col("item_id") != ALL_ITEMS)
        ours = items.filter(frequency=frequency).select("method", "period", "index", subject="item_id")
        their_items = of_items.select("period", "index", subject="item_id")
        yield from _pairs(ours, their_items, str(series), str(frequency), "item", parameters)
        our_groups = groups.filter(frequency=frequency).select("method", "period", "index", subject="group")
        if len(of_items):
            grouped = _official_groups(of_items, ours, weights, aggregation)
            yield from _pairs(our_groups, grouped, str(series), str(frequency), "group", parameters)
        whole = published.filter(item_id=ALL_ITEMS).select("period", "index")
        if len(whole):
            every = our_groups.select("subject").unique().join(whole, how="cross")
            yield from _pairs(our_groups, every, str(series), str(frequency), "group", parameters)


def _official_groups(
    official: pl.DataFrame, ours: pl.DataFrame, weights: pl.LazyFrame, aggregation: AggregationParameters
) -> pl.DataFrame:
    """Aggregate official items to groups: those that have an index of ours, from our first period on = 100."""
    known = ours.drop_nulls("index")
    common = official.filter(
        pl.col("item_id").is_in(known["subject"].unique().to_list()), pl.col("period") >= known["period"].min()
    )
    if common.is_empty():
        return pl.DataFrame(schema={"period": pl.String, "index": pl.Float64, "subject": pl.String})
    base = common.filter(pl.col("period") == pl.col("period").min()).select("item_id", base="index")
    rebased = common.join(base, on="item_id").with_columns(
        index=100 * pl.col("index") / pl.col("base"), method=pl.lit("official"), frequency=pl.col("frequency")
    )
    made = compilation.aggregate_indices(rebased.lazy(), weights, aggregation)
    return made.select("period", "index", subject="group")


def _pairs(
    ours: pl.DataFrame,
    theirs: pl.DataFrame,
    series: str,
    frequency: str,
    subject_type: str,
    parameters: IndexComparisonParameters | None,
) -> Iterator[dict[str, object]]:
    published = theirs.partition_by("subject", as_dict=True)
    for (method, subject), index in sorted(ours.partition_by("method", "subject", as_dict=True).items()):
        if (subject,) in published:
            measured = compare(index, published[(subject,)], frequency, parameters)
            yield {
                "frequency": frequency,
                "method": method,
                "subject_type": subject_type,
                "subject": subject,
                "series": series,
                **asdict(measured),
            }


def _known(series: pl.DataFrame) -> pl.DataFrame:
    """Periods with an index, in order."""
    known = pl.col("index").is_not_null() & pl.col("index").is_finite() & (pl.col("index") > 0)
    return series.filter(known).select("period", "index").sort("period")


def _first_days(periods: pl.Series, frequency: str) -> pl.Series:
    form, end = FIRST_DAYS[frequency]
    return (periods + end).str.to_date(form)


def _years(periods: pl.Series, frequency: str) -> Floats:
    days = _first_days(periods, frequency)
    years: Floats = (days - days[0]).dt.total_days().to_numpy() / 365.25
    return years


def _growth(series: pl.DataFrame, frequency: str) -> dict[int, float]:
    """Change of ln index by the number of the period; only between neighbouring periods."""
    days = _first_days(series["period"], frequency)
    if frequency == "month":
        numbers = (days.dt.year() * 12 + days.dt.month()).to_list()
    else:
        numbers = (days.to_physical() // (7 if frequency == "week" else 1)).to_list()
    levels = np.log(series["index"].to_numpy())
    return {
        numbers[at]: float(levels[at] - levels[at - 1])
        for at in range(1, len(numbers))
        if numbers[at] == numbers[at - 1] + 1
    }


def _longest_lead(frequency: str, parameters: IndexComparisonParameters) -> int:
    return {
        "month": parameters.longest_lead_months,
        "week": parameters.longest_lead_weeks,
        "day": parameters.longest_lead_days,
    }[frequency]


def _correlations(
    ours: dict[int, float], theirs: dict[int, float], longest_lead: int, fewest: int
) -> tuple[float | None, int | None, float | None]:
    """Correlation of the growths at once, the lead of ours at which it is highest, and that correlation."""
    at_once = _correlation(ours, theirs, 0, fewest)
    leads = sorted(range(-longest_lead, longest_lead + 1), key=abs)
    found = {lead: value for lead in leads if (value := _correlation(ours, theirs, lead, fewest)) is not None}
    if not found:
        return at_once, None, None
    # Of equal correlations the smallest shift counts: leads are in that order.
    best = max(found, key=lambda lead: round(found[lead], 9))
    return at_once, best, found[best]


def _correlation(ours: dict[int, float], theirs: dict[int, float], lead: int, fewest: int) -> float | None:
    pairs = np.array([(growth, theirs[at + lead]) for at, growth in ours.items() if at + lead in theirs])
    if len(pairs) < fewest or (np.ptp(pairs, axis=0) < 1e-12).any():
        return None
    return float(np.corrcoef(pairs.T)[0, 1])
