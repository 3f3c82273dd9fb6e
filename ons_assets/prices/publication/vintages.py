"""What was published of each figure and when: the first figure, and each revision that the policy allows."""

from datetime import date, datetime
from difflib import get_close_matches

import polars as pl

from ons_assets.parameters.publication import PublicationParameters, RevisionParameters
from ons_assets.prices.publication.figures import month_number, re_reference, rounded

SERIES = ["heading_type", "heading"]
FIGURE = [*SERIES, "period"]
FIRST = "first published"


def collected_through(quotes: pl.LazyFrame) -> str | None:
    """Return the last month that was collected to its end by every retailer that it has; None without one.

    A month is collected to its end by a retailer that has an observed quote on its last day or later. One that stopped
    in the middle of a month may be late, and holds that month back; it does not hold back a month that it has not.

    Parameters
    ----------
    quotes
        As the table `prices/checked_quotes`.
    """
    observed = quotes.filter(~pl.col("imputed")).select("retailer", "collected_on").unique()
    # The day after the last one is in the month that is not complete.
    open_month = pl.col("collected_on").max().dt.offset_by("1d").dt.truncate("1mo").over("retailer")
    months = observed.with_columns(month=pl.col("collected_on").dt.truncate("1mo"), open_month=open_month)
    complete = months.group_by("month").agg((pl.col("month") < pl.col("open_month")).all().alias("is_complete"))
    last = complete.filter("is_complete").select(pl.col("month").max()).collect().item()
    return f"{last:%Y-%m}" if isinstance(last, date) else None


def latest_figures(vintages: pl.DataFrame, edition: str, as_of_utc: datetime | None = None) -> pl.DataFrame:
    """Return the last vintage of each figure of an edition: what stands, or stood.

    Parameters
    ----------
    vintages
        As the table `prices/index_vintages`.
    edition
        Of the published series.
    as_of_utc
        Leave out what was published later; None for what stands now.
    """
    of_edition = vintages.filter(edition=edition)
    if as_of_utc is not None:
        of_edition = of_edition.filter(pl.col("published_utc") <= as_of_utc)
    return of_edition.sort(*FIGURE, "vintage").unique(FIGURE, keep="last", maintain_order=True)


def joined(
    standing: pl.DataFrame, computed: pl.DataFrame, through: str | None, revisions: RevisionParameters
) -> pl.DataFrame:
    """Bring computed series to the level of the figures that stand.

    Where data of earlier months have changed, the computed series has moved away from the published one. A new month
    joins the published series by the median of published / computed over the last months that stand, or by the last of
    them if it is older than those. While few of
    them moved, the median is 1 and the new month is on the right level, which ends the error; where all of them moved
    alike, as with another base or method, their change is no change of prices of the new month.

    Parameters
    ----------
    standing
        As `latest_figures` returns them.
    computed
        ``heading_type``, ``heading``, ``period``, ``base_period`` and ``index``, one row a series and month.
    through
        Last month that is published.
    revisions
        The policy.

    Returns
    -------
    DataFrame
        The rows of `computed` with an index, sorted: ``index`` on the published level, null where no figure that stands
        was computed too; ``factor``, ``standing`` (published, null if new), ``vintage`` (its last), and ``revisable``.

    Notes
    -----
    The Office for National Statistics sets its Retail Prices Index, which is never revised, to the right level from
    the month in which an error is found, and leaves the months before it as they were.
    """
    rows = (
        computed.filter(pl.col("index").is_not_null())
        .join(standing.select(*FIGURE, "vintage", standing="index"), on=FIGURE, how="left")
        .with_columns(revisable=may_be_revised(through, revisions))
    )
    # A month of the calendar stays a vote or none: figures that join at the median leave the median where it is.
    is_near = month_number() > month_number(pl.lit(through)) - revisions.join_months if through else pl.lit(True)
    is_vote = pl.col("standing").is_not_null() & ~pl.col("revisable")
    vote = pl.col("standing").log() - pl.col("index").log()
    levels = (
        rows.sort(*FIGURE)
        .group_by(SERIES)
        .agg(
            shift=pl.coalesce(vote.filter(is_vote & is_near).median(), vote.filter(is_vote).last()),
            overlap=pl.col("standing").is_not_null().any(),
        )
    )
    bases = standing.sort(FIGURE).group_by(SERIES).agg(published_base=pl.col("base_period").first())
    # Of what was never published, and of what may all be revised, the computed level is the level.
    fresh = pl.col("published_base").is_null() | pl.col("overlap")
    shift = pl.when(pl.col("shift").abs() > revisions.tolerance).then("shift").otherwise(0.0)
    factor = pl.when(pl.col("shift").is_not_null()).then(shift.exp()).when(fresh).then(1.0)
    return (
        rows.join(levels, on=SERIES)
        .join(bases, on=SERIES, how="left")
        .with_columns(factor=factor)
        .with_columns(
            index=pl.col("index") * pl.col("factor"), base_period=pl.coalesce("published_base", "base_period")
        )
        .drop("shift", "overlap", "published_base")
        .sort(FIGURE)
    )


def may_be_revised(through: str | None, revisions: RevisionParameters) -> pl.Expr:
    """Return whether the policy lets a published figure of a heading and period change.

    Parameters
    ----------
    through
        Last month that is published.
    revisions
        The policy.
    """
    if revisions.policy == "window" and through is not None:
        return month_number() >= month_number(pl.lit(through)) - revisions.months
    if revisions.policy == "corrections":
        return correction_of(revisions).is_not_null()
    return pl.lit(False)


