"""What households say of themselves, in the columns of the CER pre-trial survey.

Question 300 is the age band of who answers (6: 65 and over), 410 who lives there (1 alone, 2 all over 15,
3 with children under 15), 420 how many are over 15 and 43111 how many under 15. A column may carry the
wording of its question after a colon.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import polars as pl

from ons_assets.lakehouse.delimited import Limits, header
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.sources import Parsed, Unreadable
from ons_assets.meters.cer import TRIAL
from ons_assets.meters.identifiers import Pseudonyms
from ons_assets.meters.listed import judged, read_listed
from ons_assets.settings import Settings

QUESTION = re.compile(r"Question (\d+)\b")
AGE, LIVES, OVER_15, UNDER_15 = "300", "410", "420", "43111"
QUESTIONS = (AGE, LIVES, OVER_15, UNDER_15)
ALONE, ADULTS, WITH_CHILDREN = 1, 2, 3
OLDEST_BAND, REFUSED = 6, 7
LARGEST_HOUSEHOLD = 14


@dataclass(frozen=True)
class QuestionnaireFiles:
    """Answers of the CER pre-trial survey.

    Parameters
    ----------
    home
        Keeps the key of the pseudonyms, so that answers meet their readings.
    limits
        Sizes beyond which a file is refused.
    encoding
        Of the text.
    """

    home: Home
    limits: Limits = field(default_factory=Limits)
    encoding: str = "utf-8"

    name = "meter_questionnaire"
    table = "meters/questionnaire"
    files_are = "answers of households, in the columns of the CER survey"
    batch = ()

    @classmethod
    def of(cls, settings: Settings) -> "QuestionnaireFiles":
        """Return the source of one home."""
        limits = Limits(settings.drops.max_unpacked_bytes, settings.drops.max_line_bytes)
        return cls(Home(settings.home), limits, settings.meters.questionnaire_encoding)

    @property
    def fingerprint(self) -> str:
        """Encoding of the text."""
        return self.encoding

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether the file has the questions that are used."""
        return not _lacking(header(path, encoding=self.encoding))

    def parse(self, path: Path, name: str, received_utc: datetime) -> Parsed:
        """Read one file; see `ons_assets.lakehouse.sources.Source.parse`."""
        listed = read_listed(path, self.limits, self.encoding)
        columns = [column for column in listed.rows.columns if column != "line"]
        if lacking := _lacking(columns):
            raise Unreadable(f"lacks the columns {', '.join(lacking)}")
        names = {_key(column): column for column in reversed(columns)}
        rows = listed.rows.select(pl.col(names["ID"]).alias("meter"), pl.col([names[key] for key in QUESTIONS]), "line")
        rows = rows.rename({names[key]: key for key in QUESTIONS})
        answers = pl.struct(QUESTIONS)
        several = pl.len().over("meter") > 1
        reason = (
            pl.when(pl.col("meter").is_null())
            .then(pl.lit("meter is missing"))
            .when(several & (answers.n_unique().over("meter") > 1))
            .then(pl.lit("the meter answered twice, and not alike"))
            .when(several & (pl.col("line") > pl.col("line").min().over("meter")))
            .then(pl.lit("repeats an answer of the meter"))
        )
        accepted, rejected = judged(rows, reason, listed.rejected)
        made = households(accepted)
        return Parsed(
            made.with_columns(Pseudonyms(self.home.secret()).of_column(TRIAL, made["meter"])), rejected, listed.note
        )

    def days(self, path: Path, name: str, received_utc: datetime) -> list[date]:
        """Return no days: the survey was before the trial."""
        parsed = self.parse(path, name, received_utc)
        if parsed.accepted.is_empty():
            raise Unreadable("has no row that could be read", parsed.rejected)
        return []


def households(answers: pl.DataFrame) -> pl.DataFrame:
    """Turn answers into households.

    Parameters
    ----------
    answers
        `meter`, `line` and the questions 300, 410, 420 and 43111 as text, one row a meter.

    Returns
    -------
    DataFrame
        meter, people, over_15, under_15, size_band (1, 2, 3-4, 5+), has_children, respondent_over_65 (null
        if not said), reason, line. Homes whose answers contradict each other, or are missing, have null and a
        `reason`.
    """
    numbers = answers.with_columns(
        pl.col(QUESTIONS).str.strip_chars().str.strip_suffix(".0").cast(pl.Int32(), strict=False)
    )
    lives, over, under = pl.col(LIVES), pl.col(OVER_15), pl.col(UNDER_15)
    over_15 = pl.when(lives == ALONE).then(1).otherwise(over)
    under_15 = pl.when(lives == WITH_CHILDREN).then(under).otherwise(0)
    reason = (
        pl.when(lives.is_null() | ~lives.is_in([ALONE, ADULTS, WITH_CHILDREN]))
        .then(pl.lit("who lives there is not said"))
        .when(over_15.is_null() | under_15.is_null())
        .then(pl.lit("how many live there is not said"))
        .when((over_15 < 1) | ((lives == WITH_CHILDREN) & (under_15 < 1)) | ((lives == ADULTS) & (over_15 < 2)))
        .then(pl.lit("the answers contradict each other"))
        .when((over_15 + under_15 > LARGEST_HOUSEHOLD) | (over_15 > LARGEST_HOUSEHOLD))
        .then(pl.lit("the household is larger than the survey can say"))
    )
    made = numbers.select("meter", "line", AGE, over_15=over_15, under_15=under_15, reason=reason)
    known = pl.col("reason").is_null()
    people = pl.when(known).then(pl.col("over_15") + pl.col("under_15"))
    return made.select(
        "meter",
        people=people,
        over_15=pl.when(known).then("over_15"),
        under_15=pl.when(known).then("under_15"),
        size_band=size_band(people),
        has_children=pl.when(known).then(pl.col("under_15") > 0),
        respondent_over_65=pl.when(pl.col(AGE) != REFUSED).then(pl.col(AGE) == OLDEST_BAND),
        reason="reason",
        line="line",
    )


def size_band(people: pl.Expr) -> pl.Expr:
    """Return 1, 2, 3-4 or 5+."""
    return (
        pl.when(people >= 5)
        .then(pl.lit("5+"))
        .when(people >= 3)
        .then(pl.lit("3-4"))
        .when(people.is_not_null())
        .then(people.cast(pl.String()))
    )


def _key(column: str) -> str:
    """Return the number of the question that a column holds, ID, or the column's own name."""
    match = QUESTION.match(column.strip())
    return match.group(1) if match else column.strip().upper() if column.strip().upper() == "ID" else column


def _lacking(columns: Sequence[str]) -> list[str]:
    keys = {_key(column) for column in columns}
    wanted = {"ID": "ID", **{number: f"Question {number}" for number in QUESTIONS}}
    return [name for key, name in wanted.items() if key not in keys]
