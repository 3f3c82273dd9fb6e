"""Pools: areas of too few users stand together, so that no figure tells of few."""

from collections.abc import Sequence

import polars as pl

from ons_assets.lakehouse.sums import exact_sum


def with_pools(
    rows: pl.DataFrame, within: Sequence[str], units: str, fewest: float, key: Sequence[str]
) -> pl.DataFrame:
    """Say which rows stand together.

    Parameters
    ----------
    rows
        One row for each area and whatever divides them.
    within
        Columns of those that may stand together, such as a month.
    units
        Column of the number of users.
    fewest
        Rows with fewer stand together, and with the next smallest until they have as many.
    key
        Columns by which rows of equally many users are ordered.

    Returns
    -------
    pl.DataFrame
        The rows with is_pooled, and is_enough: whether the row, or its pool, has as many.
    """
    number = pl.col(units)
    ordered = rows.sort(*within, units, *key)
    before = (number.cum_sum() - number).over(within) if within else number.cum_sum() - number
    is_thin = number < fewest
    any_thin = is_thin.any().over(within) if within else is_thin.any()
    pooled = ordered.with_columns(is_pooled=is_thin | (any_thin & (before < fewest)))
    together = exact_sum(pl.when("is_pooled").then(number).otherwise(0))
    of_pool = together.over(within) if within else together
    return pooled.with_columns(is_enough=~pl.col("is_pooled") | (of_pool >= fewest))


def people_by_user(
    rows: pl.DataFrame, within: Sequence[str], people: str, units: str, fewest: float, key: Sequence[str]
) -> pl.DataFrame:
    """Return the rows with `weight`, the people whom a user stands for: of the row, or of its pool; null of too few.

    Parameters
    ----------
    rows, within, units, fewest, key
        As for `with_pools`.
    people
        Column of the number of people.
    """
    pooled = with_pools(rows, within, units, fewest, key)
    inside = pl.col("is_pooled")
    sums = [exact_sum(pl.when(inside).then(pl.col(name)).otherwise(0)) for name in (people, units)]
    together = [each.over(within) if within else each for each in sums]
    weight = pl.when(inside).then(together[0] / together[1]).otherwise(pl.col(people) / pl.col(units))
    return pooled.with_columns(weight=pl.when("is_enough").then(weight)).drop("is_pooled", "is_enough")