def correction_of(revisions: RevisionParameters) -> pl.Expr:
    """Return the reason of the first correction that names a heading and period; null where none does."""
    found = pl.lit(None, dtype=pl.String)
    for each in reversed(revisions.corrections):
        named = pl.col("heading").is_in(list(each.headings)) & pl.col("period").is_between(
            pl.lit(each.first_month), pl.lit(each.last_month)
        )
        found = pl.when(named).then(pl.lit(each.reason)).otherwise(found)
    return found


def new_vintages(
    vintages: pl.DataFrame,
    computed: pl.DataFrame,
    *,
    through: str | None,
    published_utc: datetime,
    publication: PublicationParameters,
    revisions: RevisionParameters,
) -> pl.DataFrame:
    """Return what is to be published now: figures of new months, and revisions that the policy allows.

    What was published already and has not changed by more than the tolerance is no vintage, so that a second call with
    the first one's rows among `vintages` returns none.

    Parameters
    ----------
    vintages
        As the table `prices/index_vintages`, all editions.
    computed
        As for `joined`.
    through
        Last month that is published; None publishes nothing.
    published_utc
        When that is.
    publication, revisions
        The edition, how figures are shown, and the policy.

    Returns
    -------
    DataFrame
        Rows of the table, sorted by its key.

    Raises
    ------
    ValueError
        If a correction names what is no heading.
    """
    standing = latest_figures(vintages, publication.edition)
    _refuse_unknown(revisions, {*computed["heading"], *standing["heading"]})
    rows = joined(standing, computed, through, revisions).drop_nulls("index")
    rows = rows.filter(pl.col("period") <= pl.lit(through, dtype=pl.String))
    is_new = pl.col("standing").is_null()
    moved = (pl.col("index") / pl.col("standing") - 1).abs() > revisions.tolerance
    rows = rows.filter(is_new | (moved & pl.col("revisable"))).with_columns(
        edition=pl.lit(publication.edition),
        vintage=pl.col("vintage").fill_null(0) + 1,
        published_utc=pl.lit(published_utc, dtype=pl.Datetime("us", "UTC")),
        reason=pl.when(is_new).then(_said_of_new(revisions)).otherwise(_said_of_revised(revisions)),
    )
    return (
        rows.join(_shown(standing, rows, publication), on=FIGURE)
        .select(*vintages.columns)
        .sort("edition", *FIGURE, "vintage")
    )


def _refuse_unknown(revisions: RevisionParameters, known: set[str]) -> None:
    """Refuse a correction that would correct nothing, and say nothing."""
    named = {heading for correction in revisions.corrections for heading in correction.headings}
    if revisions.policy == "corrections" and (unknown := sorted(named - known)):
        near = sorted({each for name in unknown for each in get_close_matches(name, known, n=2)})
        meant = f"; did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"prices.revisions.corrections names what is no item_id or group: {', '.join(unknown)}{meant}")


def _shown(standing: pl.DataFrame, rows: pl.DataFrame, publication: PublicationParameters) -> pl.DataFrame:
    """The figures as they are shown once the new ones are among them."""
    columns = [*FIGURE, "base_period", "index"]
    series = pl.concat([standing.join(rows, on=FIGURE, how="anti").select(columns), rows.select(columns)])
    return re_reference(series, publication.reference, SERIES).select(
        *FIGURE,
        "reference_period",
        figure=rounded(pl.col("index"), publication.decimals, publication.rounding),
    )


def _said_of_new(revisions: RevisionParameters) -> pl.Expr:
    moved = (pl.col("factor") - 1).abs() > revisions.tolerance
    share = ((pl.col("factor") - 1) * 100).round(4).cast(pl.String)
    joint = pl.format("{}, joined to the months that stand: {} % on the computed index", pl.lit(FIRST), share)
    return pl.when(moved).then(joint).otherwise(pl.lit(FIRST))


def _said_of_revised(revisions: RevisionParameters) -> pl.Expr:
    if revisions.policy == "corrections":
        return pl.format("corrected: {}", correction_of(revisions))
    return pl.lit(f"revised, with at most {revisions.months} later months published")


def revision_triangle(vintages: pl.DataFrame) -> pl.DataFrame:
    """Say of each published figure what it was first, what it is now, and how often and how far it was revised.

    Parameters
    ----------
    vintages
        As the table `prices/index_vintages`.

    Returns
    -------
    DataFrame
        As the table `prices/revision_triangle`. Revisions are of the unrounded index, in its points.

    References
    ----------
    McKenzie and Gamba (2008), Interpreting the results of revision analyses: recommended summary statistics, OECD and
    Eurostat task force on performing revisions analysis, for the mean absolute revision.
    """
    key = ["edition", *FIGURE]
    step = pl.col("index").diff().drop_nulls()
    return (
        vintages.sort(*key, "vintage")
        .group_by(key, maintain_order=True)
        .agg(
            first_index=pl.col("index").first(),
            first_published_utc=pl.col("published_utc").first(),
            last_index=pl.col("index").last(),
            last_published_utc=pl.col("published_utc").last(),
            revisions=pl.len().cast(pl.Int64) - 1,
            revision=pl.col("index").last() - pl.col("index").first(),
            mean_absolute_revision=step.abs().mean(),
            largest_revision=step.get(step.abs().arg_max(), null_on_oob=True),
            last_reason=pl.col("reason").last(),
        )
        .with_columns(
            pl.col("mean_absolute_revision").fill_null(0.0),
            reason=pl.when(pl.col("revisions") > 0).then("last_reason"),
        )
        .drop("last_reason")
    )
