"""Time dummy hedonic: a regression of log prices on features of the products and on the periods."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from ons_assets.prices.indices.geks import WindowLevels
from ons_assets.prices.indices.panel import FloatArray, IntArray, Panel
from ons_assets.prices.indices.tpd import expenditure_shares

_LOGARITHM = re.compile(r"^log\((?P<column>.+)\)$")
# Directions whose share in the spread of the features, or of the periods, is below this carry only rounding.
_RANK_TOLERANCE = 1e-10
_NULL_TOLERANCE = 1e-9


def column_of(feature: str) -> str:
    """Return the column that a feature is made of: ``pack_g`` for ``"log(pack_g)"``.

    Examples
    --------
    >>> column_of("log(pack_g)"), column_of("brand")
    ('pack_g', 'brand')
    """
    logarithm = _LOGARITHM.match(feature)
    return logarithm["column"] if logarithm else feature


def choose_features(panel: Panel, features: Sequence[str]) -> Panel:
    """Return the panel described by the chosen features alone.

    Parameters
    ----------
    panel
        Quotes, laid out by product and period, with the columns that describe the products.
    features
        Columns; ``"log(column)"`` is the natural logarithm of a column of numbers, missing where they are
        not positive.

    Raises
    ------
    ValueError
        If a column is missing, or a logarithm is asked of one that holds no numbers.
    """
    known = panel.features if panel.features is not None else pl.DataFrame()
    missing = sorted({column_of(feature) for feature in features} - set(known.columns))
    if missing:
        raise ValueError(f"no column {', '.join(missing)} describes the products, only {', '.join(known.columns)}")
    chosen = []
    for feature in dict.fromkeys(features):
        column = known[column_of(feature)]
        if _LOGARITHM.match(feature):
            if not column.dtype.is_numeric():
                raise ValueError(f"{feature} needs numbers, and {column.name} holds {column.dtype.base_type()}")
            number = pl.col(column.name).cast(pl.Float64)
            logarithm = pl.when(number > 0).then(number.log())
            column = known.select(logarithm.alias(feature)).to_series()
        chosen.append(column)
    return replace(panel, features=pl.DataFrame(chosen))


def tdh_windows(panel: Panel, *, weighted: bool) -> WindowLevels:
    """Return the function that gives the time dummy hedonic levels of any window of periods.

    The log price of a product in a period is explained by its features and one effect of the period, by
    least squares; the effects of the periods are the levels. Numbers enter as they are (`choose_features`
    makes logarithms), everything else by one indicator a value, a missing value being one of its own. A
    product of which a number is missing is left out.

    Products need not be matched: one that is new counts by its features. Differences of quality that the
    features do not tell count as changes of price, and the residuals of products that come and go enter
    the index. With one feature that is different for every product it is the time product dummy.

    Parameters
    ----------
    panel
        Prices and, if weighted, quantities; the description of the products in `features`.
    weighted
        Whether each price counts by its share in the turnover of its period, or all prices alike.

    Raises
    ------
    ValueError
        If no column describes the products.

    References
    ----------
    de Haan and Krsinich (2014), Scanner data and the treatment of quality change in nonrevisable price
    indexes, Journal of Business & Economic Statistics 32; Triplett (2006), Handbook on hedonic indexes and
    quality adjustments in price indexes, OECD, chapter III; Consumer Price Index Manual (2020), chapters 6
    and 10.
    """
    attributes, described = attribute_matrix(panel)
    kept = described[panel.product]
    weight = np.where(kept, 1.0, 0.0)
    if weighted:
        weight = expenditure_shares(panel) * weight
        total = np.bincount(panel.period, weight, panel.n_periods)[panel.period]
        weight = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
    shape = (panel.n_periods, len(panel.products))
    centred = panel.log_price - (panel.log_price.mean() if len(panel.log_price) else 0.0)
    cells = (panel.period, panel.product)
    weights = sparse.csr_array((weight, cells), shape=shape)
    values = sparse.csr_array((weight * centred, cells), shape=shape)

    def levels(start: int, stop: int) -> FloatArray:
        return _period_effects(weights[start:stop], values[start:stop], attributes)

    return levels


def attribute_matrix(panel: Panel) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Return the features of the products as numbers, a constant among them, and which products have them all.

    Numbers are centred and brought to the same spread, which changes no fit and keeps its digits.

    Raises
    ------
    ValueError
        If no column describes the products.
    """
    if panel.features is None or panel.features.width == 0:
        raise ValueError("a hedonic method needs at least one column that describes the products")
    columns = [np.ones((len(panel.products), 1))]
    described = np.ones(len(panel.products), dtype=bool)
    for feature in panel.features:
        if feature.dtype.is_numeric():
            number = feature.cast(pl.Float64).fill_null(np.nan).to_numpy()
            known = np.isfinite(number)
            described &= known
            columns.append(_standardised(number, known)[:, None])
        else:
            indicators = feature.cast(pl.String).alias("value").to_dummies().select(pl.all().cast(pl.Float64))
            columns.append(indicators.to_numpy().reshape(len(feature), -1))
    return np.hstack(columns), described


