"""People and dwellings of areas, from tables that may divide them by age, sex or type."""

import polars as pl

from ons_assets.lakehouse.sums import exact_sum

ALL = "all"


def people_of_areas(population: pl.DataFrame) -> pl.DataFrame:
    """Return area, population and students (null where unknown), from rows of `reference/population`.

    Where an area has a row for all ages and sexes, that row counts; else its groups are added up.
    """
    whole = pl.col("age").eq(ALL) & pl.col("sex").eq(ALL)
    counted = population.filter(whole | ~whole.any().over("area"))
    return (
        counted.group_by("area")
        .agg(exact_sum("population"), students=pl.when(pl.col("students").count() > 0).then(exact_sum("students")))
        .sort("area")
    )


def dwellings_of_areas(dwellings: pl.DataFrame) -> pl.DataFrame:
    """Return area and dwellings, from rows of `reference/dwellings`; areas without any have no row.

    A count of all goes before a sum of types, whatever these add up to; one of none is no count.
    """
    whole = pl.col("dwelling_type").eq(ALL) & (pl.col("dwellings") > 0)
    counted = dwellings.filter(whole | ~whole.any().over("area"))
    return counted.group_by("area").agg(exact_sum("dwellings")).filter(pl.col("dwellings") > 0).sort("area")
