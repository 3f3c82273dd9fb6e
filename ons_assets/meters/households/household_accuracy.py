"""How far what is said of households can be trusted, on homes that the models were not fitted to."""

from statistics import NormalDist

import numpy as np
import polars as pl

from ons_assets.meters.households.household_model import MODELS, Probabilities, classes_of, out_of_fold
from ons_assets.meters.households.targets import Target
from ons_assets.parameters.meters import HouseholdParameters

# Of what chance leaves, the share that a profile must find if it is to be used; and what it must find beyond the level.
LITTLE, HARDLY_MORE = 0.25, 0.05


def accuracies(
    homes: pl.DataFrame, target: Target, parameters: HouseholdParameters | None = None
) -> tuple[pl.DataFrame, Probabilities]:
    """Judge the models of one target, again for each seed of the folds.

    Parameters
    ----------
    homes
        From `targets.labelled`.
    target
        What the answers are.
    parameters
        Folds, seeds and level of the interval.

    Returns
    -------
    table : DataFrame
        One row a model: `target`, `model`, `classes`, `homes`; means over the seeds of `accuracy`,
        `balanced_accuracy` (mean share found of the classes), `log_loss` and `brier_score` (sum over the classes of
        the squared differences); `accuracy_lower`, `accuracy_upper`: Agresti and Coull's interval for as many homes;
        `accuracy_least`, `accuracy_most`: over the seeds; `warning`: null, or why the figures should not be used for
        single homes.
    said : array, (homes, classes)
        Out-of-fold probabilities of the model that is used, means over the seeds.
    """
    parameters = parameters or HouseholdParameters()
    classes = classes_of(homes)
    answers = homes["answer"].to_numpy().astype(str)
    rows, said = [], np.zeros((len(homes), len(classes)))
    for name, model in MODELS.items():
        seeds = range(parameters.seed, parameters.seed + parameters.repeats)
        each = [out_of_fold(homes, model(parameters), folds=parameters.folds, seed=seed) for seed in seeds]
        figures = pl.DataFrame([scores(answers, classes, p) for p in each])
        accuracy = figures["accuracy"]
        lower, upper = _interval(float(accuracy.mean()), len(homes), parameters.level)  # type: ignore[arg-type]
        rows.append(
            {
                "target": target,
                "model": name,
                "classes": ", ".join(classes),
                "homes": len(homes),
                **figures.mean().row(0, named=True),
                "accuracy_lower": lower,
                "accuracy_upper": upper,
                "accuracy_least": accuracy.min(),
                "accuracy_most": accuracy.max(),
            }
        )
        said = np.mean(each, axis=0)  # that of the last, which is used
    table = pl.DataFrame(rows)
    return table.with_columns(warning=pl.lit(_warning(table, target, classes), pl.String)), said


def scores(answers: np.ndarray, classes: tuple[str, ...], p: Probabilities) -> dict[str, float]:
    """Return accuracy, balanced accuracy, log loss and Brier score of probabilities.

    Parameters
    ----------
    answers
        Class of each home.
    classes
        In the order of the probabilities.
    p
        Probabilities, (homes, classes).
    """
    is_so = answers[:, None] == np.array(classes)
    found = p.argmax(axis=1) == is_so.argmax(axis=1)
    of_class = is_so.argmax(axis=1)
    return {
        "accuracy": float(found.mean()),
        "balanced_accuracy": float(np.mean([found[of_class == each].mean() for each in np.unique(of_class)])),
        "log_loss": float(-np.log(np.clip(p[is_so], 1e-6, 1)).mean()),
        "brier_score": float(((p - is_so) ** 2).sum(axis=1).mean()),
    }


def _interval(share: float, homes: int, level: float) -> tuple[float, float]:
    z = NormalDist().inv_cdf(0.5 + level / 2)
    centre = (share * homes + z**2 / 2) / (homes + z**2)
    half = z * (centre * (1 - centre) / (homes + z**2)) ** 0.5
    return max(centre - half, 0.0), min(centre + half, 1.0)


def _warning(table: pl.DataFrame, target: Target, classes: tuple[str, ...]) -> str | None:
    """Say when a profile adds little: the literature found size and employment to show, and structure hardly."""
    found = dict(zip(table["model"], table["balanced_accuracy"], strict=True))
    chance = 1 / len(classes)
    gain = (found["profile"] - chance) / (1 - chance)
    if gain < LITTLE:
        return f"profiles say little of {target}: of what chance leaves, {gain:.0%} is found; use no single home"
    if found["profile"] - found["level only"] < HARDLY_MORE:
        return f"the daily level alone says nearly as much of {target} as the profile"
    return None