def described_products(panel: Panel, _window: int) -> IntArray:
    """Count, for each period, the products with a price whose features are all known."""
    _, described = attribute_matrix(panel)
    return np.bincount(panel.period[described[panel.product]], minlength=panel.n_periods)


def _standardised(number: FloatArray, known: npt.NDArray[np.bool_]) -> FloatArray:
    if not known.any():
        return np.zeros(len(number))
    spread = number[known].std()
    centred = np.where(known, number - number[known].mean(), 0.0)
    return centred / spread if spread > 0 else np.zeros(len(number))


def _period_effects(weights: sparse.csr_array, values: sparse.csr_array, attributes: FloatArray) -> FloatArray:
    """Solve the regression, the coefficients of the features being eliminated first.

    Parameters
    ----------
    weights, values : (T, products)
        Weight of each price, and weight times log price.
    attributes : (products, k)
        Features of the products; they need not be independent.
    """
    of_period = np.asarray(weights.sum(axis=1)).ravel()
    result = np.full(len(of_period), np.nan)
    present = np.flatnonzero(of_period > 0)
    if len(present) == 0:
        return result
    of_product = np.asarray(weights.sum(axis=0)).ravel()
    spread, direction = np.linalg.eigh(attributes.T @ (of_product[:, None] * attributes))
    independent = spread > _RANK_TOLERANCE * spread.max()
    basis = attributes @ (direction[:, independent] / np.sqrt(spread[independent]))
    shared = (weights @ basis)[present]
    right = np.asarray(values.sum(axis=1)).ravel()[present]
    right = right - shared @ (basis.T @ np.asarray(values.sum(axis=0)).ravel())
    # Each period in units of the root of its weight: the equations then have eigenvalues from 0 to 1.
    root = np.sqrt(of_period[present])
    equations = np.eye(len(present)) - (shared / root[:, None]) @ (shared / root[:, None]).T
    eigenvalue, vector = np.linalg.eigh(equations)
    free = eigenvalue > _NULL_TOLERANCE
    solution = vector[:, free] @ ((vector[:, free].T @ (right / root)) / eigenvalue[free]) / root
    compared = _comparable(vector[:, ~free] / root[:, None])
    result[present[compared]] = solution[compared] - solution[compared[0]]
    return result


def _comparable(undetermined: FloatArray) -> IntArray:
    """Return the largest set of periods whose differences the equations determine.

    Two periods are comparable if every direction that the equations leave open moves both alike.

    Parameters
    ----------
    undetermined : (T, d)
        Directions that the equations leave open.
    """
    tolerance = 1e-6 * np.abs(undetermined).max()
    alike = np.ones((len(undetermined), len(undetermined)), dtype=bool)
    for direction in undetermined.T:
        alike &= np.abs(direction[:, None] - direction) <= tolerance
    return np.flatnonzero(alike[alike.sum(axis=1).argmax()])
