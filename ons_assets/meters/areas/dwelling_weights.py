"""Weights for who has a smart meter: the homes metered of each type of dwelling stand for all dwellings of it."""

from collections.abc import Mapping

import polars as pl

from ons_assets.lakehouse.sums import exact_sum

ALL = "all"
UNWEIGHTED, BY_NUMBER, BY_TYPE = "none", "dwellings", "types of dwelling"
# A home whose type is not known is of this one.
UNKNOWN = "unknown"
NONE_COUNTED = pl.DataFrame(schema={"area": pl.String(), "dwelling_type": pl.String(), "dwellings": pl.Float64()})


def dwelling_weights(homes: pl.DataFrame, dwellings: pl.DataFrame, fewest: int) -> pl.DataFrame:
    """Post-stratify the homes metered of each area to its dwellings by type.

    Parameters
    ----------
    homes
        One row a metered home: `meter`, `area_code`, `dwelling_type` (null where not known).
    dwellings
        Dwellings of areas: `area`, `dwelling_type` (or all), `dwellings`.
    fewest
        Metered homes that a stratum needs; types with fewer are joined, see `strata_of`.

    Returns
    -------
    DataFrame
        The rows of `homes` with `weight` (they add up to the dwellings of each stratum, and so of the area; 1 where
        no dwellings are counted), `dwellings` of the area (null where not counted) and `weighting`: types of dwelling,
        dwellings (all of an area alike) or none.

    References
    ----------
    Holt and Smith (1979), Post stratification, Journal of the Royal Statistical Society A 142; Särndal, Swensson and
    Wretman (1992), Model assisted survey sampling, chapter 7.
    """
    typed = homes.with_columns(pl.col("dwelling_type").fill_null(UNKNOWN))
    metered, counted = _numbers(typed, "area_code", None), _numbers(dwellings, "area", "dwellings")
    rows = []
    for area, here in metered.items():
        known = counted.get(area, {})
        by_type = {name: number for name, number in known.items() if name != ALL}
        # A count of all is of all, whatever its types add up to; one of none is no count.
        total = known.get(ALL) or sum(by_type.values())
        if total <= 0:
            continue
        strata = strata_of(here, by_type, fewest)
        for types in strata:
            share = 1.0 if len(strata) == 1 else sum(by_type.get(each, 0) for each in types) / sum(by_type.values())
            weight = total * share / sum(here.get(each, 0) for each in types)
            weighting = BY_NUMBER if len(strata) == 1 else BY_TYPE
            rows += [(area, each, weight, float(total), weighting) for each in types if each in here]
    names = ["area_code", "dwelling_type", "weight", "dwellings", "weighting"]
    types_ = [pl.String(), pl.String(), pl.Float64(), pl.Float64(), pl.String()]
    weights = pl.DataFrame(rows, schema=dict(zip(names, types_, strict=True)), orient="row")
    return typed.join(weights, on=["area_code", "dwelling_type"], how="left", maintain_order="left").with_columns(
        pl.col("weight").fill_null(1.0), pl.col("weighting").fill_null(UNWEIGHTED)
    )


def strata_of(metered: Mapping[str, float], counted: Mapping[str, float], fewest: int) -> list[list[str]]:
    """Return the types of dwelling of one area in strata.

    A type of which fewer homes are metered than `fewest`, or no dwellings are counted, is joined to the one of which
    the fewest are metered among the others; until there is no such stratum, or only one in all.

    Parameters
    ----------
    metered, counted
        Homes metered and dwellings counted, by type.
    fewest
        Metered homes that a stratum needs.
    """
    strata = [[name] for name in sorted({*metered, *counted})]

    def homes(stratum: list[str]) -> float:
        return sum(metered.get(name, 0) for name in stratum)

    def is_thin(stratum: list[str]) -> bool:
        return homes(stratum) < fewest or sum(counted.get(name, 0) for name in stratum) <= 0

    while len(strata) > 1 and any(map(is_thin, strata)):
        thin = min(filter(is_thin, strata), key=homes)
        strata.remove(thin)
        min(strata, key=homes).extend(thin)
    return strata


def _numbers(rows: pl.DataFrame, area: str, number: str | None) -> dict[str, dict[str, float]]:
    """Return by area and type of dwelling the number of rows, or a sum."""
    what = exact_sum(number) if number else pl.len()
    found: dict[str, dict[str, float]] = {}
    sums = rows.group_by(area, "dwelling_type").agg(what.alias("n")).sort(area, "dwelling_type")
    for place, name, value in sums.rows():
        found.setdefault(place, {})[name] = value
    return found
