"""Figures for small areas: shares of homes occupied, vacant or second, and when to call. Never of one home."""

from statistics import NormalDist

import polars as pl

from ons_assets.lakehouse.disclosure import EVIDENCE, shares_of
from ons_assets.parameters.meters import AreaParameters


def area_occupancy(
    homes: pl.DataFrame, parameters: AreaParameters | None = None, *, by: tuple[str, ...] = ()
) -> pl.DataFrame:
    """Estimate the mean of a home's probability over the homes of each area.

    The homes metered are a sample of those of the area, taken as random. The estimate is their mean. The
    interval is the wider at each end of two: by the variance between homes over their number, and Agresti and
    Coull's of a share, so that ten homes that are all occupied do not give certainty.

    Parameters
    ----------
    homes
        One row a home (and group of `by`): `meter`, `area_code`, `probability` in [0, 1]; null is left out.
    parameters
        Level of the interval.
    by
        Further columns of the groups, such as month, state, or day type and hour.

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
    The American Statistician 52; Rao and Molina (2015), Small area estimation, chapter 2, for direct estimates.
    """
    parameters = parameters or AreaParameters()
    known = homes.filter(pl.col("probability").is_not_null() & pl.col("probability").is_not_nan())
    if not known["probability"].is_between(0, 1).all():
        raise ValueError("probability must lie between 0 and 1")
    groups = ["area_code", *by]
    if known.select("meter", *groups).is_duplicated().any():
        raise ValueError("a home has two rows in a group")
    z = NormalDist().inv_cdf(0.5 + parameters.level / 2)
    n, p = pl.col("homes"), pl.col("estimate")
    by_spread = z * (pl.col("variance") / n).sqrt()
    centre = (p * n + z**2 / 2) / (n + z**2)
    by_share = z * (centre * (1 - centre) / (n + z**2)).sqrt()
    return (
        known.sort(*groups, "meter")  # the last digit of a mean hangs on the order of its terms
        .group_by(groups, maintain_order=True)
        .agg(
            homes=pl.len().cast(pl.Int64),
            estimate=pl.col("probability").mean(),
            variance=pl.col("probability").var(),
            **shares_of("probability"),
        )
        .with_columns(
            lower=pl.min_horizontal(p - by_spread, centre - by_share).clip(0, 1),
            upper=pl.max_horizontal(p + by_spread, centre + by_share).clip(0, 1),
        )
        .select(*groups, "homes", "estimate", "lower", "upper", *EVIDENCE)
        .sort(groups)
    )
