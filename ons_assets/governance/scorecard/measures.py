"""What is measured of a table, declared once: its dimension, its bounds, and what to do where it is out of them."""

from dataclasses import dataclass
from enum import StrEnum

import polars as pl


class Dimension(StrEnum):
    """The dimensions of the Government Data Quality Framework, and whether one can tell how a table was made.

    References
    ----------
    Government Data Quality Hub (2020), The Government Data Quality Framework.
    """

    ACCURACY = "accuracy"
    COMPLETENESS = "completeness"
    UNIQUENESS = "uniqueness"
    CONSISTENCY = "consistency"
    TIMELINESS = "timeliness"
    VALIDITY = "validity"
    PROVENANCE = "provenance"


class Status(StrEnum):
    """What a measure asks of a person."""

    GOOD = "good"
    WATCH = "watch"
    ACT = "act"
    NOT_JUDGED = "not judged"


class Better(StrEnum):
    """Which values are good."""

    HIGH = "high"
    LOW = "low"
    USUAL = "usual"


@dataclass(frozen=True)
class Measure:
    """One thing that is measured.

    Parameters
    ----------
    name
        As the table has it.
    dimension
        None if each observation says its own.
    words
        What it is, to be read after a number.
    unit
        Of its values: share, rows, days, points, ratio or level.
    better
        Which values are good.
    bounds
        Parameter with the two bounds: of the scorecard, of accuracy, or for `usual` of the trend.
    next_step
        What to do, in a sentence; `{suppliers}`, `{owner}`, `{table}`, `{partition}` and `{of}` are filled in.
    """

    name: str
    dimension: Dimension | None
    words: str
    unit: str
    better: Better
    bounds: str
    next_step: str


A, P = Dimension.ACCURACY, Dimension.PROVENANCE
COMPLETE, UNIQUE, CONSISTENT = Dimension.COMPLETENESS, Dimension.UNIQUENESS, Dimension.CONSISTENCY
TIMELY, VALID = Dimension.TIMELINESS, Dimension.VALIDITY
HIGH, LOW, USUAL = Better.HIGH, Better.LOW, Better.USUAL
SHARE = "share"
ASK = "Ask the supplier ({suppliers}) whether all of {partition} was sent, and once; if not, have it sent again."

