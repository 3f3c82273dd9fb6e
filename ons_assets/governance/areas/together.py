"""One estimate of the residents of an area and month of what all sources say; and what they say of vacant dwellings."""

from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.catalogue.governance_areas import COMBINED_ESTIMATES
from ons_assets.geography.area_totals import people_of_areas
from ons_assets.governance.areas import told
from ons_assets.governance.areas.area_model import fit
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
FIGURES = ("told_figure", "told_low", "told_high", "source_bias", "source_weight")
# The register's size of an area, by which what is said of it is divided.
SIZES = {RESIDENTS: "population", VACANT: "dwellings"}

FloatArray = npt.NDArray[np.float64]


def combined_estimates(
    tables: Told,
    profile: AreaProfileParameters | None = None,
    parameters: CombinedEstimateParameters | None = None,
) -> pl.DataFrame:
    """Put together what sources say, month by month, areas of one level at a time.

    Residents are those of the register times an effect of the area. Each source has an offset, the same in all areas,
    which is estimated against the register. The more a source is contradicted by the others beyond the error that it
    states itself, the less it weighs (`ons_assets.governance.areas.area_model`).

    Of vacant dwellings what each source says is put side by side, with its offset against meters, the only source that
    sees them. They are not put together: no way of doing so came nearer to the truth than meters alone do
    (docs/methods/area_profile.md).

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
    groups = placed.partition_by("told_of", "area_level", "month", as_dict=True, maintain_order=True)
    for (quantity, level, month), rows in groups.items():
        size = SIZES[str(quantity)]
        sized = rows.with_columns(size=size).filter(pl.col("size") > 0)
        of_group = (_residents if quantity == RESIDENTS else _vacant)(sized, parameters)
        made += [
            part.with_columns(told_of=pl.lit(quantity), area_level=pl.lit(level), month=pl.lit(month)).select(
                COMBINED_ESTIMATES.column_names
            )
            for part in of_group
        ]
    return pl.concat(made).sort(COMBINED_ESTIMATES.key)


def _residents(rows: pl.DataFrame, parameters: CombinedEstimateParameters) -> list[pl.DataFrame]:
    """What sources say of residents, and all of it together, by logarithms of ratios to the register."""
    areas, size, figure, error = _wide(rows)
    joined = sources_joined(np.isfinite(figure), parameters.fewest_areas)
    if not joined:
        return []
    keep = np.isfinite(figure[:, joined]).any(axis=1)
    areas, size = areas.filter(pl.Series(keep)), size[keep]
    figure, error = figure[keep][:, joined], error[keep][:, joined]
    number = len(joined)
    design = np.broadcast_to(np.eye(number), (len(size), number, number))
    said, variance = np.log(figure / size[:, None]), (error / figure) ** 2
    model = fit(said, variance, design, np.zeros((len(size), number)), [True] * number)
    quantile = NormalDist().inv_cdf(0.5 + parameters.level / 2)
    half = quantile * np.sqrt(model.mean_squared_error)
    middle, low, high = (size * np.exp(model.estimate + sign * half) for sign in (0, -1, 1))
    bias = np.outer(middle, np.exp(model.fixed) - 1)
    nothing = np.full(len(size), np.nan)
    own = _own(areas, [SOURCES[each] for each in joined], figure, quantile * error, bias, model.weight)
    left = 1 - model.weight.sum(axis=1)
    return [
        *own,
        _part(areas, SYNTHETIC, size, nothing, nothing, nothing, left),
        _part(areas, COMBINED, middle, low, high, nothing, nothing),
    ]


def _vacant(rows: pl.DataFrame, parameters: CombinedEstimateParameters) -> list[pl.DataFrame]:
    """What sources say of vacant dwellings; each that speaks with meters of enough areas, with its offset to them."""
    areas, size, figure, error = _wide(rows)
    share, anchor = figure / size[:, None], SOURCES.index(METERS)
    apart = share - share[:, [anchor]]
    joined = [n for n in range(len(SOURCES)) if np.isfinite(apart[:, n]).sum() >= parameters.fewest_areas]
    if not joined:
        return []
    bias = np.stack([size * np.nanmedian(apart[:, n]) for n in joined], axis=1)
    bias[:, joined.index(anchor)] = np.nan
    quantile = NormalDist().inv_cdf(0.5 + parameters.level / 2)
    nothing = np.full((len(size), len(joined)), np.nan)
    names = [SOURCES[each] for each in joined]
    return _own(areas, names, figure[:, joined], quantile * error[:, joined], bias, nothing)


def _own(
    areas: pl.DataFrame, names: list[str], figure: FloatArray, half: FloatArray, bias: FloatArray, weight: FloatArray
) -> list[pl.DataFrame]:
    return [
        _part(areas, name, figure[:, n], figure[:, n] - half[:, n], figure[:, n] + half[:, n], bias[:, n], weight[:, n])
        for n, name in enumerate(names)
    ]


def _part(areas: pl.DataFrame, name: str, *figures: FloatArray) -> pl.DataFrame:
    return (
        pl.DataFrame({"area": areas["area"], **dict(zip(FIGURES, figures, strict=True))})
        .with_columns(pl.col(FIGURES).fill_nan(None), told_by=pl.lit(name))
        .drop_nulls("told_figure")
    )


def _wide(rows: pl.DataFrame) -> tuple[pl.DataFrame, FloatArray, FloatArray, FloatArray]:
    """Areas, their size, and figures and errors with a column for each source; NaN where it says nothing."""
    areas = rows.select("area", "size").unique().sort("area")

    def by_source(value: str) -> FloatArray:
        columns = [
            areas.join(rows.filter(told_by=name), on="area", how="left", maintain_order="left")[value]
            for name in SOURCES
        ]
        return np.column_stack([column.fill_null(float("nan")).to_numpy() for column in columns])

    return areas, areas["size"].to_numpy(), by_source("figure"), by_source("error")


def sources_joined(is_told: npt.NDArray[np.bool_], fewest: int) -> list[int]:
    """Return the sources that are put together, by their numbers, in order; none if there are no two.

    Of one source alone nobody could tell whether it is off in an area, or the register is.

    Parameters
    ----------
    is_told : array, shape (areas, sources)
        Whether a source speaks of an area.
    fewest
        Areas of which a source must speak together with those that are joined before it, the first of which is the one
        that speaks of most: without them nobody could tell how far it is off.
    """
    first = int(is_told.sum(axis=0).argmax())
    joined = [first]
    rest = [each for each in range(is_told.shape[1]) if each != first]
    while True:
        known = is_told[:, joined].any(axis=1)
        shared = {each: int((known & is_told[:, each]).sum()) for each in rest}
        best = max(rest, key=lambda each: shared[each], default=None)
        if best is None or shared[best] < fewest:
            return sorted(joined) if len(joined) > 1 else []
        joined.append(best)
        rest.remove(best)
