"""One estimate of the residents and the vacant dwellings of an area and month, of what all sources say together."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.catalogue.governance_areas import COMBINED_ESTIMATES
from ons_assets.geography.area_totals import people_of_areas
from ons_assets.governance.areas import told
from ons_assets.governance.areas.area_model import AreaModel, fit
from ons_assets.governance.areas.source_estimates import (
    METERS,
    RESIDENTS,
    SOURCES,
    VACANT,
    dwellings_with_larger,
    source_estimates,
)
from ons_assets.governance.areas.told import Told
from ons_assets.parameters.area_profile import AreaProfileParameters, CombinedEstimateParameters

SYNTHETIC, COMBINED = "synthetic", "combined"
UNKNOWN_LEVEL = "unknown"

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Scale:
    """On which scale a quantity is modelled, and what its level is taken from.

    Parameters
    ----------
    size
        Column of the register: the residents, or the dwellings.
    is_ratio
        Whether sources are held against the register itself, by logarithms of ratios; else by shares of it.
    anchor
        Source by whose level that of all is known, and whose error is taken as it states it; None if the level is that
        of the register.
    """

    size: str
    is_ratio: bool
    anchor: str | None


# No register tells of vacant dwellings: the level is that of meters, the only source that sees them.
SCALES: Mapping[str, _Scale] = {
    RESIDENTS: _Scale("population", is_ratio=True, anchor=None),
    VACANT: _Scale("dwellings", is_ratio=False, anchor=METERS),
}


def combined_estimates(
    tables: Told,
    profile: AreaProfileParameters | None = None,
    parameters: CombinedEstimateParameters | None = None,
) -> pl.DataFrame:
    """Put together what sources say, month by month, areas of one level at a time.

    Residents are the register's times an effect of the area, and vacant dwellings the dwellings times a share that
    varies among areas. Each source has an offset, the same in all areas, which is estimated: against the register for
    residents, and against meters for vacant dwellings. The more a source is contradicted beyond what it states itself,
    the less it weighs (`ons_assets.governance.areas.area_model`).

    Parameters
    ----------
    tables
        As they were published.
    profile, parameters
        None for the defaults.

    Returns
    -------
    polars.DataFrame
        Rows of `governance/combined_estimates`. A quantity that too few areas are told of has no rows.
    """
    profile, parameters = profile or AreaProfileParameters(), parameters or CombinedEstimateParameters()
    found = source_estimates(tables, profile, parameters)
    register = people_of_areas(tables.population).select("area", "population")
    register = register.join(dwellings_with_larger(tables), on="area", how="full", coalesce=True)
    placed = (
        found.join(told.levels_of(tables.areas), on="area", how="left")
        .with_columns(pl.col("area_level").fill_null(UNKNOWN_LEVEL))
        .join(register, on="area")
    )
    made = [COMBINED_ESTIMATES.empty()]
    groups = placed.partition_by("quantity", "area_level", "month", as_dict=True, maintain_order=True)
    for (quantity, level, month), rows in groups.items():
        scale = SCALES[str(quantity)]
        of_group = _of_group(rows.filter(pl.col(scale.size) > 0), scale, parameters)
        made += [
            part.with_columns(quantity=pl.lit(quantity), area_level=pl.lit(level), month=pl.lit(month)).select(
                COMBINED_ESTIMATES.column_names
            )
            for part in of_group
        ]
    return pl.concat(made).sort(COMBINED_ESTIMATES.key)


def _of_group(rows: pl.DataFrame, scale: _Scale, parameters: CombinedEstimateParameters) -> list[pl.DataFrame]:
    areas = rows.select("area", pl.col(scale.size).alias("size")).unique().sort("area")
    size = areas["size"].to_numpy()
    figure, error = (_wide(rows, areas, name) for name in ("figure", "error"))
    joined = sources_joined(np.isfinite(figure), scale.anchor, parameters.fewest_areas)
    if not joined:
        return []
    keep = np.isfinite(figure[:, joined]).any(axis=1)
    areas, size, figure, error = (
        areas.filter(pl.Series(keep)),
        size[keep],
        figure[keep][:, joined],
        error[keep][:, joined],
    )
    said, variance = _scaled(figure, error, size, scale)
    number = len(joined)
    design = np.broadcast_to(np.eye(number), (len(size), number, number))
    target = np.zeros((len(size), number))
    if scale.anchor is not None:
        target[:, joined.index(SOURCES.index(scale.anchor))] = 1
    names = [SOURCES[each] for each in joined]
    model = fit(said, variance, design, target, [number > 1 and name != scale.anchor for name in names])
    return _told(areas["area"], size, (figure, error), names, model, scale, parameters.level)


def sources_joined(is_told: npt.NDArray[np.bool_], anchor: str | None, fewest: int) -> list[int]:
    """Return the sources that are put together, by their numbers, in order.

    Parameters
    ----------
    is_told : array, shape (areas, sources)
        Whether a source speaks of an area.
    anchor
        Source without which nothing is made; it comes first. Else the one that speaks of most areas does.
    fewest
        Areas of which the first must speak, and of which another must speak together with those before it: without
        them nobody could tell how far it is off.
    """
    first = SOURCES.index(anchor) if anchor is not None else int(is_told.sum(axis=0).argmax())
    if is_told[:, first].sum() < fewest:
        return []
    joined = [first]
    rest = [each for each in range(is_told.shape[1]) if each != first]
    while True:
        known = is_told[:, joined].any(axis=1)
        shared = {each: int((known & is_told[:, each]).sum()) for each in rest}
        best = max(rest, key=lambda each: shared[each], default=None)
        if best is None or shared[best] < fewest:
            return sorted(joined)
        joined.append(best)
        rest.remove(best)


def _wide(rows: pl.DataFrame, areas: pl.DataFrame, value: str) -> FloatArray:
    """A column for each source, in the order of the areas; NaN where it says nothing."""
    columns = [
        areas.join(rows.filter(told_by=name).select("area", value), on="area", how="left", maintain_order="left")[value]
        for name in SOURCES
    ]
    return np.column_stack([column.cast(pl.Float64).fill_null(float("nan")).to_numpy() for column in columns])


def _scaled(figure: FloatArray, error: FloatArray, size: FloatArray, scale: _Scale) -> tuple[FloatArray, FloatArray]:
    share, of_share = figure / size[:, None], error / size[:, None]
    return (np.log(share), (of_share / share) ** 2) if scale.is_ratio else (share, of_share**2)


def _told(
    areas: pl.Series,
    size: FloatArray,
    said: tuple[FloatArray, FloatArray],
    names: list[str],
    model: AreaModel,
    scale: _Scale,
    level: float,
) -> list[pl.DataFrame]:
    quantile = NormalDist().inv_cdf(0.5 + level / 2)
    half = quantile * np.sqrt(model.mean_squared_error)
    offset = model.fixed
    if scale.is_ratio:
        ends = [size * np.exp(model.estimate + sign * half) for sign in (0, -1, 1)]
        bias, typical = np.outer(ends[0], np.exp(offset) - 1), size
    else:
        known = float(offset[names.index(str(scale.anchor))])
        ends = [size * np.clip(model.estimate + sign * half, 0, 1) for sign in (0, -1, 1)]
        bias, typical = np.outer(size, offset - known), size * known
        bias[:, names.index(str(scale.anchor))] = np.nan
    figure, error = said
    nothing = np.full(len(size), np.nan)
    parts = [
        (name, figure[:, n], figure[:, n] - quantile * error[:, n], figure[:, n] + quantile * error[:, n], bias[:, n],
         model.weight[:, n])
        for n, name in enumerate(names)
    ]  # fmt: skip
    parts.append((SYNTHETIC, typical, nothing, nothing, nothing, 1 - model.weight.sum(axis=1)))
    parts.append((COMBINED, ends[0], ends[1], ends[2], nothing, nothing))
    columns = ("figure", "figure_low", "figure_high", "source_bias", "source_weight")
    return [
        pl.DataFrame({"area": areas, **dict(zip(columns, values, strict=True))})
        .with_columns(pl.col(columns).fill_nan(None), told_by=pl.lit(name))
        .drop_nulls("figure")
        for name, *values in parts
    ]
