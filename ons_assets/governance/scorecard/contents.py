"""What the rows of a table tell: how many there are of a day, what is empty, repeated, or no longer as it was.

Of individual tables rows are counted and nothing else: no value of them, nor any figure of values, is told.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from itertools import chain

import polars as pl

from ons_assets.governance.scorecard.checks import Findings, Flag, Repeats
from ons_assets.governance.scorecard.measures import ALL, OBSERVED, Dimension, observed
from ons_assets.intake.members import DROP_SHA256
from ons_assets.lakehouse.tables import Column, Table
from ons_assets.parameters.governance import ScorecardParameters

CODES = ("_id", "_code", "_no")
# Of what lineage keeps, nothing is measured by itself.
LINEAGE = (DROP_SHA256, "line", "arrival", "layout")
NAMED = 3
# At either end of a table, a day with less of the rows of a usual one is a wrong date, or no whole day.
FEW = 0.2
FILLED, TYPICAL, BEHIND = "filled ", "typical ", "behind "


def of_contents(
    table: Table,
    rows: pl.LazyFrame,
    inherited: Collection[str],
    parameters: ScorecardParameters,
    *,
    is_raw: bool = False,
    is_daily: bool = False,
    is_of_runs: bool = False,
    unit: str | None = None,
    until: date | None = None,
) -> pl.DataFrame:
    """Return what the rows of a table tell without being told what to look for.

    Parameters
    ----------
    table
        Its declaration.
    rows
        As published.
    inherited
        Columns that a table has from those that it is made of: they are measured there.
    until
        Last day that is measured: of later ones more may come. None for all.
    parameters
        From which shares on something is said.
    is_raw
        Whether it is made of files.
    is_daily
        Whether files come day by day: then rows of a day, also of parts of the table, are followed.
    is_of_runs
        Whether each file of a day has the whole of it, as it was collected then; else files of a day are parts of it.
    unit
        Of a table whose files come at no fixed time and have every day from their first to their last: the column of
        those whom its rows are about. Then these are followed by day, and a day between others that has none is told.

    Returns
    -------
    polars.DataFrame
        Observations.
    """
    own = [name for name in table.column_names if name not in inherited and name not in LINEAGE]
    found = [pl.DataFrame(schema=OBSERVED)]
    dated = date_column(table)
    groups = [] if table.is_individual else _groups(table, rows, own, parameters.largest_group_count)
    if dated is not None:
        past = rows if until is None else rows.filter(pl.col(dated) <= until)
        days = _days(table, past, dated, own, is_raw=is_raw)
        found += _shares_and_levels(days, parameters.least_rows)
        if is_daily:
            found += [_rows_of_days(past, dated, group, is_of_runs=is_of_runs) for group in (None, *groups)]
        elif unit is not None:
            found.append(_rows_of_every_day(past, dated, unit, parameters.past_days))
    if not table.is_individual:
        found += _codes_with_names(rows, own)
        found += _same_everywhere(table, rows, own, parameters.least_rows, is_raw=is_raw)
    if is_raw:
        found += _same_in_group(table, rows, own, groups, parameters)
    return pl.concat(found).with_columns(table_name=pl.lit(table.name))


def date_column(table: Table) -> str | None:
    """Return the column of days or months by which a table is partitioned, or else the first of its key."""
    return next((name for name in (*table.partition_by, *table.key) if table.schema[name] == pl.Date), None)


def _groups(table: Table, rows: pl.LazyFrame, own: Sequence[str], most: int) -> list[str]:
    """Columns of text that divide the rows into few parts."""
    texts = [name for name in own if table.schema[name] == pl.String and not _column(table, name).nullable]
    if not texts:
        return []
    different = rows.select(pl.col(texts).n_unique()).collect(engine="streaming").row(0, named=True)
    named = {name for _, name in _named_codes(own)}
    return [name for name, number in different.items() if 1 < number <= most and name not in named]


def _column(table: Table, name: str) -> Column:
    return next(column for column in table.columns if column.name == name)


def _partition(dated: str) -> pl.Expr:
    return pl.col("day").dt.strftime("%Y-%m" if "month" in dated else "%Y-%m-%d")


def _days(table: Table, rows: pl.LazyFrame, dated: str, own: Sequence[str], *, is_raw: bool) -> pl.DataFrame:
    """Rows of each day; of a raw table how many of them have a value, and of one that is not individual, which."""
    empty = [name for name in own if is_raw and _column(table, name).nullable]
    numbers = [] if table.is_individual else [n for n in own if table.schema[n].is_float() and n not in table.key]
    return (
        rows.group_by(pl.col(dated).alias("day"))
        .agg(
            pl.len().cast(pl.Int64).alias("basis"),
            *(pl.col(name).count().alias(f"{FILLED}{name}") for name in empty),
            *(pl.col(name).filter(pl.col(name) > 0).log().mean().exp().alias(f"{TYPICAL}{name}") for name in numbers),
            *((pl.col(name) > 0).sum().cast(pl.Int64).alias(f"{BEHIND}{name}") for name in numbers),
        )
        .drop_nulls("day")
        .collect(engine="streaming")
        .with_columns(partition_name=_partition(dated))
    )


def _shares_and_levels(days: pl.DataFrame, least_rows: int) -> Iterator[pl.DataFrame]:
    # A share of few rows, or a mean of few, is what chance makes of it.
    many = days.filter(pl.col("basis") >= least_rows)
    for column in many.columns:
        if column.startswith(FILLED):
            share = pl.col(column) / pl.col("basis")
            yield observed(many, "filled_share", measured_of=column.removeprefix(FILLED), value=share)
        elif column.startswith(TYPICAL):
            name = column.removeprefix(TYPICAL)
            behind = pl.col(f"{BEHIND}{name}")
            told = many.filter(behind >= least_rows)
            yield observed(told, "typical_value", measured_of=name, value=pl.col(column), basis=behind)


def of_derivation(
    table: Table, rows: pl.LazyFrame, made_of: Table, its_rows: pl.LazyFrame, least_rows: int
) -> pl.DataFrame:
    """Return how many rows a table has for each row of a day of what it is made of; nothing if both have no such days.

    They have where the key of the table is of columns of the other, the day among them and not alone.

    Parameters
    ----------
    table, rows
        The derived table.
    made_of, its_rows
        The other.
    least_rows
        Rows of the other on a day without which it is left out.
    """
    dated = date_column(table)
    is_of_rows = dated in table.key and len(table.key) > 1 and {*table.key} <= {*made_of.column_names}
    if dated is None or not is_of_rows:
        return pl.DataFrame(schema=OBSERVED)
    counts = [each.group_by(day=dated).agg(n=pl.len()) for each in (its_rows, rows)]
    both = counts[0].join(counts[1], on="day", how="left", suffix="_made").sort("day").collect(engine="streaming")
    both = both.filter(pl.col("n") >= least_rows)
    # None of so many is told from few of so many, and has a logarithm.
    ratio = pl.max_horizontal(pl.col("n_made").fill_null(0), 0.5) / pl.col("n")
    return observed(
        both,
        "rows_per_row",
        table_name=table.name,
        partition_name=_partition(dated),
        measured_of=made_of.name,
        value=ratio,
        basis=pl.col("n"),
    )


def _rows_of_days(rows: pl.LazyFrame, dated: str, group: str | None, *, is_of_runs: bool) -> pl.DataFrame:
    """Rows of each day, of a table or of each part of it; of runs, if no more files had come than usually do.

    Where something is collected a second time on a day, there are more rows and all is well. A part without rows on a
    day on which others have some counts as none.
    """
    by = [group] if group is not None else []
    counts = (
        rows.group_by(pl.col(dated).alias("day"), *by)
        .agg(n=pl.len().cast(pl.Int64), files=pl.col(DROP_SHA256).n_unique())
        .drop_nulls("day")
        .collect(engine="streaming")
        .with_columns(rows=pl.col("n").cast(pl.Float64), detail=pl.lit(None, pl.String()))
    )
    if is_of_runs:
        median = pl.col("files").median()
        usual_files = pl.max_horizontal(median.over(by) if by else median, 1)
        more = pl.col("files") > usual_files
        counts = counts.with_columns(
            rows=pl.when(more).then(pl.col("n") * usual_files / pl.col("files")).otherwise("rows"),
            detail=pl.when(more).then(pl.format("of as many files as usual, {} rows of {} files", "n", "files")),
        )
    if group is not None:
        first = counts.group_by(group).agg(first=pl.col("day").min())
        every = counts.select("day").unique().join(first, how="cross").filter(pl.col("day") >= pl.col("first"))
        counts = every.join(counts, on=["day", group], how="left").with_columns(pl.col("n", "rows").fill_null(0))
    of = pl.format("{} {}", pl.lit(group), group) if group is not None else pl.lit(ALL)
    return observed(
        counts, "rows_of_day", measured_of=of, partition_name=_partition(dated), value=pl.col("rows"), basis=pl.col("n")
    )


def _rows_of_every_day(rows: pl.LazyFrame, dated: str, unit: str, longest_gap: int) -> pl.DataFrame:
    """Units with a row on each day from the first to the last with more than few; none of a day between without any.

    Nothing is awaited in a longer gap: what comes after it is another delivery. What is delivered again counts once.
    """
    counts = (
        rows.group_by(pl.col(dated).alias("day"))
        .agg(n=pl.col(unit).n_unique().cast(pl.Int64))
        .drop_nulls("day")
        .sort("day")
        .collect(engine="streaming")
    )
    whole = counts.filter(pl.col("n") >= FEW * pl.col("n").median())
    inside = counts.filter(pl.col("day").is_between(whole["day"].min(), whole["day"].max()))
    following = pl.col("day").shift(-1)
    is_near = following - pl.col("day") <= timedelta(days=longest_gap)
    last = pl.when(is_near).then(following - timedelta(days=1)).otherwise("day")
    days = inside.select(pl.date_ranges("day", last).alias("day")).explode("day", empty_as_null=True)
    every = days.join(inside, on="day", how="left").with_columns(pl.col("n").fill_null(0))
    return observed(
        every,
        "rows_of_day",
        partition_name=_partition(dated),
        measured_of=f"each {unit} once",
        value=pl.col("n"),
        basis=pl.col("n"),
    )


def _codes_with_names(rows: pl.LazyFrame, own: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Codes and their names are columns such as item_id and item, or item_no and item_name."""
    for code, name in _named_codes(own):
        names = rows.select(code, name).drop_nulls().unique().group_by(code).agg(pl.col(name).sort()).collect()
        several = names.filter(pl.col(name).list.len() > 1).sort(code)
        told = [f"{of}: {' | '.join(map(str, called))}" for of, called in several.head(NAMED).iter_rows()]
        share = pl.DataFrame({"value": [len(several) / max(len(names), 1)], "basis": [len(names)]})
        yield observed(share, "codes_with_names", measured_of=code, detail=pl.lit("; ".join(told) or None, pl.String()))


