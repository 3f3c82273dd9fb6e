"""The tables of household size: what is said of each home, and how far it can be trusted."""

from typing import Any

import polars as pl

from ons_assets.meters.households.household_size import Target, TooFewAnswers, cross_validate, fit_household_size
from ons_assets.parameters.meters import HouseholdParameters

# What the questionnaire says.
ASKED: tuple[Target, ...] = ("size_band", "has_children", "respondent_over_65")
UNKNOWN = "unknown"


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
        Rows of `meters/household_size` and `meters/household_size_accuracy`. Where nothing can be said of a home,
        or of any, the class is `unknown`, the probability null, and the reason said.
    """
    parameters = parameters or HouseholdParameters()
    options: dict[str, Any] = {"seed": parameters.seed, "min_answers": parameters.min_answers}
    sizes, accuracy = [], []
    for target in ASKED:
        try:
            model = fit_household_size(indicators, questionnaire, target, **options)
        except TooFewAnswers as error:
            sizes.append(_unknown(indicators, target, str(error)))
            accuracy.append(_not_fitted(indicators, questionnaire, target, str(error)))
            continue
        sizes.append(model.probabilities(indicators).with_columns(reason=pl.lit(None, pl.String())))
        silent = indicators.filter(pl.col("mean_day_kwh").is_null())
        sizes.append(_unknown(silent, target, f"fewer than {parameters.min_days} days are known"))
        accuracy.append(cross_validate(indicators, questionnaire, target, folds=parameters.folds, **options))
    return pl.concat(sizes), pl.concat(accuracy)


def _unknown(meters: pl.DataFrame, target: Target, reason: str) -> pl.DataFrame:
    return meters.select(
        "bucket",
        "meter",
        pl.lit(target).alias("target"),
        pl.lit(UNKNOWN).alias("target_class"),
        probability=pl.lit(None, pl.Float64()),
        reason=pl.lit(reason),
    )


def _not_fitted(indicators: pl.DataFrame, questionnaire: pl.DataFrame, target: Target, reason: str) -> pl.DataFrame:
    described = indicators.filter(pl.col("mean_day_kwh").is_not_null())
    homes = described.join(questionnaire.filter(pl.col(target).is_not_null()), on="meter", how="semi").height
    return pl.DataFrame(
        [(target, "profile", "", homes, None, None, None, reason)],
        schema={
            "target": pl.String(),
            "model": pl.String(),
            "classes": pl.String(),
            "homes": pl.Int64(),
            "accuracy": pl.Float64(),
            "balanced_accuracy": pl.Float64(),
            "log_loss": pl.Float64(),
            "warning": pl.String(),
        },
        orient="row",
    )
