"""What households say of themselves, in the columns of the CER pre-trial survey, and where meters are.

Question 300 is the age band of who answers (6: 65 and over), 410 who lives there (1 alone, 2 all over 15,
3 with children under 15), 420 how many are over 15 and 43111 how many under 15. A column may carry the
wording of its question after a colon.
"""

import re
from pathlib import Path

import polars as pl

from ons_assets.lakehouse.sources import Unreadable
from ons_assets.meters.cer import TRIAL
from ons_assets.meters.identifiers import Pseudonyms

QUESTION = re.compile(r"Question (\d+)\b")
AGE, LIVES, OVER_15, UNDER_15 = "300", "410", "420", "43111"
ALONE, ADULTS, WITH_CHILDREN = 1, 2, 3
OLDEST_BAND, REFUSED = 6, 7
LARGEST_HOUSEHOLD = 14


def read_questionnaire(path: Path, pseudonyms: Pseudonyms) -> pl.DataFrame:
    """Read the answers of the CER pre-trial survey.

    Parameters
    ----------
    path
        CSV with `ID` and the questions.
    pseudonyms
        Of the installation, so that answers meet their readings.

    Returns
    -------
    DataFrame
        meter, people, over_15, under_15, size_band (1, 2, 3-4, 5+), has_children, respondent_over_65 (null
        if not said). Homes whose answers contradict each other, or are missing, have null and a `reason`.

    Raises
    ------
    Unreadable
        If a column is missing, or a meter answered twice.
    """
    rows = pl.read_csv(path, infer_schema=False, encoding="utf8-lossy", truncate_ragged_lines=True)
    answers = _questions(rows)
    if answers["meter"].is_duplicated().any():
        raise Unreadable("has meters that answered twice")
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
        .when(over_15 + under_15 > LARGEST_HOUSEHOLD)
        .then(pl.lit("the household is larger than the survey can say"))
    )
    made = answers.select("meter", AGE, over_15=over_15, under_15=under_15, reason=reason)
    known = pl.col("reason").is_null()
    people = pl.when(known).then(pl.col("over_15") + pl.col("under_15"))
    return made.select(
        pseudonyms.of_column(TRIAL, made["meter"]),
        people=people,
        over_15=pl.when(known).then("over_15"),
        under_15=pl.when(known).then("under_15"),
        size_band=size_band(people),
        has_children=pl.when(known).then(pl.col("under_15") > 0),
        respondent_over_65=pl.when(pl.col(AGE) != REFUSED).then(pl.col(AGE) == OLDEST_BAND),
        reason="reason",
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


def read_meter_areas(path: Path, pseudonyms: Pseudonyms, trial_of: dict[str, str]) -> pl.DataFrame:
    """Read the small area of each meter: a CSV with `meter` and `area_code`.

    Parameters
    ----------
    path
        The file.
    pseudonyms
        Of the installation.
    trial_of
        Pattern of a meter's whole name to its trial, tried in order; a meter that none matches is left out.

    Returns
    -------
    DataFrame
        meter, area_code.

    Raises
    ------
    Unreadable
        If a column is missing, or a meter has two areas.
    """
    rows = pl.read_csv(path, infer_schema=False)
    if lacking := {"meter", "area_code"} - set(rows.columns):
        raise Unreadable(f"lacks the columns {', '.join(sorted(lacking))}")
    rows = rows.select("meter", "area_code").drop_nulls().unique(maintain_order=True)
    found = []
    for pattern, trial in trial_of.items():
        matches = rows["meter"].str.contains(f"^(?:{pattern})$")
        mine, rows = rows.filter(matches), rows.filter(~matches)
        found.append(mine.with_columns(pseudonyms.of_column(trial, mine["meter"])))
    made = pl.concat(found)
    if made["meter"].is_duplicated().any():
        raise Unreadable("has meters in two areas")
    return made


def _questions(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the questions that are used, by number, as whole numbers; blanks are null."""
    columns = {match.group(1): name for name in rows.columns if (match := QUESTION.match(name.strip()))}
    missing = [number for number in (AGE, LIVES, OVER_15, UNDER_15) if number not in columns]
    identifier = next((name for name in rows.columns if name.strip().upper() == "ID"), None)
    if missing or identifier is None:
        lacking = [*(["ID"] if identifier is None else []), *(f"Question {number}" for number in missing)]
        raise Unreadable(f"lacks the columns {', '.join(lacking)}")
    return rows.select(
        pl.col(identifier).str.strip_chars().alias("meter"),
        *(
            pl.col(columns[number]).str.strip_chars().cast(pl.Int32(), strict=False).alias(number)
            for number in (AGE, LIVES, OVER_15, UNDER_15)
        ),
    ).drop_nulls("meter")
