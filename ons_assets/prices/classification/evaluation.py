"""How good a classifier is: F1, confusion, and how many products people must look at for a precision."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.parameters.prices import ClassificationParameters
from ons_assets.prices.classification.model import Context, train

Floats = npt.NDArray[np.float64]
# What no confidence reaches: every product goes to a person.
NEVER = 1.01


@dataclass(frozen=True)
class CrossValidated:
    """Predictions for every product by a model that has seen no product of its group.

    Attributes
    ----------
    predicted
        Most likely class of each.
    confidence
        Its probability.
    decided
        Whether the confidence reaches the bound that the model took from its own training products.
    """

    predicted: list[str]
    confidence: Floats
    decided: npt.NDArray[np.bool_]


def confidence_for(confidence: Floats, right: npt.NDArray[np.bool_], precision: float) -> float:
    """Return the smallest confidence from which on at least a share `precision` is right; `NEVER` if there is none.

    Parameters
    ----------
    confidence
        Confidence in each prediction, between 0 and 1, shape (n,).
    right
        Whether the prediction was right, shape (n,).
    precision
        Share of the predictions at or above the bound that must be right.
    """
    order = np.argsort(-confidence, kind="stable")
    share = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    # Products of the same confidence are decided together.
    last_of_tie = np.append(np.diff(confidence[order]) != 0, True)
    enough = np.flatnonzero((share >= precision) & last_of_tie)
    return float(confidence[order][enough[-1]]) if enough.size else NEVER


def share_interval(hits: int, of: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the interval of a share, by default of 95 %.

    Parameters
    ----------
    hits, of
        Number that has the property, and number looked at; of none the interval is all from 0 to 1.
    z
        Quantile of the normal distribution.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American
    Statistical Association 22 (1927).
    """
    if not of:
        return 0.0, 1.0
    share, spread = hits / of, z * z / of
    middle = (share + spread / 2) / (1 + spread)
    half = z * np.sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def cross_validate(
    names: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[str],
    context: Sequence[Context] | None = None,
    *,
    parameters: ClassificationParameters | None = None,
    folds: int = 10,
    seed: int | None = None,
) -> CrossValidated:
    """Train on all folds but one and predict that one; calibration and bound come from the training folds alone.

    Parameters
    ----------
    names, labels
        Name of each labelled product and its class.
    groups
        What must not be divided between training and test, such as the product's lineage.
    context
        What else is known of each product; None uses the names alone.
    parameters
        Of the model, and the share of the decided products that must be right in the training folds.
    folds
        Parts that the groups are divided into.
    seed
        Decides which group is in which part.
    """
    from sklearn.model_selection import GroupKFold

    parameters = parameters or ClassificationParameters()
    seed = parameters.model.seed if seed is None else seed

    predicted = np.empty(len(names), dtype=object)
    confidence, decided = np.zeros(len(names)), np.zeros(len(names), dtype=bool)
    for seen, unseen in GroupKFold(folds, shuffle=True, random_state=seed).split(names, labels, groups):
        known, known_labels, known_groups = ([column[row] for row in seen] for column in (names, labels, groups))
        model = train(
            known,
            known_labels,
            known_groups,
            [context[row] for row in seen] if context is not None else None,
            parameters=parameters.model,
        )
        classes = np.asarray(model.classes, dtype=object)
        right = classes[model.seen_apart.argmax(axis=1)] == np.asarray(known_labels, dtype=object)
        bound = confidence_for(model.seen_apart.max(axis=1), right, parameters.review_precision)
        found = model.probabilities(
            [names[row] for row in unseen], [context[row] for row in unseen] if context is not None else None
        )
        predicted[unseen], confidence[unseen] = classes[found.argmax(axis=1)], found.max(axis=1)
        decided[unseen] = confidence[unseen] >= bound
    return CrossValidated(list(predicted), confidence, decided)


def f1_by_class(truth: Sequence[str], predicted: Sequence[str], weights: Sequence[float] | None = None) -> pl.DataFrame:
    """Return ``class``, ``precision``, ``recall``, ``f1``, ``weight`` of every class that is true or predicted.

    Parameters
    ----------
    truth, predicted
        Classes.
    weights
        Rows that each stands for; 1 without it. A class that is never predicted has F1 = 0.
    """
    from sklearn.metrics import precision_recall_fscore_support

    classes = sorted({*truth, *predicted})
    precision, recall, f1, weight = precision_recall_fscore_support(
        list(truth), list(predicted), labels=classes, sample_weight=weights, zero_division=0.0
    )
    return pl.DataFrame({"class": classes, "precision": precision, "recall": recall, "f1": f1, "weight": weight})


def confusion(truth: Sequence[str], predicted: Sequence[str], weights: Sequence[float] | None = None) -> pl.DataFrame:
    """Return the confusion matrix: a row for every true class, a column for every predicted one.

    Parameters
    ----------
    truth, predicted
        Class of each product, and the one it was given.
    weights
        How much each product counts, such as its quotes; None counts every product once.
    """
    classes = sorted({*truth, *predicted})
    counted = (
        pl.DataFrame({"true": list(truth), "predicted": list(predicted), "weight": weights or [1.0] * len(truth)})
        .group_by("true", "predicted")
        .agg(exact_sum("weight"))
        .pivot(on="predicted", on_columns=classes, index="true", values="weight")
    )
    return counted.fill_null(0.0).sort("true")