def _named_codes(columns: Sequence[str]) -> Iterator[tuple[str, str]]:
    for code in columns:
        stem = next((code.removesuffix(end) for end in CODES if code.endswith(end)), None)
        name = next((each for each in (stem, f"{stem}_name") if each in columns), None)
        if stem is not None and name is not None:
            yield code, name


def _same_everywhere(
    table: Table, rows: pl.LazyFrame, own: Sequence[str], least_rows: int, *, is_raw: bool
) -> Iterator[pl.DataFrame]:
    """Answers and numbers that are the same in every row, and not no or 0: what is always so was not looked at."""
    answers = [
        name
        for name in own
        if name not in table.key and (table.schema[name] == pl.Boolean or (is_raw and table.schema[name].is_numeric()))
    ]
    if not answers:
        return
    ends = [
        pl.len(),
        *(of for name in answers for of in (_as_number(name).min(), _as_number(name).max().alias(f"most {name}"))),
    ]
    found = rows.select(ends).collect(engine="streaming").row(0, named=True)
    for name in answers if found["len"] >= least_rows else []:
        same = found[name] is not None and found[name] == found[f"most {name}"] != 0
        said = f"it is {found[name]:g} in each of {found['len']:,} rows" if same else None
        frame = pl.DataFrame({"value": [float(same)], "basis": [found["len"]]})
        yield observed(frame, "same_everywhere", measured_of=name, detail=pl.lit(said, pl.String()))


