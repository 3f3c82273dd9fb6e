"""Probability that somebody is at home, in each half hour, from electricity alone.

One function for one home, `occupancy_probabilities`, and one for many, `occupancy_of_homes`. The methods
and how well they do: docs/methods/occupancy.md.
"""

from ons_assets.meters.occupancy.calibration import (
    Calibration,
    accuracy,
    area_under_curve,
    brier_score,
    expected_calibration_error,
    fit_calibration,
    reliability_curve,
)
from ons_assets.meters.occupancy.methods import METHODS, Method, occupancy_of_homes, occupancy_probabilities
from ons_assets.meters.occupancy.population import LevelPrior, Population
from ons_assets.meters.occupancy.supervised import OccupancyClassifier, cross_validated
from ons_assets.meters.occupancy.table import occupancy_table, population_of_parts
from ons_assets.parameters.meters import HmmParameters, PopulationParameters

__all__ = [
    "METHODS",
    "Calibration",
    "HmmParameters",
    "LevelPrior",
    "Method",
    "OccupancyClassifier",
    "Population",
    "PopulationParameters",
    "accuracy",
    "area_under_curve",
    "brier_score",
    "cross_validated",
    "expected_calibration_error",
    "fit_calibration",
    "occupancy_of_homes",
    "occupancy_probabilities",
    "occupancy_table",
    "population_of_parts",
    "reliability_curve",
]
