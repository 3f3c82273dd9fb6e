"""What homes have in common: how high base and active use are, and what that says of one home.

A home alone cannot tell "always only the base" from "always active": both are one level that hardly moves. Other
homes can, as what runs by itself is seldom 300 W and people are seldom 100 W.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.meters.half_hours.clock_face import dense, measured
from ons_assets.meters.occupancy.readings import SLOTS, log_kwh
from ons_assets.parameters.meters import PopulationParameters

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Levels:
    """What each home shows of its own level; NaN where it has no reading.

    Parameters
    ----------
    base, upper
        Low and high quantile of its log use (log kWh), (homes,).
    variance
        Variance of its log use, (homes,).
    readings
        Half hours read, (homes,).
    """

    base: FloatArray
    upper: FloatArray
    variance: FloatArray
    readings: npt.NDArray[np.int64]


@dataclass(frozen=True)
class LevelPrior:
    """The distribution of levels over homes, in log kWh.

    Parameters
    ----------
    base, base_sd
        Mean and standard deviation of the base.
    active
        Mean of active use in a home with that base.
    active_by_base
        What active use gains for each step of the base: 0 if it does not depend on it, 1 if it is a multiple.
    active_sd
        Standard deviation of active use over homes with the same base.
    """

    base: float
    base_sd: float
    active: float
    active_by_base: float
    active_sd: float


@dataclass(frozen=True)
class Population:
    """Priors of all homes, of those of a layout, and of those of a layout and a type of dwelling."""

    everywhere: LevelPrior
    layouts: Mapping[str, LevelPrior]
    dwellings: Mapping[tuple[str, str], LevelPrior]

    def of(self, layout: str, dwelling_type: str | None = None) -> LevelPrior:
        """Return the prior of the narrowest group of homes that is known."""
        of_layout = self.layouts.get(layout, self.everywhere)
        return of_layout if dwelling_type is None else self.dwellings.get((layout, dwelling_type), of_layout)


def home_levels(
    kwh: npt.NDArray[np.float32], meter_offsets: npt.NDArray[np.int64], parameters: PopulationParameters
) -> Levels:
    """Return the levels of each home.

    Parameters
    ----------
    kwh
        (rows, 48) of many homes, kWh, NaN where missing.
    meter_offsets
        Rows of home h are ``meter_offsets[h]:meter_offsets[h + 1]``.
    parameters
        Quantiles.
    """
    homes = len(meter_offsets) - 1
    base, upper, variance = np.full((3, homes), np.nan)
    readings = np.zeros(homes, dtype=np.int64)
    x = log_kwh(kwh)
    for home, (first, end) in enumerate(itertools.pairwise(meter_offsets)):
        mine = x[first:end].ravel()
        read = mine[~np.isnan(mine)]
        readings[home] = len(read)
        if len(read):
            base[home], upper[home] = np.quantile(read, [parameters.base_quantile, parameters.upper_quantile])
            variance[home] = read.var(dtype=np.float64)
    return Levels(base, upper, variance, readings)


def groups_of(half_hours: pl.DataFrame, dwellings: pl.DataFrame | None) -> pl.DataFrame:
    """Return of each meter, in the order of the rows, in which groups of homes it is.

    Parameters
    ----------
    half_hours
        Rows of `meters/half_hours`, sorted by meter and day: all days of their meters.
    dwellings
        `meter`, `dwelling_type` (null where not known); None if of no meter it is known.

    Returns
    -------
    DataFrame
        `meter`, `layout` (of its files, which parts trials and countries), `dwelling_type`.
    """
    meters = half_hours[dense(half_hours).meter_offsets[:-1]].select("meter", "layout")
    if dwellings is None:
        return meters.with_columns(dwelling_type=pl.lit(None, dtype=pl.String()))
    return meters.join(dwellings.select("meter", "dwelling_type"), on="meter", how="left", maintain_order="left")


def level_rows(
    half_hours: pl.DataFrame, parameters: PopulationParameters, dwellings: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return what a part of `meters/half_hours` tells of the population: one row a meter, few numbers.

    Parameters
    ----------
    half_hours
        Rows of `meters/half_hours`, sorted by meter and day: all days of their meters.
    parameters
        Quantiles.
    dwellings
        As for `groups_of`.

    Returns
    -------
    DataFrame
        Columns of `groups_of`, `base`, `upper`, `variance`, `readings`.
    """
    levels = home_levels(measured(half_hours), dense(half_hours).meter_offsets, parameters)
    return groups_of(half_hours, dwellings).with_columns(
        base=pl.Series(levels.base),
        upper=pl.Series(levels.upper),
        variance=pl.Series(levels.variance),
        readings=pl.Series(levels.readings),
    )


