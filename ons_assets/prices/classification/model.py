"""A classifier of product names with probabilities that mean what they say.

Character n-grams of the name and what it says in figures (pack, per cent), extremely randomised trees, and one
temperature that calibrates their probabilities on products that the trees had not seen.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ons_assets.parameters.prices import ScopeModelParameters
from ons_assets.prices.classification.attributes import all_attributes

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = npt.NDArray[np.float64]
Context = Mapping[str, float]

THREADS = 2


@dataclass(frozen=True)
class TrainedModel:
    """A trained classifier.

    Attributes
    ----------
    classes
        Labels, sorted; columns of `probabilities`.
    version
        Hash of the training data, the method's parameters and scikit-learn's version: what made it.
    temperature
        Power 1 / temperature of the trees' votes gives the probabilities; above 1 they had been too sure.
    seen_apart
        (n, classes): probabilities of the training products, each by trees that had not seen it.
    """

    classes: tuple[str, ...]
    version: str
    temperature: float
    seen_apart: Floats
    _vectorisers: tuple[Any, Any]
    _trees: Any
    _least: float

    def probabilities(self, names: Sequence[str], context: Sequence[Context] | None = None) -> Floats:
        """Return the probability of each class for each name, (n, classes).

        Parameters
        ----------
        names
            Names of products.
        context
            Further features of each, as in training.
        """
        if not len(names):
            return np.zeros((0, len(self.classes)))
        features = _features(self._vectorisers, names, context, fit=False)
        return _tempered(self._trees.predict_proba(features), self.temperature, self._least)


def train(
    names: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[str],
    context: Sequence[Context] | None = None,
    *,
    parameters: ScopeModelParameters | None = None,
) -> TrainedModel:
    """Train a classifier.

    Parameters
    ----------
    names
        Names of products, each once.
    labels
        Their classes.
    groups
        What tells one product from another where names differ ("6x330ml" and "4x330ml" of one beer); the
        probabilities are calibrated on groups that the trees have not seen.
    context
        Further features of each product: the item that it was collected for, the verdict of the rules.
    parameters
        None for the defaults: 200 trees, and fewer, but at least 60, from 2,000 names on.

    Raises
    ------
    ValueError
        If there are fewer than two classes, or fewer than two groups.

    References
    ----------
    P. Geurts, D. Ernst and L. Wehenkel, "Extremely randomized trees", Machine Learning 63 (2006); C. Guo and others,
    "On calibration of modern neural networks", ICML 2017 (temperature scaling).
    """
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.feature_extraction.text import TfidfVectorizer

    if len(set(labels)) < 2:
        raise ValueError("a classifier needs labels of at least two classes")
    if len(set(groups)) < 2:
        raise ValueError("a classifier needs labels of at least two products")
    parameters = parameters or ScopeModelParameters()
    # The order of the labels that came in must not change the model.
    more = [sorted(said.items()) for said in context] if context is not None else [[] for _ in names]
    order = sorted(range(len(names)), key=lambda row: (names[row], groups[row], labels[row], more[row]))
    back = np.argsort(order)
    names, labels, groups = ([column[row] for row in order] for column in (names, labels, groups))
    context = [context[row] for row in order] if context is not None else None
    trees = int(np.clip(parameters.trees_times_names // len(names), parameters.fewest_trees, parameters.trees))
    truth = np.asarray(labels, dtype=object)
    vectorisers = (
        TfidfVectorizer(
            analyzer="char_wb",
            ngram_range=parameters.ngrams,
            min_df=parameters.fewest_names if len(names) >= parameters.small else 1,
            max_features=parameters.most_ngrams,
            sublinear_tf=True,
        ),
        DictVectorizer(),
    )
    features = _features(vectorisers, names, context, fit=True)
    classifier = ExtraTreesClassifier(
        trees, max_features=parameters.features_a_split, random_state=parameters.seed, n_jobs=THREADS
    )
    least = _least_probability(parameters)
    votes, classes = _votes_apart(classifier, features, truth, groups, parameters)
    temperature = _temperature(votes, truth, classes, least)
    return TrainedModel(
        classes=tuple(classes),
        version=_version(names, labels, context, trees, parameters),
        temperature=temperature,
        seen_apart=_tempered(votes, temperature, least)[back],
        _vectorisers=vectorisers,
        _trees=_fitted(classifier, features, truth),
        _least=least,
    )


def _features(
    vectorisers: tuple[Any, Any], names: Sequence[str], context: Sequence[Context] | None, *, fit: bool
) -> "csr_matrix":
    from scipy.sparse import hstack

    figures = all_attributes(names)
    if context is not None:
        figures = [{**said, **more} for said, more in zip(figures, context, strict=True)]
    text, further = vectorisers
    lowered = [name.lower() for name in names]
    if fit:
        return hstack([text.fit_transform(lowered), further.fit_transform(figures)]).tocsr()
    return hstack([text.transform(lowered), further.transform(figures)]).tocsr()


def _votes_apart(
    classifier: Any,
    features: "csr_matrix",
    truth: npt.NDArray[np.object_],
    groups: Sequence[str],
    parameters: ScopeModelParameters,
) -> tuple[Floats, list[str]]:
    """Votes for every product by trees that have seen no product of its group; and the classes.

    A class of one product gets no vote for that product: nothing can be known of it.
    """
    from sklearn.base import clone
    from sklearn.model_selection import GroupKFold

    classes = sorted(set(truth))
    votes = np.zeros((len(truth), len(classes)))
    folds = min(parameters.folds, len(set(groups)))
    splits = GroupKFold(folds, shuffle=True, random_state=parameters.seed).split(features, truth, groups)
    for train_rows, test_rows in splits:
        trees = _fitted(clone(classifier), features[train_rows], truth[train_rows])
        columns = [classes.index(each) for each in trees.classes_]
        votes[np.ix_(test_rows, columns)] = trees.predict_proba(features[test_rows])
    return votes, classes


def _fitted(classifier: Any, features: "csr_matrix", truth: npt.NDArray[np.object_]) -> Any:
    """Fit with several threads, and vote with one: several would add up the votes in another order each time."""
    return classifier.fit(features, truth).set_params(n_jobs=1)


def _least_probability(parameters: ScopeModelParameters) -> float:
    """A tree ensemble that is unanimous has still been wrong."""
    return 0.5 / parameters.trees


def _temperature(votes: Floats, truth: npt.NDArray[np.object_], classes: list[str], least: float) -> float:
    """The temperature with the smallest log loss."""
    from scipy.optimize import minimize_scalar

    column = np.searchsorted(np.asarray(classes, dtype=object), truth)

    def loss(log_temperature: float) -> float:
        right = _tempered(votes, float(np.exp(log_temperature)), least)[np.arange(len(truth)), column]
        return float(-np.log(np.maximum(right, least)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.1), np.log(10.0)), method="bounded").x))


def _tempered(votes: Floats, temperature: float, least: float) -> Floats:
    power = np.maximum(votes, least) ** (1 / temperature)
    return np.asarray(power / power.sum(axis=1, keepdims=True))


def _version(
    names: Sequence[str],
    labels: Sequence[str],
    context: Sequence[Context] | None,
    trees: int,
    parameters: ScopeModelParameters,
) -> str:
    import sklearn

    rows = sorted(zip(names, labels, context or [{}] * len(names), strict=True), key=repr)
    made_of = [
        rows,
        trees,
        parameters.ngrams,
        parameters.fewest_names,
        parameters.most_ngrams,
        parameters.features_a_split,
        parameters.folds,
        parameters.seed,
        sklearn.__version__,
    ]
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:12]
