"""How far two sources are apart that speak of the same quantity of an area and month, against their own intervals."""

from collections.abc import Mapping
from itertools import combinations

import polars as pl

from ons_assets.governance.areas.source_estimates import RESIDENTS, SOURCES

OF_BOTH = ["told_of", "area_level", "area", "month"]
GAPS: Mapping[str, pl.DataType] = {
    "told_of": pl.String(),
    "area_level": pl.String(),
    "area": pl.String(),
    "month": pl.Date(),
    "one": pl.String(),
    "other": pl.String(),
    "gap": pl.Float64(),
}


def gaps(estimates: pl.DataFrame) -> pl.DataFrame:
    """Return for each two sources and each area by how much they differ, as a share of what their intervals allow.

    Of each figure its bias is taken away first, which is the same in all areas and is looked at by itself. Beyond 1
    the two contradict each other there: if both said rightly how sure they are, that would be so of as many areas as
    the intervals leave out.

    Parameters
    ----------
    estimates
        Rows of `governance/combined_estimates`.

    Returns
    -------
    polars.DataFrame
        `GAPS`, sorted.
    """
    own = estimates.filter(pl.col("told_by").is_in(SOURCES)).select(
        *OF_BOTH,
        "told_by",
        unbiased=pl.col("told_figure") - pl.col("source_bias").fill_null(0),
        half=(pl.col("told_high") - pl.col("told_low")) / 2,
    )
    found = [pl.DataFrame(schema=GAPS)]
    for one, other in combinations(SOURCES, 2):
        both = own.filter(told_by=one).join(own.filter(told_by=other), on=OF_BOTH, suffix="_other")
        allowed = (pl.col("half") ** 2 + pl.col("half_other") ** 2).sqrt()
        apart = (pl.col("unbiased") - pl.col("unbiased_other")).abs()
        gap = pl.when(allowed > 0).then(apart / allowed)
        found.append(
            both.select(*OF_BOTH, pl.lit(one).alias("one"), pl.lit(other).alias("other"), gap=gap).drop_nulls("gap")
        )
    return pl.concat(found).sort(*OF_BOTH, "one", "other")


def biases(estimates: pl.DataFrame) -> pl.DataFrame:
    """Return how far each source is from all together over all areas of a level, as a share of what these say.

    It is told of residents, whose level a register knows. That of vacant dwellings is what meters say, and phones and
    tweets count second homes with them.

    Parameters
    ----------
    estimates
        Rows of `governance/combined_estimates`.

    Returns
    -------
    polars.DataFrame
        quantity, area_level, month, told_by, bias (negative if the source says less), areas; sorted.
    """
    together = estimates.filter(told_by="combined", told_of=RESIDENTS).select(*OF_BOTH, all="told_figure")
    both = estimates.filter(pl.col("told_by").is_in(SOURCES)).join(together, on=OF_BOTH)
    sums = both.sort(*OF_BOTH, "told_by").group_by("told_of", "area_level", "month", "told_by", maintain_order=True)
    return (
        sums.agg(bias=pl.col("source_bias").sum() / pl.col("all").sum(), areas=pl.len().cast(pl.Int64))
        .filter(pl.col("bias").is_finite())
        .sort("told_of", "area_level", "month", "told_by")
    )
