"""The tables of households: what is said of each home, on what basis, and how far it can be trusted."""

import polars as pl

from ons_assets.meters.households.household_accuracy import accuracies
from ons_assets.meters.households.household_model import classes_of, fit_household_model, long_form
from ons_assets.meters.households.targets import ASKED, Target, TooFewAnswers, labelled
from ons_assets.parameters.meters import HouseholdParameters

UNKNOWN = "unknown"
OUT_OF_FOLD, PREDICTED = "out_of_fold", "predicted"


def household_tables(
    indicators: pl.DataFrame, questionnaire: pl.DataFrame, parameters: HouseholdParameters | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Learn the classes of households from those that answered, and say them of all.

    Parameters
    ----------
    indicators
        Rows of `meters/profile_indicators`.
    questionnaire
        Rows of `meters/questionnaire`.
    parameters
        See `HouseholdParameters`.

    Returns
    -------
    sizes, accuracy : DataFrame
        Rows of `meters/household_size` and `meters/household_size_accuracy`. A home that answered has probabilities of
        models that did not see its answer, and the answer beside them. Where nothing can be said of a home, or of
        any, the class is `unknown`, the probability null, and the reason said.
    """
    parameters = parameters or HouseholdParameters()
    sizes, accuracy = [], []
    for target in ASKED:
        try:
            homes = labelled(indicators, questionnaire, target, parameters.min_answers)
        except TooFewAnswers as error:
            sizes.append(_unknown(indicators, target, str(error)))
            accuracy.append(_not_fitted(indicators, questionnaire, target, str(error)))
            continue
        table, said = accuracies(homes, target, parameters)
        accuracy.append(table)
        seen = long_form(homes, target, classes_of(homes), said).join(homes.select("meter", "answer"), on="meter")
        sizes.append(
            seen.select(
                pl.exclude("answer"),
                basis=pl.lit(OUT_OF_FOLD),
                is_answer=pl.col("target_class") == pl.col("answer"),
                reason=pl.lit(None, pl.String()),
            )
        )
        others = indicators.join(homes, on="meter", how="anti")
        model = fit_household_model(indicators, questionnaire, target, parameters)
        sizes.append(
            model.probabilities(others).with_columns(
                basis=pl.lit(PREDICTED), is_answer=pl.lit(None, pl.Boolean()), reason=pl.lit(None, pl.String())
            )
        )
        silent = indicators.filter(pl.col("mean_day_kwh").is_null())
        sizes.append(_unknown(silent, target, f"fewer than {parameters.min_days} days are known"))
    return pl.concat(sizes), pl.concat(accuracy, how="diagonal")


def _unknown(meters: pl.DataFrame, target: Target, reason: str) -> pl.DataFrame:
    return meters.select(
        "bucket",
        "meter",
        pl.lit(target).alias("target"),
        pl.lit(UNKNOWN).alias("target_class"),
        probability=pl.lit(None, pl.Float64()),
        basis=pl.lit(None, pl.String()),
        is_answer=pl.lit(None, pl.Boolean()),
        reason=pl.lit(reason),
    )


def _not_fitted(indicators: pl.DataFrame, questionnaire: pl.DataFrame, target: Target, reason: str) -> pl.DataFrame:
    described = indicators.filter(pl.col("mean_day_kwh").is_not_null())
    homes = described.join(questionnaire.filter(pl.col(target).is_not_null()), on="meter", how="semi").height
    figures = ("accuracy", "balanced_accuracy", "log_loss", "brier_score")
    ends = ("accuracy_lower", "accuracy_upper", "accuracy_least", "accuracy_most")
    return pl.DataFrame(
        {"target": [target], "model": ["profile"], "classes": [""], "homes": [homes]}
        | {name: pl.Series([None], dtype=pl.Float64()) for name in (*figures, *ends)}
        | {"warning": [reason]}
    )
