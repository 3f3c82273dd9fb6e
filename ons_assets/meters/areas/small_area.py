"""Figures for small areas: shares of homes occupied, vacant or second, and when to call. Never of one home."""

from statistics import NormalDist

import polars as pl

from ons_assets.lakehouse.disclosure import EVIDENCE, shares_of
from ons_assets.parameters.meters import AreaParameters


def area_occupancy(
    homes: pl.DataFrame,
    parameters: AreaParameters | None = None,
    *,
    by: tuple[str, ...] = (),
    dwellings: pl.DataFrame | None = None,
    error: pl.Expr | None = None,
) -> pl.DataFrame:
    """Estimate the mean of a home's probability over the homes of each area.

    The homes metered are a sample of those of the area, taken as random. The estimate is their mean. The
    interval is the wider at each end of two: by the largest variance that homes of that mean can have over their
    number, and Agresti and Coull's of a share, so that ten homes that are all occupied do not give certainty; of the
    dwellings that are counted, only those that are not metered can differ. The error of the model that made the
    probabilities is added. All follows from the mean and numbers that are told: the variance that homes do have would
    tell, beside their mean, what few homes bring to it.

    Parameters
    ----------
    homes
        One row a home (and group of `by`): `meter`, `area_code`, `probability` in [0, 1]; null is left out.
    parameters
        Level of the interval.
    by
        Further columns of the groups, such as month, state, or day type and hour.
    dwellings
        `area_code`, `dwellings` of areas; those of others are without end.
    error
        Standard error of the mean probability over homes, by its model; None for none.

    Returns
    -------
    DataFrame
        `area_code`, the columns of `by`, `homes`, `estimate`, `lower`, `upper`, and what their disclosure step asks
        of shares (`ons_assets.lakehouse.disclosure.shares_of`); sorted. Small areas are in it: it leaves by that step
        only.

    Raises
    ------
    ValueError
        If a probability lies outside [0, 1] or a home has two rows in a group.

    References
    ----------
    Agresti and Coull (1998), Approximate is better than "exact" for interval estimation of binomial proportions,
    The American Statistician 52; Rao and Molina (2015), Small area estimation, chapter 2, for direct estimates;
    Cochran (1977), Sampling techniques, section 2.6, for finite populations.
    """
    parameters = parameters or AreaParameters()
    known = homes.filter(pl.col("probability").is_not_null() & pl.col("probability").is_not_nan())
    if not known["probability"].is_between(0, 1).all():
        raise ValueError("probability must lie between 0 and 1")
    groups = ["area_code", *by]
    if known.select("meter", *groups).is_duplicated().any():
        raise ValueError("a home has two rows in a group")
    return (
        known.sort(*groups, "meter")  # the last digit of a mean hangs on the order of its terms
        .group_by(groups, maintain_order=True)
        .agg(
            homes=pl.len().cast(pl.Int64),
            estimate=pl.col("probability").mean(),
            **shares_of("probability"),
        )
        .pipe(with_dwellings, dwellings)
        .with_columns(interval(pl.col("homes"), parameters.level, error))
        .select(*groups, "homes", "estimate", "lower", "upper", *EVIDENCE)
        .sort(groups)
    )


def with_dwellings(areas: pl.DataFrame, dwellings: pl.DataFrame | None) -> pl.DataFrame:
    """Return rows of areas with the number of their `dwellings`; null where they are not counted.

    Parameters
    ----------
    areas
        With `area_code`.
    dwellings
        `area_code`, `dwellings`.
    """
    if dwellings is None:
        return areas.with_columns(dwellings=pl.lit(None, pl.Float64()))
    return areas.join(dwellings.select("area_code", "dwellings"), on="area_code", how="left", maintain_order="left")


def interval(homes: pl.Expr, level: float, error: pl.Expr | None = None) -> list[pl.Expr]:
    """Return `lower` and `upper` of the column `estimate`; see `area_occupancy`.

    Parameters
    ----------
    homes
        On which the estimate stands, of the column `dwellings`: a number that may be told, as estimate and interval
        tell it together.
    level
        Of the interval.
    error
        Standard error of the model; None for none.
    """
    z, p = NormalDist().inv_cdf(0.5 + level / 2), pl.col("estimate")
    unmetered = (1 - homes / pl.col("dwellings")).clip(0, 1).fill_null(1.0)
    of_model = (pl.lit(0.0) if error is None else error) ** 2
    by_spread = pl.when(homes > 1).then(z * (p * (1 - p) / (homes - 1) * unmetered + of_model).sqrt())
    centre = (p * homes + z**2 / 2) / (homes + z**2)
    by_share = z * (centre * (1 - centre) / (homes + z**2) * unmetered + of_model).sqrt()
    # The less there is to sample, the nearer the middle is to the estimate.
    middle = p + (centre - p) * unmetered
    return [
        pl.min_horizontal(p - by_spread, middle - by_share).clip(0, 1).alias("lower"),
        pl.max_horizontal(p + by_spread, middle + by_share).clip(0, 1).alias("upper"),
    ]


def of_every_area(figures: pl.DataFrame, rows: pl.DataFrame, units: str) -> pl.DataFrame:
    """Return figures with a row for every one that there might be: that one is not there would tell of its homes.

    Parameters
    ----------
    figures
        Of some areas and groups.
    rows
        All areas and groups, with the columns by which they are known, and others that all have.
    units
        Column of the number of homes that a figure is of; 0 in rows that are added, whose figures are null.
    """
    by = [name for name in rows.columns if name in figures.columns]
    return rows.join(figures, on=by, how="left", maintain_order="left").with_columns(pl.col(units).fill_null(0))


def tellable(some: str, parameters: AreaParameters) -> pl.Expr:
    """Return the number of homes by which a figure of some of the column `homes` is judged.

    That a figure is told says that so many homes are in it. Were that all that are metered, it would say so of each; so
    it must be possible that some are not.

    Parameters
    ----------
    some
        Column of the number of homes that a figure is of.
    parameters
        Fewest homes of which something is said.
    """
    return pl.min_horizontal(some, pl.col("homes") - parameters.fewest_contributors)


def coarse_share(some: int, every: int) -> float:
    """Return a share rounded down to a twentieth: as intervals tell it, a finer one could tell of few homes.

    Parameters
    ----------
    some, every
        Numbers of homes; without any home the share is 0.
    """
    return (20 * some // every) / 20 if every else 0.0