def _as_number(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Float64)


def _same_in_group(
    table: Table, rows: pl.LazyFrame, own: Sequence[str], groups: Sequence[str], parameters: ScorecardParameters
) -> Iterator[pl.DataFrame]:
    """Columns that are empty, or one value, in one part of the rows and vary in the others, as of one shop of three."""
    columns = [name for name in own if _column(table, name).nullable or table.schema[name].is_float()]
    for group in groups if columns else []:
        of_each = rows.group_by(group).agg(pl.len().alias("rows"), pl.col(columns).n_unique())
        counts = of_each.sort(group).collect(engine="streaming")
        counts = counts.filter(pl.col("rows") >= parameters.least_rows)
        for name in columns:
            same = counts.filter(pl.col(name) == 1)
            others = counts.filter(pl.col(name) > 1)
            is_missed = len(others) > 0 and min(others[name].to_list()) >= parameters.different_elsewhere
            told = ", ".join(map(str, same[group][:NAMED])) if is_missed else ""
            frame = pl.DataFrame({"value": [float(len(same)) if is_missed else 0.0], "basis": [len(counts)]})
            said = f"{name} where {group} is {told}" if told else None
            yield observed(frame, "same_in_group", measured_of=f"{name} by {group}", detail=pl.lit(said, pl.String()))


