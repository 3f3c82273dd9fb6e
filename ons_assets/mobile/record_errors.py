"""What was wrong with records of operators that were rejected, by number: they lie in quarantine one by one."""

import polars as pl

REPEATED, CONTRADICTORY, UNREADABLE, OUT_OF_RANGE, MISSING, BROKEN = 7, 8, 4, 2, 1, 9
# What a reason says, the first that holds; 1, 2, 4 and 7 are the numbers that multimno has for the same.
SAYS = (
    (REPEATED, r"^repeats another line"),
    (CONTRADICTORY, r"^contradicts another line"),
    (BROKEN, r"fields where|ends inside|not text|no characters"),
    (UNREADABLE, r"cannot be read|none of the formats"),
    (
        OUT_OF_RANGE,
        r"not between|in the future|is before|no mobile|no number of a network|or no latitude|or no longitude|"
        r"no line of|ends before|is none such as|is no name",
    ),
    (MISSING, r"(is|are) missing$"),
)
SCHEMA = {
    "from_source": pl.String(), "file_sha256": pl.String(), "error_code": pl.Int16(), "reason": pl.String(),
    "records": pl.Int64(),
}  # fmt: skip


def record_errors(rejected: pl.DataFrame) -> pl.DataFrame:
    """Count rejected records by file and reason.

    Parameters
    ----------
    rejected
        from_source, batch (SHA-256 of a file), reason, rows: as `ons_assets.lakehouse.quarantine.rejected_rows` has
        them of some tables.

    Returns
    -------
    pl.DataFrame
        The columns of `mobile/record_errors`. Sorted. A reason that says none of what is known is a broken record.
    """
    code: pl.Expr = pl.lit(BROKEN)
    for number, pattern in reversed(SAYS):
        code = pl.when(pl.col("reason").str.contains(pattern)).then(pl.lit(number)).otherwise(code)
    told = rejected.select("from_source", "reason", file_sha256="batch", error_code=code, records="rows")
    return told.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items()).sort(
        "from_source", "file_sha256", "error_code", "reason"
    )
