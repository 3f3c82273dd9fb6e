"""The scorecard of a home: all that is measured of its tables, judged, and what of it is new."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.catalogue.governance import QUALITY_SCORECARD
from ons_assets.catalogue.governance_areas import COMBINED_ESTIMATES
from ons_assets.governance.register import Register
from ons_assets.governance.register.entries import made_of
from ons_assets.governance.scorecard import arrivals, checks, contents, relations, verdicts, versions
from ons_assets.governance.scorecard.judging import KEY, judged
from ons_assets.governance.scorecard.measures import OBSERVED, Status
from ons_assets.governance.scorecard.sources import of_sources
from ons_assets.lakehouse import lake, validations
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.lake import Version
from ons_assets.lakehouse.tables import Catalogue, Table
from ons_assets.parameters.governance import AccuracyParameters, ScorecardParameters, TrendParameters

NO_LONGER = "No longer measured."
# What a row says; it is written anew only if one of these differs from what was written last.
SAID = ["value", "quality_status", "said", "look_bound", "act_bound"]
DIGITS = 10


def evaluate(
    home: Home,
    ledger: pl.DataFrame,
    register: Register,
    now: datetime,
    time_zone: str,
    *,
    scorecard: ScorecardParameters,
    trend: TrendParameters,
    accuracy: AccuracyParameters,
    catalogue: Catalogue = CATALOGUE,
) -> pl.DataFrame:
    """Measure every published table, and judge what was measured.

    Parameters
    ----------
    home
        Whose lake and kept results are read.
    ledger
        Rows of `governance/drop_ledger` as they are now.
    register
        Of the home.
    now, time_zone
        The moment by which is judged, and the local clock.
    scorecard, trend, accuracy
        Bounds.
    catalogue
        Tables; the scorecard itself is left out.

    Returns
    -------
    polars.DataFrame
        As `ons_assets.governance.scorecard.judging.judged`, with `table_version`.
    """
    tables = {name: table for name, table in catalogue.items() if name != QUALITY_SCORECARD.name}
    histories = {name: lake.history(home, table) for name, table in tables.items()}
    published = {name: table for name, table in tables.items() if histories[name]}
    today = now.astimezone(ZoneInfo(time_zone)).date()
    cycles = {name: entry.update_cycle for name, entry in register.items()}
    sources = register.tables_of_sources
    observations = pl.concat(
        [
            pl.DataFrame(schema=OBSERVED),
            arrivals.of_files(ledger, sources, scorecard.known_remarks),
            arrivals.of_days(ledger, sources, cycles, today, time_zone, scorecard, trend.holidays),
            verdicts.of_results({k: v for k, v in validations.newest_of_tables(home).items() if k in tables}),
            versions.of_versions(tables, histories, now),
            *_of_rows(home, published, histories, catalogue, register, today, scorecard),
            *_of_pairs(home, published, ledger, sources),
            *_of_sources(home, published, scorecard.least_areas_compared),
        ]
    )
    numbers = {name: known[0].number for name, known in histories.items() if known}
    # A kept result of a table that was erased, or files of one that was not made yet, have no version.
    found = judged(observations, register, scorecard, trend, accuracy).rename({"basis": "n_behind"})
    return found.with_columns(
        pl.col("value", "usual_value", "usual_low", "usual_high").round_sig_figs(DIGITS),
        table_version=pl.col("table_name").replace_strict(numbers, default=None, return_dtype=pl.Int64()),
    )


def _of_rows(
    home: Home,
    published: Mapping[str, Table],
    histories: Mapping[str, Sequence[Version]],
    catalogue: Catalogue,
    register: Register,
    today: date,
    parameters: ScorecardParameters,
) -> Iterator[pl.DataFrame]:
    """What the rows of each table tell by themselves."""
    frames = {name: lake.read(home, table, histories[name][0].number) for name, table in published.items()}
    raw = {*register.tables_of_sources.values()}
    for name, table in published.items():
        cycle = register[name].update_cycle
        inputs = [each for each in made_of(table, catalogue) if each.name in published]
        yield contents.of_contents(
            table,
            frames[name],
            contents.inherited_columns(table, inputs),
            parameters,
            is_raw=name in raw,
            is_daily=name in raw and cycle.every == "day",
            is_of_runs=name in checks.RUNS,
            unit=checks.EVERY_DAY.get(name),
            until=today - timedelta(days=cycle.within_days + 1) if cycle.every == "day" else None,
        )
        for each in inputs:
            yield contents.of_derivation(table, frames[name], each, frames[each.name], parameters.least_rows)
        if relations.has_sums(table):
            yield relations.of_sums(table, frames[name].collect())
    yield from _of_checks(published, frames)


def _of_checks(published: Mapping[str, Table], frames: Mapping[str, pl.LazyFrame]) -> Iterator[pl.DataFrame]:
    """What is asked of single tables."""
    for repeats in checks.REPEATS:
        if repeats.table in published:
            yield contents.of_repeats(repeats, frames[repeats.table])
    for flag in checks.FLAGS:
        if flag.table in published:
            yield contents.of_flag(flag, frames[flag.table])
    for findings in checks.FINDINGS:
        if findings.report in published:
            yield contents.of_findings(findings, published[findings.report], frames[findings.report])
    for comparison in checks.COMPARISONS:
        if comparison.table in published:
            yield relations.of_comparison(comparison, frames[comparison.table])


def _of_pairs(
    home: Home, published: Mapping[str, Table], ledger: pl.DataFrame, sources: Mapping[str, str]
) -> Iterator[pl.DataFrame]:
    """What tables tell of each other."""
    raw = {name: _count(home, published[name]) for name in sources.values() if name in published}
    yield relations.of_ledger(raw, ledger, sources)
    for conserved in checks.CONSERVED:
        if {conserved.table, conserved.of} <= published.keys():
            counts = (_count(home, published[name]) for name in (conserved.table, conserved.of))
            yield relations.of_conserved(conserved, *counts)
    for check in checks.REFERENCES:
        if {check.table, check.reference} <= published.keys():
            rows, reference = (lake.read(home, published[name]) for name in (check.table, check.reference))
            yield relations.of_reference(check, rows, reference)


def _of_sources(home: Home, published: Mapping[str, Table], fewest_areas: int) -> Iterator[pl.DataFrame]:
    """What sources tell of the same areas."""
    if COMBINED_ESTIMATES.name in published:
        yield of_sources(lake.read(home, COMBINED_ESTIMATES).collect(), fewest_areas)


def _count(home: Home, table: Table) -> int:
    return int(lake.read(home, table).select(pl.len()).collect(engine="streaming").item())


def new_rows(before: pl.DataFrame, now: pl.DataFrame, evaluated_utc: datetime, time_zone: str) -> pl.DataFrame:
    """Return what the history of the scorecard has not yet: what is new or differs, and what is no longer measured.

    Parameters
    ----------
    before
        Rows of `governance/quality_scorecard`.
    now
        As `evaluate` returns it.
    evaluated_utc, time_zone
        When that was, and the local clock.

    Returns
    -------
    polars.DataFrame
        Rows of the table; none if nothing changed.
    """
    when = {
        "evaluated_utc": pl.lit(evaluated_utc, pl.Datetime("us", "UTC")),
        "evaluated_on": pl.lit(evaluated_utc.astimezone(ZoneInfo(time_zone)).date()),
    }
    last = latest(before)
    changed = now.join(last, on=[*KEY, *SAID], how="anti", nulls_equal=True)
    gone = last.join(now, on=KEY, how="anti").filter(pl.col("said") != NO_LONGER)
    ended = gone.with_columns(
        value=pl.lit(None, pl.Float64()),
        quality_status=pl.lit(Status.NOT_JUDGED.value),
        said=pl.lit(NO_LONGER),
        next_step=pl.lit("Nothing."),
    )
    columns = QUALITY_SCORECARD.column_names
    return pl.concat([each.with_columns(**when).select(columns) for each in (changed, ended)])


def latest(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the last that was said of each measure of each partition and part of each table."""
    return rows.sort("evaluated_utc").unique(KEY, keep="last", maintain_order=True)
