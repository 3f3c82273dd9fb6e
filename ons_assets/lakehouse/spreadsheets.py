"""Text for files that people open in a spreadsheet, which runs what looks like a formula."""

import polars as pl

RUN = r"^[=+\-@\t\r]"
MARK = "'"


def neutralised(frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows in which no text looks like a formula: an apostrophe before it, which a spreadsheet passes over."""
    text = pl.col(pl.String())
    return frame.with_columns(pl.when(text.str.contains(RUN)).then(MARK + text).otherwise(text).name.keep())


def restored(text: pl.Series) -> pl.Series:
    """Return what the text was before `neutralised`.

    A spreadsheet may have taken the apostrophe away when it saved the file; then the text is as it was.
    """
    return text.str.replace(rf"^{MARK}([=+\-@\t\r])", "${1}")