def population(levels: pl.DataFrame, parameters: PopulationParameters) -> Population:
    """Estimate the distribution of levels by moments, drawn to what is known beforehand.

    Means of a type of dwelling are drawn to those of its layout, those of a layout to those of all homes, and those of
    all homes to the parameters, each as if the latter were so many homes more. Sums are exact: the order of homes and
    parts does not matter.

    Parameters
    ----------
    levels
        Rows of `level_rows`, of all parts together.
    parameters
        What is known beforehand, and its weight.

    References
    ----------
    Efron and Morris (1975), Data analysis using Stein's estimator and its generalizations, Journal of the American
    Statistical Association 70.
    """
    # A home that hardly varies shows one level, and not which of the two it is.
    varied = levels.filter(
        (pl.col("readings") >= parameters.fewest_days * SLOTS) & (pl.col("variance") > parameters.uninformative_sd**2)
    )
    everywhere = _drawn(varied, beforehand(parameters), parameters)
    layouts = {
        str(layout): _drawn(rows, everywhere, parameters)
        for (layout,), rows in varied.partition_by("layout", as_dict=True).items()
    }
    typed = varied.drop_nulls("dwelling_type").partition_by("layout", "dwelling_type", as_dict=True)
    dwellings = {
        (str(layout), str(dwelling_type)): _drawn(rows, layouts[str(layout)], parameters)
        for (layout, dwelling_type), rows in typed.items()
    }
    return Population(everywhere, layouts, dwellings)


def beforehand(parameters: PopulationParameters) -> LevelPrior:
    """Return what is known of homes before any is seen."""
    return LevelPrior(
        math.log(parameters.base_kwh),
        parameters.base_sd,
        math.log(parameters.active_kwh),
        parameters.active_by_base,
        parameters.active_sd_over_homes,
    )


def _drawn(homes: pl.DataFrame, prior: LevelPrior, parameters: PopulationParameters) -> LevelPrior:
    """Return the moments of some homes, with those of the prior as so many homes more."""
    weight = parameters.prior_homes
    n = len(homes) + weight
    base = homes["base"].to_numpy()
    active = homes["upper"].to_numpy() - parameters.active_below_upper
    base_mean = (math.fsum(base) + weight * prior.base) / n
    active_mean = (math.fsum(active) + weight * prior.active) / n
    between = prior.base - base_mean
    prior_square = prior.base_sd**2 + between**2
    prior_product = prior.active_by_base * prior.base_sd**2 + between * (prior.active - active_mean)
    square = math.fsum((base - base_mean) ** 2) + weight * prior_square
    product = math.fsum((base - base_mean) * (active - active_mean)) + weight * prior_product
    slope = min(max(product / square, 0.0), 1.0)
    left = active - active_mean - slope * (base - base_mean)
    before = prior.active + slope * (base_mean - prior.base) - active_mean
    left_before = prior.active_sd**2 + before**2 + (prior.active_by_base - slope) ** 2 * prior.base_sd**2
    residual = (math.fsum(left**2) + weight * left_before) / n
    return LevelPrior(base_mean, math.sqrt(square / n), active_mean, slope, math.sqrt(residual))


def component_means(levels: Levels, priors: Sequence[LevelPrior], parameters: PopulationParameters) -> FloatArray:
    """Return where the base and the active component of each home are sought, (homes, 2) in log kWh.

    The low quantile of a home is its base but for an error, and the high one shows its active use but for a larger
    one, as nobody may have been in. Each is drawn to the population as the variances of both say: active use to
    that of homes with such a base. A home without readings has the population's.

    Parameters
    ----------
    levels
        Of the homes.
    priors
        Of the population of each home.
    parameters
        Errors of the quantiles, and the least distance of the two.
    """
    centre, sd, active, slope, active_sd = np.array([astuple(prior) for prior in priors]).reshape(-1, 5).T
    low = np.where(np.isnan(levels.base), centre, levels.base)
    base = _drawn_to(centre, low, sd, parameters.base_error)
    usual = active + slope * (low - centre)
    high = np.where(np.isnan(levels.upper), usual, levels.upper - parameters.active_below_upper)
    own = _drawn_to(usual, high, active_sd, parameters.active_error)
    return np.stack([base, np.maximum(own, base + parameters.least_distance)], axis=1)


def _drawn_to(centre: FloatArray, seen: FloatArray, sd: FloatArray, error: float) -> FloatArray:
    """What is seen with an error, drawn to the centre of a population of that standard deviation."""
    drawn: FloatArray = seen - error**2 / (error**2 + sd**2) * (seen - centre)
    return drawn


def informativeness(levels: Levels, parameters: PopulationParameters) -> FloatArray:
    """Return how far a home's readings may speak, 0 (constant, or none) to 1, (homes,)."""
    variance = np.nan_to_num(levels.variance)
    share: FloatArray = variance / (variance + parameters.uninformative_sd**2)
    return share
