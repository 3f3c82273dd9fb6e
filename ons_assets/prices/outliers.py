"""Price relatives that are out of line with those of the other products of the item, by named methods.

Every method looks at the logarithm of the relative r = price / reference price of many products, so that
a doubling and a halving are equally far out, and none flags a relative within [1/`least`, `least`]: on most
days most prices stand still, the spread of the relatives is zero, and any change would be "far out".
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ons_assets.parameters.prices import OutlierRule

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# Scales the median absolute deviation to the standard deviation of a normal distribution.
MAD_TO_SIGMA = 1.482602218505602
# Share of relatives cut off at either end before Tukey's algorithm takes means.
TUKEY_TRIM = 0.05


def outlier_methods() -> list[str]:
    """Return the names of the methods."""
    return sorted(_METHODS)


def outliers(price: Floats, reference: Floats, rule: OutlierRule | None = None) -> Flags:
    """Flag the relatives of one item and period that are out of line.

    Parameters
    ----------
    price, reference
        Price of each product, and the price that it is compared with; both (n,), in one currency.
    rule
        Method and bounds.

    Returns
    -------
    Boolean array (n,); never true where a price is not positive or not known.

    Raises
    ------
    ValueError
        If the arrays differ in length.

    References
    ----------
    Statistics Canada, "The Canadian Consumer Price Index Reference Paper"; S. Rais, "Outlier detection for the
    Consumer Price Index", SSC Annual Meeting 2008 (fences, quartile, robust z, Tukey); M. Hidiroglou and
    J.-M. Berthelot, "Statistical editing and imputation for periodic business surveys", Survey Methodology
    12 (1986) 73-83; ILO and others, Consumer Price Index Manual (2020), chapter 5.
    """
    rule = rule or OutlierRule()
    price, reference = np.asarray(price, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if price.shape != reference.shape:
        raise ValueError(f"{price.size} prices cannot be compared with {reference.size} reference prices")
    flags = np.zeros(price.shape, dtype=bool)
    with np.errstate(invalid="ignore", divide="ignore"):
        known = (price > 0) & (reference > 0) & np.isfinite(price) & np.isfinite(reference)
    if not known.any():
        return flags
    log_relative = np.log(price[known]) - np.log(reference[known])
    size = np.maximum(price[known], reference[known])
    method = _METHODS[rule.method]
    found = method.find(log_relative, size, method.reach if rule.reach is None else rule.reach)
    # The slack lets a price that was exactly `least` times the other count as within.
    flags[known] = found & (np.abs(log_relative) > np.log(rule.least) + 1e-9)
    return flags


def _none(x: Floats, _size: Floats, _reach: float) -> Flags:
    return np.zeros(x.shape, dtype=bool)


def _relative_fences(x: Floats, _size: Floats, reach: float) -> Flags:
    outside: Flags = np.abs(x) > np.log(reach)
    return outside


def _quartile(x: Floats, _size: Floats, reach: float) -> Flags:
    low, middle, high = np.quantile(x, [0.25, 0.5, 0.75])
    outside: Flags = (x > middle + reach * (high - middle)) | (x < middle - reach * (middle - low))
    return outside


def _resistant_fences(x: Floats, _size: Floats, reach: float) -> Flags:
    low, high = np.quantile(x, [0.25, 0.75])
    outside: Flags = (x > high + reach * (high - low)) | (x < low - reach * (high - low))
    return outside


def _robust_z(x: Floats, _size: Floats, reach: float) -> Flags:
    distance = np.abs(x - np.median(x))
    outside: Flags = distance > reach * MAD_TO_SIGMA * np.median(distance)
    return outside


def _tukey(x: Floats, _size: Floats, reach: float) -> Flags:
    moved = x[x != 0]  # prices that stand still say nothing of how far prices move
    low, high = np.quantile(moved, [TUKEY_TRIM, 1 - TUKEY_TRIM]) if moved.size else (0.0, 0.0)
    kept = moved[(moved >= low) & (moved <= high)]
    if not kept.size:
        return np.zeros(x.shape, dtype=bool)
    # The mean of equal numbers may be rounded off them: nothing would lie on one of its sides, or a spread be negative.
    middle = np.clip(kept.mean(), kept.min(), kept.max())
    above = max(kept[kept >= middle].mean() - middle, 0.0)
    below = max(middle - kept[kept <= middle].mean(), 0.0)
    outside: Flags = (x > middle + reach * above) | (x < middle - reach * below)
    return outside


def _hidiroglou_berthelot(x: Floats, size: Floats, reach: float) -> Flags:
    """Effects: the centred relative weighted by the price to the power U, so that dear products count for more."""
    weight_power, least_spread = 0.4, 0.05
    # exp(|x|) - 1 with the sign of x is the paper's centring of r at the median: 1 - m/r below, r/m - 1 above.
    centred = x - np.median(x)
    effect = np.sign(centred) * np.expm1(np.abs(centred)) * size**weight_power
    low, middle, high = np.quantile(effect, [0.25, 0.5, 0.75])
    floor = np.abs(least_spread * middle)
    outside: Flags = (effect > middle + reach * max(high - middle, floor)) | (
        effect < middle - reach * max(middle - low, floor)
    )
    return outside


@dataclass(frozen=True)
class _Method:
    find: Callable[[Floats, Floats, float], Flags]
    reach: float


_METHODS = {
    "none": _Method(_none, 1.0),
    "relative-fences": _Method(_relative_fences, 3.0),
    "quartile": _Method(_quartile, 6.0),
    "resistant-fences": _Method(_resistant_fences, 3.0),
    "robust-z": _Method(_robust_z, 5.0),
    "tukey": _Method(_tukey, 4.0),
    "hidiroglou-berthelot": _Method(_hidiroglou_berthelot, 8.0),
}
