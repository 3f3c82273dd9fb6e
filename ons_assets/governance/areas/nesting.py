"""From small areas to the larger ones that they are parts of: means over those parts that are told."""

import polars as pl

from ons_assets.lakehouse.sums import exact_mean, exact_sum


def of_larger_areas(means: pl.DataFrame, weights: pl.DataFrame, parts: pl.DataFrame, least_told: float) -> pl.DataFrame:
    """Return the means of larger areas, of those of their parts, weighted by the dwellings of these.

    Parts that are not told are taken to be as those that are: as far apart from each other as all parts of all areas
    are, which the error says. Errors of parts are taken not to go together.

    Parameters
    ----------
    means
        area, figure, error, and month if they are of months: of the parts.
    weights
        area, dwellings: of all parts. A part that is not counted stands for nothing.
    parts
        Rows of `reference/area_parts`; an area that is its own part has none.
    least_told
        Share of the dwellings of a larger area that the parts told must hold.

    Returns
    -------
    polars.DataFrame
        Columns of `means`; larger areas of which enough is told.
    """
    inside = parts.filter(pl.col("part") != pl.col("area")).select(area="part", larger="area").unique("area").join(
        weights, on="area"
    )  # fmt: skip
    of_all = inside.group_by("larger").agg(all_dwellings=exact_sum("dwellings"))
    by = ["larger", *(["month"] if "month" in means.columns else [])]
    told = means.join(inside, on="area").sort(*by, "area")
    between = told.select(spread=_variance("figure")).item()
    dwellings = pl.col("dwellings")
    sums = (
        told.group_by(by, maintain_order=True)
        .agg(
            told=exact_sum("dwellings"),
            number=pl.len(),
            figure=exact_sum(dwellings * pl.col("figure")) / exact_sum("dwellings"),
            chance=exact_sum((dwellings * pl.col("error")) ** 2) / exact_sum("dwellings") ** 2,
        )
        .join(of_all, on="larger")
        .with_columns(untold=(1 - pl.col("told") / pl.col("all_dwellings")).clip(0, 1))
    )
    whole = pl.col("chance") + pl.col("untold") * (between or 0.0) / pl.col("number")
    return (
        sums.filter(1 - pl.col("untold") >= least_told)
        .with_columns(error=whole.sqrt())
        .rename({"larger": "area"})
        .select(means.columns)
    )


def _variance(column: str) -> pl.Expr:
    return exact_mean((pl.col(column) - exact_mean(column)) ** 2)
