"""Text for files that people open in a spreadsheet, which runs what looks like a formula."""

import polars as pl

# At the beginning, or after a semicolon: where that divides columns, a spreadsheet divides text by it, too.
WHERE = r"(^|;)"
# What is run, in full width too; blanks before it are passed over. With apostrophes before it, it gets one more, so
# that the text comes back.
RUN = r"('*\s*[=+\-@\t\r\n＝＋－＠])"
MARK = "'"


def neutralised(frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows in which no text looks like a formula: an apostrophe before it, which a spreadsheet passes over."""
    return frame.with_columns(pl.col(pl.String()).str.replace_all(f"{WHERE}{RUN}", f"${{1}}{MARK}${{2}}"))


def restored(text: pl.Series) -> pl.Series:
    """Return what the text was before `neutralised`.

    A spreadsheet may have taken the apostrophe away when it saved the file; then the text is as it was.
    """
    return text.str.replace_all(f"{WHERE}{MARK}{RUN}", "${1}${2}")