def of_repeats(check: Repeats, rows: pl.LazyFrame) -> pl.DataFrame:
    """Return the share of rows that repeat an earlier one in what should tell them apart."""
    rows_in_all, different = (
        rows.select(pl.len(), pl.struct(check.same).n_unique().alias("different")).collect(engine="streaming").row(0)
    )
    share = (rows_in_all - different) / rows_in_all if rows_in_all else 0.0
    frame = pl.DataFrame({"table_name": [check.table], "value": [share], "basis": [rows_in_all]})
    return observed(frame, "repeated_rows", measured_of=", ".join(check.same))


def of_flag(check: Flag, rows: pl.LazyFrame) -> pl.DataFrame:
    """Return the share of rows that a method flagged."""
    frame = rows.select(value=pl.col(check.column).mean(), basis=pl.len().cast(pl.Int64)).collect(engine="streaming")
    return observed(
        frame.drop_nulls("value"),
        "flagged_rows",
        table_name=check.table,
        dimension=check.dimension.value,
        measured_of=check.column,
    )


def of_findings(check: Findings, report: Table, rows: pl.LazyFrame) -> pl.DataFrame:
    """Return, for each finding that a report of a pilot's own has ever had, on which share of its days it has it.

    Parameters
    ----------
    check
        What the report is about, and where its findings stand.
    report, rows
        Its declaration, and it.
    """
    dated = date_column(report)
    when = pl.col(dated) if dated is not None else pl.lit(ALL)
    found = rows.select(when.alias("when"), finding=pl.col(check.column).cast(pl.String())).collect(engine="streaming")
    units = found["when"].n_unique()
    is_none = pl.col("finding").is_null() if check.none is None else pl.col("finding") == check.none
    counts = (
        found.filter(~is_none)
        .group_by("finding")
        .agg(n=pl.len(), whens=pl.col("when").n_unique(), last=pl.col("when").max())
    )
    usual = next(iter(check.dimensions.values()), Dimension.VALIDITY).value
    dimensions = {name: dimension.value for name, dimension in check.dimensions.items()}
    return observed(
        counts.with_columns(value=pl.col("whens") / max(units, 1), basis=pl.lit(units, pl.Int64())),
        "findings",
        table_name=check.about,
        dimension=pl.col("finding").replace_strict(dimensions, default=usual, return_dtype=pl.String()),
        measured_of=pl.format("{} in {}", "finding", pl.lit(check.report)),
        detail=pl.format("{} findings, the last of {}", "n", "last"),
    )


def inherited_columns(table: Table, inputs: Sequence[Table]) -> list[str]:
    """Return the columns that a table has in common with those that it is made of."""
    theirs = {*chain.from_iterable(each.column_names for each in inputs)}
    return [name for name in table.column_names if name in theirs]
