"""How many people live in a home, whether children, whether somebody of 65 or over, from its load profile.

What the literature says, and the figures here bear out: profiles tell size, and little of structure
(docs/methods/household_size.md).
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.meters.profiles.load_profiles import INDICATORS

SIZE_BANDS = ("1", "2", "3-4", "5+")
TARGETS = {
    "size_band": SIZE_BANDS,
    "has_children": ("no", "yes"),
    "has_over_65": ("no", "yes"),
    "respondent_over_65": ("no", "yes"),
}

Target = Literal["size_band", "has_children", "has_over_65", "respondent_over_65"]

# With fewer labelled homes of a class than this, five folds cannot each hold some.
FEWEST_OF_A_CLASS = 10
LOGARITHMS = (
    "mean_day_kwh",
    "night_base_kwh",
    "evening_peak_kwh",
    "high_kwh",
    "median_activity_kwh",
    "active_half_hours",
)
LEAST = 1e-3


class TooFewAnswers(ValueError):
    """A target has not enough labelled homes of two classes."""


@dataclass(frozen=True)
class SizeModel:
    """A fitted model of one target.

    Parameters
    ----------
    target
        What it says of a home.
    classes
        Its classes, in the order of the probabilities.
    estimator
        The fitted scikit-learn pipeline.
    """

    target: Target
    classes: tuple[str, ...]
    estimator: Any

    def probabilities(self, descriptors: pl.DataFrame) -> pl.DataFrame:
        """Return one row a meter: `bucket`, `meter`, `target`, `target_class`, its `probability`; long form.

        Meters whose indicators are null have no rows.
        """
        known = descriptors.filter(pl.col("mean_day_kwh").is_not_null())
        if known.is_empty():
            return _long(known, self, np.empty((0, len(self.classes))))
        return _long(known, self, self.estimator.predict_proba(design(known)))


def design(descriptors: pl.DataFrame) -> npt.NDArray[np.float64]:
    """Return the indicators as a matrix, levels as logarithms; NaN where null."""
    columns = [
        pl.col(name).clip(LEAST).log() if name in LOGARITHMS else pl.col(name).cast(pl.Float64) for name in INDICATORS
    ]
    return descriptors.select(columns).fill_null(np.nan).to_numpy()


def fit_household_size(
    descriptors: pl.DataFrame,
    survey: pl.DataFrame,
    target: Target = "size_band",
    *,
    seed: int = 0,
    min_answers: int = FEWEST_OF_A_CLASS,
) -> SizeModel:
    """Fit the model of one target to homes that answered a survey.

    Parameters
    ----------
    descriptors
        From `profiles.descriptors`.
    survey
        `meter` and the target: `size_band` (1, 2, 3-4, 5+), `has_children`, `has_over_65` or (all that the CER
        questionnaire says) `respondent_over_65` (Boolean); null where
        not said.
    target
        Which of them.
    seed
        Seed of the forest.
    min_answers
        Labelled homes that a class needs. Bands of size with fewer are joined to the smaller one beside them:
        3+ in place of 3-4 and 5+.

    Returns
    -------
    SizeModel
        A random forest over the indicators (missing ones set to their median).

    Raises
    ------
    TooFewAnswers
        If fewer than two classes are left, or one has too few homes.
    ValueError
        If the answers hold an unknown class.
    """
    x, y = _labelled(descriptors, survey, target, min_answers)
    classes = _classes(y, target, min_answers)
    return SizeModel(target, classes, _estimator(seed).fit(x, y))


def cross_validate(
    descriptors: pl.DataFrame,
    survey: pl.DataFrame,
    target: Target = "size_band",
    *,
    folds: int = 5,
    seed: int = 0,
    min_answers: int = FEWEST_OF_A_CLASS,
) -> pl.DataFrame:
    """Judge the model on homes that it was not fitted to, beside what is said without any profile.

    Parameters
    ----------
    descriptors, survey, target, seed, min_answers
        As for `fit_household_size`.
    folds
        Parts, each with its share of every class.

    Returns
    -------
    DataFrame
        One row a model (`most frequent`: always the largest class; `level only`: logistic regression on mean daily
        use; `profile`: the model): `target`, `model`, `classes`, `homes`, `accuracy`, `balanced_accuracy` (mean share
        found of the classes), `log_loss`, `warning`: null, or why the figures should not be used for single homes.

    Raises
    ------
    ValueError
        As for `fit_household_size`.
    """
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    x, y = _labelled(descriptors, survey, target, min_answers)
    classes = _classes(y, target, min_answers)
    splits = StratifiedKFold(folds, shuffle=True, random_state=seed)
    rows = []
    for name, model in (("most frequent", _dummy()), ("level only", _level_only()), ("profile", _estimator(seed))):
        p = cross_val_predict(model, x, y, cv=splits, method="predict_proba")
        said = np.array(sorted(set(y)))[p.argmax(axis=1)]
        rows.append(
            {
                "target": target,
                "model": name,
                "classes": ", ".join(classes),
                "homes": len(y),
                "accuracy": float(accuracy_score(y, said)),
                "balanced_accuracy": float(balanced_accuracy_score(y, said)),
                "log_loss": float(log_loss(y, _inside(p), labels=sorted(set(y)))),
            }
        )
    table = pl.DataFrame(rows)
    return table.with_columns(warning=pl.lit(_warning(table, target, classes), pl.String))


def _inside(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Keep a forest's zeros off the logarithm."""
    clipped = np.clip(p, 1e-6, 1)
    shares: npt.NDArray[np.float64] = clipped / clipped.sum(axis=1, keepdims=True)
    return shares


