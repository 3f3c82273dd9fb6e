"""What the ledger tells of what came: whether all of it, in time, and how much of it could be used."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise

import polars as pl

from ons_assets.governance.register import UpdateCycle
from ons_assets.governance.scorecard.measures import ALL, OBSERVED, observed
from ons_assets.intake.ledger import Status
from ons_assets.parameters.governance import ScorecardParameters

READ = (Status.ACCEPTED, Status.SUPERSEDED)
REASONS_TOLD = 3
# A weekday on which data came so seldom is none on which they are due.
SELDOM, WEEKDAYS_SEEN = 0.2, 3
PERIOD_DAYS = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}
PAST = "came as a delivery of the past"

_STATUS = pl.col("status")
# Of which files a share is, what it is a share of, and which part of that.
_SHARES = {
    "accepted_share": (_STATUS.is_in(READ), "parsed_rows", pl.col("accepted_rows")),
    "rows_in_force": (_STATUS == Status.ACCEPTED, "accepted_rows", pl.col("rows_in_force")),
    "usable_share": (_STATUS.is_in(READ), "expected_units", pl.min_horizontal("usable_units", "expected_units")),
    "refused_files": (_STATUS.is_in([*READ, Status.REFUSED]), "files", (_STATUS == Status.REFUSED).cast(pl.Int64)),
    "remarked_files": (_STATUS == Status.ACCEPTED, "files", pl.col("of_file").is_not_null().cast(pl.Int64)),
    "repeated_files": (pl.lit(value=True), "files", (_STATUS == Status.DUPLICATE).cast(pl.Int64)),
}
# What is said of single rows, and of the file; by the share that each explains.
_NUMBERS = re.compile(r"\d[\d,.]*")
_OF_ROWS = r"^[\d,]+ rows?: "
_REASONS = {"accepted_share": "of_rows", "refused_files": "said", "remarked_files": "of_file"}


def of_files(
    ledger: pl.DataFrame, tables_of_sources: Mapping[str, str], known_remarks: Collection[str] = ()
) -> pl.DataFrame:
    """Return what the files of each table were like: by day where they have days, and of all together.

    Parameters
    ----------
    ledger
        Rows of `governance/drop_ledger`.
    tables_of_sources
        The raw table of each source; files of other sources are left out.
    known_remarks
        What is said of files and may stand, as the scorecard tells it; numbers in it may be others.

    Returns
    -------
    polars.DataFrame
        Observations.
    """
    said = [reason and _unnamed(reason, name) for name, reason in ledger.select("file_name", "reason").iter_rows()]
    told = ledger.with_columns(reason=pl.Series(said, dtype=pl.String()))
    files = told.filter(pl.col("source").is_in(list(tables_of_sources))).select(
        "status", "parsed_rows", "accepted_rows", "rows_in_force", "usable_units", "expected_units",
        table_name=pl.col("source").replace_strict(tables_of_sources, return_dtype=pl.String()),
        files=pl.lit(1, pl.Int64()),
        said=pl.concat_list("reason"),
        of_rows=_remarks(of_rows=True),
        of_file=_remarks(of_rows=False, known=known_remarks),
        day=pl.col("local_days"),
    )  # fmt: skip
    by_day = files.explode("day", empty_as_null=True).drop_nulls("day")
    by_day = by_day.with_columns(partition_name=pl.col("day").cast(pl.String()))
    whole = files.with_columns(partition_name=pl.lit(ALL), day=pl.lit(None, pl.Date()))
    return pl.concat([pl.DataFrame(schema=OBSERVED), *_shares(by_day), *_shares(whole)])


def _shares(files: pl.DataFrame) -> Iterator[pl.DataFrame]:
    by = ["table_name", "partition_name", "day"]
    for measure, (of, whole, part) in _SHARES.items():
        told = files.filter(of).with_columns(basis=whole, part=part).drop_nulls(["basis", "part"])
        shares = told.group_by(by).agg(pl.col("basis", "part").sum()).filter(pl.col("basis") > 0)
        shares = shares.with_columns(value=pl.col("part") / pl.col("basis"))
        if measure in _REASONS:
            of_those = told if measure == "accepted_share" else told.filter(pl.col("part") > 0)
            reasons = _reasons(of_those.with_columns(said=_REASONS[measure]), by)
            shares = shares.join(reasons, on=by, how="left", nulls_equal=True)
        yield observed(shares, measure)


def _remarks(*, of_rows: bool, known: Collection[str] = ()) -> pl.Expr:
    """What is said of accepted files, of single rows of them or of the whole, as a list; null if nothing is."""
    said = pl.element()
    is_of_rows = said.str.contains(_OF_ROWS)
    # As the report tells it: at the end of a sentence, and as long as it is.
    stand = {_NUMBERS.sub("#", each.strip().rstrip(".")) for remark in known for each in remark.split("; ")}
    is_known = _without_numbers(said.str.strip_chars_end(".")).is_in(sorted(stand))
    those = pl.col("reason").str.split("; ").list.eval(said.filter((is_of_rows == of_rows) & ~is_known))
    return pl.when(those.list.len() > 0).then(those)


def _reasons(files: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """The commonest reasons, and of how many files; those that differ in numbers only are one."""
    each = files.with_row_index("file").explode("said", empty_as_null=True).drop_nulls("said")
    kinds = each.group_by(*by, kind=_without_numbers(pl.col("said")))
    told = kinds.agg(pl.col("file").n_unique(), pl.col("said").sort().first(), differ=pl.col("said").n_unique() > 1)
    such = pl.when("differ").then(pl.lit(", such as")).otherwise(pl.lit(""))
    return (
        told.sort("file", "said", descending=[True, False])
        .group_by(by, maintain_order=True)
        .head(REASONS_TOLD)
        .group_by(by, maintain_order=True)
        .agg(detail=pl.format("{} of them{}: {}", "file", such, "said").str.join("; "))
    )


def _unnamed(reason: str, name: str) -> str:
    """What is said of a file without its name, which other words and numbers may hold."""
    return reason if _NUMBERS.fullmatch(name) else re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "the file", reason)


def _without_numbers(said: pl.Expr) -> pl.Expr:
    return said.str.replace_all(_NUMBERS.pattern, "#")


def of_days(
    ledger: pl.DataFrame,
    tables_of_sources: Mapping[str, str],
    cycles: Mapping[str, UpdateCycle],
    as_of: date,
    time_zone: str,
    parameters: ScorecardParameters,
    holidays: Collection[date] = (),
) -> pl.DataFrame:
    """Return whether the data of each day came, and when, and whether more should have come by now.

    A day whose first file came long after it was delivered from the past: it can be missing, and cannot be late. A
    source of which all came so is not awaited.

    Parameters
    ----------
    ledger, tables_of_sources
        As for `of_files`.
    cycles
        Update cycle of each table; those that follow others, or come at no fixed time, are left out.
    as_of
        The day by which is judged.
    time_zone
        Of the local clock.
    parameters
        From when on a delivery is one of the past.
    holidays
        Days on which nothing is due.

    Returns
    -------
    polars.DataFrame
        Observations.
    """
    read = ledger.filter(_STATUS.is_in(READ)).select(
        table_name=pl.col("source").replace_strict(tables_of_sources, default=None, return_dtype=pl.String()),
        came=pl.col("received_utc").dt.convert_time_zone(time_zone).dt.date(),
        day="local_days",
    )
    rows: list[tuple[object, ...]] = []
    for (table,), of_table in read.drop_nulls("table_name").group_by("table_name"):
        cycle = cycles.get(str(table))
        if cycle is None or cycle.every not in PERIOD_DAYS:
            continue
        days = of_table.explode("day", empty_as_null=True).with_columns(pl.col("day").fill_null(pl.col("came")))
        first = dict(days.group_by("day").agg(pl.col("came").min()).sort("day").iter_rows())
        rows += [(table, *row) for row in _dated(first, cycle, as_of, parameters, holidays)]
    schema = {name: OBSERVED[name] for name in ("table_name", "measure", "partition_name", "day", "value", "detail")}
    found = pl.DataFrame(rows, schema=schema, orient="row").partition_by("measure", as_dict=True)
    frames = [observed(frame.drop("measure"), str(measure)) for (measure,), frame in found.items()]
    return pl.concat([pl.DataFrame(schema=OBSERVED), *frames])


_Row = tuple[str, str, date | None, float | None, str | None]


def _dated(
    came: Mapping[date, date],
    cycle: UpdateCycle,
    as_of: date,
    parameters: ScorecardParameters,
    holidays: Collection[date],
) -> Iterator[_Row]:
    """Measure, partition, day, value and detail of what came of one table, by day and the day on which it came."""
    within = timedelta(days=cycle.within_days)
    last = max(came)
    late = {day: (when - day).days - cycle.within_days for day, when in came.items()}
    is_awaited = late[last] + cycle.within_days <= parameters.past_days
    weekdays = _weekdays(came, cycle)
    if cycle.every == "day":
        # What is not due yet is not missing.
        until = max(last, as_of - within - timedelta(days=1)) if is_awaited else last
        yield from _outages(came, weekdays, until, holidays)
        for day, days in late.items():
            is_past = days + cycle.within_days > parameters.past_days
            yield "days_late", str(day), day, None if is_past else float(max(days, 0)), PAST if is_past else None
    due = last + timedelta(days=PERIOD_DAYS[cycle.every]) + within
    while cycle.every == "day" and not _is_due(due - within, weekdays, holidays):
        due += timedelta(days=1)
    behind = float(max((as_of - due).days, 0)) if is_awaited else None
    yield "stale_days", ALL, None, behind, f"the last are of {last}" if is_awaited else f"the last, of {last}, {PAST}"


def _weekdays(came: Mapping[date, date], cycle: UpdateCycle) -> Collection[int]:
    """Days of the week on which data are due: those of the register, less those on which hardly any ever came."""
    first, last = min(came), max(came)
    span = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    due = set()
    for weekday in cycle.weekdays:
        those = [day for day in span if day.isoweekday() == weekday]
        if len(those) < WEEKDAYS_SEEN or sum(day in came for day in those) > SELDOM * len(those):
            due.add(weekday)
    return due or {*cycle.weekdays}


def _is_due(day: date, weekdays: Collection[int], holidays: Collection[date]) -> bool:
    return day.isoweekday() in weekdays and day not in holidays


def _outages(
    came: Mapping[date, date], weekdays: Collection[int], until: date, holidays: Collection[date]
) -> Iterator[_Row]:
    first = min(came)
    span = (first + timedelta(days=n) for n in range((until - first).days + 1))
    due = [day for day in span if day in came or _is_due(day, weekdays, holidays)]
    missing = [day for day in due if day not in came]
    yield from (("outage_days", str(day), day, 0.0, None) for day in due if day in came)
    starts = [0, *(n for n, (a, b) in enumerate(pairwise(missing), 1) if due.index(b) - due.index(a) > 1), len(missing)]
    for begin, end in pairwise(starts):
        outage = missing[begin:end]
        for day in outage:
            said = f"none from {outage[0]} to {outage[-1]}" if len(outage) > 1 else f"none of {day}"
            yield "outage_days", str(day), day, float(len(outage)), said
