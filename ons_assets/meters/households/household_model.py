"""What a load profile says of a household: the models, and their probabilities for homes that they never saw.

One model serves every target: a multinomial logistic regression whose coefficients have a normal prior. Its mean
probabilities are the shares of those who answered, it is fitted in a moment, and on the simulator it beats a random
forest (docs/methods/household_size.md).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.meters.households.targets import Target, labelled
from ons_assets.meters.profiles.load_profiles import INDICATORS
from ons_assets.parameters.meters import HouseholdParameters

LOGARITHMS = (
    "mean_day_kwh",
    "night_base_kwh",
    "evening_peak_kwh",
    "high_kwh",
    "median_activity_kwh",
    "active_half_hours",
)
LEAST = 1e-3

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True)
class HouseholdModel:
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
        p = self.estimator.predict_proba(design(known)) if len(known) else np.empty((0, len(self.classes)))
        return long_form(known, self.target, self.classes, p)


def design(descriptors: pl.DataFrame) -> npt.NDArray[np.float64]:
    """Return the indicators as a matrix, levels as logarithms; NaN where null."""
    columns = [
        pl.col(name).clip(LEAST).log() if name in LOGARITHMS else pl.col(name).cast(pl.Float64) for name in INDICATORS
    ]
    return descriptors.select(columns).fill_null(np.nan).to_numpy()


def fit_household_model(
    descriptors: pl.DataFrame,
    survey: pl.DataFrame,
    target: Target = "size_band",
    parameters: HouseholdParameters | None = None,
) -> HouseholdModel:
    """Fit the model of one target to all homes that answered.

    Parameters
    ----------
    descriptors
        From `profiles.descriptors`.
    survey
        `meter` and the target; null where not said.
    target
        One of `targets.TARGETS`.
    parameters
        Answers that a class needs, and the prior of the coefficients.

    Raises
    ------
    TooFewAnswers, ValueError
        As for `targets.labelled`.
    """
    parameters = parameters or HouseholdParameters()
    homes = labelled(descriptors, survey, target, parameters.min_answers)
    answers = homes["answer"].to_numpy().astype(str)
    return HouseholdModel(target, classes_of(homes), profile(parameters).fit(design(homes), answers))


def out_of_fold(homes: pl.DataFrame, model: Any, *, folds: int = 5, seed: int = 0) -> Probabilities:
    """Return what a model says of homes that it was not fitted to.

    Parameters
    ----------
    homes
        From `targets.labelled`.
    model
        Not fitted.
    folds
        Parts, each with its share of every class. A home gets its probabilities from a model that was fitted without
        the part in which it is.
    seed
        Of the parts.

    Returns
    -------
    array, (homes, classes)
        Probabilities of the classes in the order of `classes_of`.
    """
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    splits = StratifiedKFold(folds, shuffle=True, random_state=seed)
    answers = homes["answer"].to_numpy().astype(str)
    p: Probabilities = cross_val_predict(model, design(homes), answers, cv=splits, method="predict_proba")
    return p


def classes_of(homes: pl.DataFrame) -> tuple[str, ...]:
    """Return the classes of homes that answered, in the order of the probabilities."""
    return tuple(sorted(set(homes["answer"])))


def profile(parameters: HouseholdParameters) -> Any:
    """Return the model that is used, over all indicators; missing ones are set to their median."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # The penalty is that of a normal prior whose variance is C.
    ridge = LogisticRegression(C=parameters.coefficient_sd**2, max_iter=1000)
    return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), ridge)


def level_only(_: HouseholdParameters) -> Any:
    """Return a logistic regression on the mean daily use alone."""
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    level = make_column_transformer((StandardScaler(), [INDICATORS.index("mean_day_kwh")]))
    return make_pipeline(level, LogisticRegression(max_iter=1000))


def most_frequent(_: HouseholdParameters) -> Any:
    """Return what says of every home the shares of all."""
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="prior")


MODELS: dict[str, Callable[[HouseholdParameters], Any]] = {
    "most frequent": most_frequent,
    "level only": level_only,
    "profile": profile,
}


def long_form(homes: pl.DataFrame, target: Target, classes: tuple[str, ...], p: Probabilities) -> pl.DataFrame:
    """Return probabilities as one row a home and class.

    Parameters
    ----------
    homes
        `bucket` and `meter`.
    target
        What is said of them.
    classes
        In the order of the probabilities.
    p
        Probabilities, (homes, classes).
    """
    wide = homes.select("bucket", "meter").hstack(
        [pl.Series(name, p[:, place], dtype=pl.Float64) for place, name in enumerate(classes)]
    )
    return (
        wide.unpivot(index=["bucket", "meter"], variable_name="target_class", value_name="probability")
        .select("bucket", "meter", pl.lit(target).alias("target"), "target_class", "probability")
        .sort("meter", "target_class")
    )