# fmt: off
MEASURES = {each.name: each for each in (
    # What came.
    Measure("accepted_share", VALID, "of the records were accepted", SHARE, HIGH, "accepted_share",
            "Read the reasons in quarantine; correct the layout, or have the file sent again."),
    Measure("refused_files", VALID, "of the files were refused", SHARE, LOW, "refused_files",
            "Read why in governance/drop_ledger; have them sent again, or run ons-assets retry."),
    Measure("remarked_files", VALID, "of the accepted files have a remark", SHARE, LOW, "remarked_files",
            "Read the remarks (ons-assets status); name those that may stand in governance.scorecard.known_remarks."),
    Measure("repeated_files", UNIQUE, "of the files are another one again", SHARE, LOW, "repeated_files",
            "Ask the supplier ({suppliers}) why the same content comes under two names; it was counted once."),
    Measure("usable_share", COMPLETE, "of what was expected came", SHARE, HIGH, "usable_share", ASK),
    Measure("rows_in_force", COMPLETE, "of the accepted rows are in force", SHARE, HIGH, "rows_in_force",
            "See in governance/drop_ledger which later file replaced them, and whether it should have."),
    Measure("days_late", TIMELY, "days beyond the update cycle until data came", "days", LOW, "days_late",
            "Ask the supplier ({suppliers}) why {partition} came late; if that is usual, say so in register.toml."),
    Measure("outage_days", TIMELY, "days in a row without data", "days", LOW, "outage_days",
            "Ask the supplier ({suppliers}) for the missing days; if none were due, say so in register.toml."),
    Measure("stale_days", TIMELY, "days beyond the update cycle since the last data", "days", LOW, "days_late",
            "Ask the supplier ({suppliers}) why nothing comes; look whether the collection runs."),
    # What was made of it.
    Measure("rows_of_day", COMPLETE, "rows of the day", "rows", USUAL, "volume_ratio",
            "Look at the files of {partition} in governance/drop_ledger. " + ASK),
    Measure("rows_per_row", CONSISTENT, "rows for each row that it is made of", "level", USUAL, "volume_ratio",
            "Make {table} again: ons-assets materialize {table}; if it stays so, ask {owner} why rows came or went."),
    Measure("filled_share", COMPLETE, "of the rows have a value", SHARE, USUAL, "share_change",
            "Look at {of} in the files of {partition}: a field may have moved or changed its name."),
    Measure("same_in_group", COMPLETE, "parts of the rows have one value or none, where others vary", "groups", LOW,
            "never", "Ask whether it is collected there ({suppliers}); leave those rows out of what is made of it."),
    Measure("same_everywhere", VALID, "is whether every row says the same", "groups", LOW, "never",
            "Look whether {of} was ever decided or measured: what is the same in every row tells nothing."),
    Measure("typical_value", CONSISTENT, "is the geometric mean", "level", USUAL, "level_ratio",
            "Look at {of} on {partition}: the unit, the currency or what is collected may have changed."),
    Measure("expectations_met", None, "of the expectations are met", SHARE, HIGH, "expectations_met",
            "See with ons-assets expectations show {table} what was expected, and look at the rows that are not so."),
    Measure("refused_batch", VALID, "last batches were refused", "groups", LOW, "refused_batch",
            "The last good rows stay. Read what was refused in quarantine, correct it, and make {table} again."),
    Measure("repeated_rows", UNIQUE, "of the rows repeat another", SHARE, LOW, "repeated_rows",
            "Count them once; ask the supplier ({suppliers}) why they come twice."),
    Measure("codes_with_names", CONSISTENT, "of the codes have more than one name", SHARE, LOW, "codes_with_names",
            "Agree on one name of each code; group by the code until then."),
    Measure("flagged_rows", None, "of the rows are flagged", SHARE, LOW, "flagged_rows",
            "Look at the flagged rows; the methods leave them out as their parameters say."),
    Measure("findings", None, "have a finding", SHARE, LOW, "findings",
            "Read the findings in {of}, and see to those that are open."),
    Measure("inputs_behind_days", TIMELY, "days for which an input has been newer", "days", LOW, "inputs_behind_days",
            "Make {table} again: ons-assets materialize {table}."),
    # Between tables.
    Measure("ledger_gap", CONSISTENT, "is how far rows of the table and of its files differ", SHARE, LOW, "ledger_gap",
            "Make {table} again; if the gap stays, tell {owner}: rows were lost or counted twice."),
    Measure("conserved_rows", CONSISTENT, "is how far rows of the table and of {of} differ", SHARE, LOW, "ledger_gap",
            "Make {table} again; if the gap stays, tell {owner}: rows were lost or counted twice."),
    Measure("unknown_keys", CONSISTENT, "of the rows have a key that the reference has not", SHARE, LOW, "unknown_keys",
            "Bring the reference table up to date, or correct the keys: {of}."),
    Measure("broken_sums", CONSISTENT, "of the totals are less than their parts", SHARE, LOW, "broken_sums",
            "Do not publish {table}; tell {owner}, and make it again."),
    Measure("sources_apart", CONSISTENT, "of the areas have two sources that contradict each other", SHARE, LOW,
            "sources_apart", "Look at {of} in governance/combined_estimates: ask which of the two changed, and say "
            "beside either figure that the other differs."),
    Measure("source_bias", CONSISTENT, "is how far the source is from all together, over all areas", SHARE, LOW,
            "source_bias", "Look at {of} in governance/combined_estimates: do not publish it as a level, only as "
            "differences among areas, until the reason is known."),
    # Beside what is known.
    Measure("index_gap_points", A, "index points is the median gap to official indices", "points", LOW,
            "index_gap_points", "Read {of}: see which items are far off, and whether they are the same goods."),
    Measure("flows_in_common", A, "of commuters are in common with a census", SHARE, HIGH, "flows_in_common",
            "Read {of}, and docs/methods/flow_comparison.md on what a census can tell."),
    Measure("migration_correlation", A, "is the correlation with official estimates", "ratio", HIGH,
            "migration_correlation", "Read {of}, and docs/methods/migration_flows.md on what tweets can tell."),
    Measure("better_than_guessing", A, "is the accuracy above that of the most frequent class", SHARE, HIGH,
            "better_than_guessing", "Do not use the model for what it tells; read {of}."),
    # How it was made.
    Measure("explained_versions", P, "of the versions say what made them", SHARE, HIGH, "all",
            "Make {table} again: figures of a version that says nothing cannot be followed to their files."),
    Measure("explained_parts", P, "of what a version must say is there", SHARE, HIGH, "all",
            "Make {table} again with this program: ons-assets materialize {table}."),
)}
# fmt: on

OBSERVED: dict[str, pl.DataType] = {
    "table_name": pl.String(),
    "partition_name": pl.String(),
    "day": pl.Date(),
    "measure": pl.String(),
    "dimension": pl.String(),
    "measured_of": pl.String(),
    "value": pl.Float64(),
    "basis": pl.Int64(),
    "detail": pl.String(),
}
ALL = "all"


def observed(frame: pl.DataFrame, measure: str, **values: str | pl.Expr) -> pl.DataFrame:
    """Return observations in their form; what a frame lacks of it is said once for all rows, or is not known.

    Parameters
    ----------
    frame
        A row an observation: some of the columns of `OBSERVED`.
    measure
        Name of the measure.
    values
        Columns that the frame lacks.
    """
    declared = MEASURES[measure]
    dimension = {"dimension": declared.dimension.value} if declared.dimension else {}
    said = {"measure": measure, "measured_of": ALL, "partition_name": ALL, **dimension, **values}
    lacking = {
        name: each if isinstance(each, pl.Expr) else pl.lit(each)
        for name, each in said.items()
        if name in values or name not in frame.columns
    }
    frame = frame.with_columns(**lacking)
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in OBSERVED.items()
    )
