"""What households say of themselves, in the columns of the CER pre-trial survey.

Question 300 is the age band of who answers (6: 65 and over), 410 who lives there (1 alone, 2 all over 15,
3 with children under 15), 420 how many are over 15 and 43111 how many under 15. 310 is the employment of who earns
most, 450 the type of the home and 452 whether it is rented; a file may leave these out. A column may carry the wording
of its question after a colon.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import polars as pl

from ons_assets.intake import records, values
from ons_assets.intake.layouts import Layout, Origin
from ons_assets.intake.rules import Rule, missing
from ons_assets.intake.shelf import Shelf, shelf
from ons_assets.intake.source import TableSource, layout_folders, limits
from ons_assets.lakehouse.home import Home
from ons_assets.meters.readings.cer import TRIAL
from ons_assets.meters.readings.identifiers import Pseudonyms
from ons_assets.settings import Settings

QUESTION = re.compile(r"Question (\d+)\b")
AGE, LIVES, OVER_15, UNDER_15 = "300", "410", "420", "43111"
QUESTIONS = (AGE, LIVES, OVER_15, UNDER_15)
FIELDS = {"age": AGE, "lives": LIVES, "over_15": OVER_15, "under_15": UNDER_15}
EMPLOYMENT, DWELLING, TENURE = "310", "450", "452"
MORE_QUESTIONS = (EMPLOYMENT, DWELLING, TENURE)
MORE_FIELDS = {"employment": EMPLOYMENT, "dwelling": DWELLING, "tenure": TENURE}
# An employee, or self-employed with or without employees; unemployed, retired and carers are not in work.
IN_WORK, NOT_IN_WORK = (1, 2, 3), (4, 5, 6, 7)
# An apartment; a bungalow stands by itself as a detached house does.
DWELLING_CODES = {1: "flat", 2: "semi_detached", 3: "detached", 4: "terraced", 5: "detached"}
# Of a private landlord or the local authority; outright or with a mortgage.
RENTED, OWNED = (1, 2), (3, 4)
ALONE, ADULTS, WITH_CHILDREN = 1, 2, 3
OLDEST_BAND, REFUSED = 6, 7
LARGEST_HOUSEHOLD = 14


@dataclass(frozen=True)
class QuestionnaireFiles(TableSource):
    """Answers of the CER pre-trial survey, or of another under a layout that says its questions.

    Parameters
    ----------
    home
        Keeps the key of the pseudonyms, so that answers meet their readings.
    encoding
        Of the text of files in the columns of the survey.
    """

    home: Home = field(default_factory=lambda: Home(Path()))
    encoding: str = "utf-8"

    name = "meter_questionnaire"
    table = "meters/questionnaire"
    files_are = "answers of households, in the columns of the CER survey"
    unit = "households"
    is_individual = True
    person = "meter"
    key = ("meter",)
    needs: ClassVar = {
        "meter": "name of the meter",
        "age": "age band of who answers, 6 for 65 and over",
        "lives": "who lives there: 1 alone, 2 all over 15, 3 with children under 15",
        "over_15": "how many are over 15",
        "under_15": "how many are under 15",
    }
    takes: ClassVar = {
        "employment": "employment of who earns most: 1 to 3 in work, 4 and 5 unemployed, 6 retired, 7 carer",
        "dwelling": "type of the home: 1 apartment, 2 semi-detached, 3 detached, 4 terraced, 5 bungalow",
        "tenure": "1 and 2 rented, 3 and 4 owned, 5 another",
    }

    @classmethod
    def of(cls, settings: Settings) -> "QuestionnaireFiles":
        """Return the source of one home; its own layouts come before that of the survey."""
        return cls(
            layout_folders(settings, cls.name),
            limits(settings),
            home=Home(settings.home),
            encoding=settings.meters.questionnaire.encoding,
        )

    @cached_property
    def shelf(self) -> Shelf:
        """Layouts of the home; last that of the survey, whose columns are known by the numbers of their questions."""
        found = shelf(self.folders, self.lack_of, self.settled)
        own = Layout(
            name="cer-survey",
            encoding=self.encoding,
            columns={"meter": Origin(column="ID")}
            | {field: Origin(column=f"Question {number}") for field, number in FIELDS.items()},
            optional={field: Origin(column=f"Question {number}") for field, number in MORE_FIELDS.items()},
        )
        return Shelf((*found.layouts, own), found.broken)

    def layout(self, path: Path, name: str) -> Layout:
        """Return the layout of a file; a column may carry the wording of its question after its number."""
        known = self.shelf.find(path, name, self.limits)
        return known or self._of_survey(path) or super().layout(path, name)

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether a layout knows the file, or it has the questions of the survey."""
        return super().recognises(path, name) or self._of_survey(path) is not None

    def _of_survey(self, path: Path) -> Layout | None:
        own = self.shelf.layouts[-1]
        columns = {number(column): column for column in reversed(records.header(path, own, self.limits))}
        if not {"ID", *QUESTIONS} <= columns.keys():
            return None
        named = {"meter": Origin(column=columns["ID"])}
        named |= {field: Origin(column=columns[question]) for field, question in FIELDS.items()}
        more = {
            field: Origin(column=columns[question]) for field, question in MORE_FIELDS.items() if question in columns
        }
        return own.model_copy(update={"columns": named, "optional": more})

    def typed(self, rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
        """See `TableSource.typed`."""
        answers = pl.DataFrame(
            {
                "line": rows["line"],
                "meter": values.column_text(rows, "meter"),
                **{number: values.column_text(rows, field) for field, number in (FIELDS | MORE_FIELDS).items()},
            }
        )
        made = households(answers)
        trial = layout.trial or TRIAL
        return made.with_columns(Pseudonyms(self.home.secret()).of_column(trial, made["meter"]))

    def pseudonyms_of(self, name: str, layouts: Sequence[Layout], accepted: Sequence[pl.LazyFrame]) -> frozenset[int]:
        """See `Source.pseudonyms_of`."""
        pseudonyms = Pseudonyms(self.home.secret())
        return frozenset(pseudonyms.of(layout.trial or TRIAL, name) for layout in layouts)

    def rules(self, layout: Layout, received_utc: datetime) -> Sequence[Rule]:
        """See `TableSource.rules`."""
        return (missing("meter", "meter is missing"),)


def households(answers: pl.DataFrame) -> pl.DataFrame:
    """Turn answers into households.

    Parameters
    ----------
    answers
        `meter`, `line` and the questions 300, 410, 420, 43111, 310, 450 and 452 as text, one row a meter.

    Returns
    -------
    DataFrame
        meter, people, over_15, under_15, size_band (1, 2, 3-4, 5+), has_children, respondent_over_65,
        earner_in_work, is_rented, dwelling_type (null if not said), reason, line. Homes whose answers contradict each
        other, or are missing, have null and a `reason`.
    """
    numbers = answers.with_columns(
        pl.col(*QUESTIONS, *MORE_QUESTIONS).str.strip_chars().str.strip_suffix(".0").cast(pl.Int32(), strict=False)
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
    made = numbers.select("meter", "line", AGE, *MORE_QUESTIONS, over_15=over_15, under_15=under_15, reason=reason)
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
        earner_in_work=_one_of(EMPLOYMENT, IN_WORK, NOT_IN_WORK),
        is_rented=_one_of(TENURE, RENTED, OWNED),
        dwelling_type=pl.col(DWELLING).replace_strict(DWELLING_CODES, default=None, return_dtype=pl.String()),
        reason="reason",
        line="line",
    )


def _one_of(question: str, yes: Sequence[int], no: Sequence[int]) -> pl.Expr:
    """Return whether an answer is one of some; null if it is of neither."""
    answer = pl.col(question)
    return pl.when(answer.is_in([*yes, *no])).then(answer.is_in(yes))


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


def number(column: str) -> str:
    """Return the number of the question that a column holds, ID, or the column's own name."""
    match = QUESTION.match(column.strip())
    return match.group(1) if match else column.strip().upper() if column.strip().upper() == "ID" else column
