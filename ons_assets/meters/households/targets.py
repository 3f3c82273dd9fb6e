"""What is learned of households: the targets, their classes, and the homes that said which they are."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

SIZE_BANDS = ("1", "2", "3-4", "5+")
YES_NO = ("no", "yes")
DWELLING_TYPES = ("flat", "terraced", "semi_detached", "detached")
TARGETS = {
    "size_band": SIZE_BANDS,
    "has_children": YES_NO,
    "has_over_65": YES_NO,
    "respondent_over_65": YES_NO,
    "earner_in_work": YES_NO,
    "is_rented": YES_NO,
    "dwelling_type": DWELLING_TYPES,
}

Target = Literal[
    "size_band",
    "has_children",
    "has_over_65",
    "respondent_over_65",
    "earner_in_work",
    "is_rented",
    "dwelling_type",
]

# What the questionnaire says.
ASKED: tuple[Target, ...] = (
    "size_band",
    "has_children",
    "respondent_over_65",
    "earner_in_work",
    "is_rented",
    "dwelling_type",
)

# With fewer labelled homes of a class than this, five folds cannot each hold some.
FEWEST_OF_A_CLASS = 10


class TooFewAnswers(ValueError):
    """A target has not enough labelled homes of two classes."""


def labelled(
    descriptors: pl.DataFrame, survey: pl.DataFrame, target: Target, min_answers: int = FEWEST_OF_A_CLASS
) -> pl.DataFrame:
    """Return the homes that have a profile and said of which class they are.

    Parameters
    ----------
    descriptors
        From `profiles.descriptors`.
    survey
        `meter` and the target, as text or Boolean; null where not said.
    target
        One of `TARGETS`.
    min_answers
        Homes that a class needs. Bands of size with fewer are joined to the smaller one beside them.

    Returns
    -------
    DataFrame
        The rows of `descriptors` with `answer`, sorted by meter: folds hang on the order.

    Raises
    ------
    TooFewAnswers
        If fewer than two classes are left, or one has too few homes.
    ValueError
        If the target or a class is not known.
    """
    if target not in TARGETS:
        raise ValueError(f"target must be one of {', '.join(TARGETS)}, not {target!r}")
    said = pl.col(target)
    if survey.schema[target] == pl.Boolean:
        said = pl.when(said.is_not_null()).then(pl.when(said).then(pl.lit("yes")).otherwise(pl.lit("no")))
    answers = survey.select("meter", answer=said).drop_nulls()
    both = descriptors.join(answers, on="meter", how="inner").filter(pl.col("mean_day_kwh").is_not_null())
    both = both.sort("meter")
    if strange := set(both["answer"]) - set(TARGETS[target]):
        raise ValueError(f"{target} has {len(strange)} unknown classes; known are {', '.join(TARGETS[target])}")
    if target == "size_band" and len(both):
        joined = joined_bands(both["answer"].to_numpy().astype(str), min_answers)
        both = both.with_columns(answer=pl.Series(joined, dtype=pl.String()))
    counts = both["answer"].value_counts()["count"]
    if len(counts) < 2 or counts.min() < min_answers:  # type: ignore[operator]
        raise TooFewAnswers(f"{target} needs two classes or more with at least {min_answers} labelled homes each")
    return both


def joined_bands(bands: npt.NDArray[np.str_], min_answers: int) -> npt.NDArray[np.str_]:
    """Join bands of size that have too few homes to the smaller band beside them.

    Parameters
    ----------
    bands
        Of `SIZE_BANDS`, one a home.
    min_answers
        Homes that a band needs.

    Returns
    -------
    array like bands
        The same, or joined: 1-2, 2-4, 3+ and so on. With too few homes in all it is one band, 1+.
    """
    groups = [[band] for band in SIZE_BANDS]
    homes = [int(np.sum(bands == band)) for band in SIZE_BANDS]
    while len(groups) > 1 and min(homes) < min_answers:
        least = homes.index(min(homes))
        beside = [place for place in (least - 1, least + 1) if 0 <= place < len(groups)]
        first = min(least, min(beside, key=homes.__getitem__))
        groups[first : first + 2] = [groups[first] + groups[first + 1]]
        homes[first : first + 2] = [homes[first] + homes[first + 1]]
    named = {band: _span(group) for group in groups for band in group}
    return np.array([named[band] for band in bands.tolist()], dtype=str)


def _span(bands: list[str]) -> str:
    if len(bands) == 1:
        return bands[0]
    first, last = bands[0].split("-")[0], bands[-1].split("-")[-1]
    return f"{first}+" if last.endswith("+") else f"{first}-{last}"