def _warning(table: pl.DataFrame, target: Target, classes: tuple[str, ...]) -> str | None:
    """Say when a profile adds little: the literature found size to show, and structure hardly."""
    found = dict(zip(table["model"], table["balanced_accuracy"], strict=True))
    chance = 1 / len(classes)
    gain = (found["profile"] - chance) / (1 - chance)
    if gain < 0.25:
        return f"profiles say little of {target}: of what chance leaves, {gain:.0%} is found; use no single home"
    if found["profile"] - found["level only"] < 0.05:
        return f"the daily level alone says nearly as much of {target} as the profile"
    return None


def _labelled(
    descriptors: pl.DataFrame, survey: pl.DataFrame, target: Target, min_answers: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.str_]]:
    if target not in TARGETS:
        raise ValueError(f"target must be one of {', '.join(TARGETS)}, not {target!r}")
    answer = pl.col(target)
    if survey.schema[target] == pl.Boolean:
        answer = pl.when(answer.is_not_null()).then(pl.when(answer).then(pl.lit("yes")).otherwise(pl.lit("no")))
    answers = survey.select("meter", answer.alias("answer")).drop_nulls()
    # In one order, as the folds and the forest depend on it.
    both = descriptors.join(answers, on="meter", how="inner").sort("meter")
    both = both.filter(pl.col("mean_day_kwh").is_not_null())
    y = both["answer"].to_numpy().astype(str) if len(both) else np.empty(0, dtype=str)
    if strange := set(y.tolist()) - set(TARGETS[target]):
        raise ValueError(f"{target} has {len(strange)} unknown classes; known are {', '.join(TARGETS[target])}")
    return design(both), joined_bands(y, min_answers) if target == "size_band" else y


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


def _classes(y: npt.NDArray[np.str_], target: Target, min_answers: int) -> tuple[str, ...]:
    names, counts = np.unique(y, return_counts=True)
    if len(names) < 2 or counts.min() < min_answers:
        raise TooFewAnswers(f"{target} needs two classes or more with at least {min_answers} labelled homes each")
    return tuple(names.tolist())


def _estimator(seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    forest = RandomForestClassifier(400, min_samples_leaf=4, max_features=0.4, n_jobs=1, random_state=seed)
    return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), forest)


def _level_only() -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    level = make_column_transformer((StandardScaler(), [INDICATORS.index("mean_day_kwh")]))
    return make_pipeline(level, LogisticRegression(max_iter=1000))


def _dummy() -> Any:
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="prior")


def _long(known: pl.DataFrame, model: SizeModel, p: npt.NDArray[np.float64]) -> pl.DataFrame:
    wide = known.select("bucket", "meter").hstack(
        [pl.Series(name, p[:, place], dtype=pl.Float64) for place, name in enumerate(model.classes)]
    )
    return (
        wide.unpivot(index=["bucket", "meter"], variable_name="target_class", value_name="probability")
        .select("bucket", "meter", pl.lit(model.target).alias("target"), "target_class", "probability")
        .sort("meter", "target_class")
    )
