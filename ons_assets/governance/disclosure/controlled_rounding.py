"""Controlled rounding: each number to a multiple beside it, so that all sums hold among the rounded ones."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from ons_assets.governance.disclosure.sums import Equation


class NoRounding(ValueError):
    """No multiples beside all numbers add up as they do."""


def controlled_rounding(
    values: npt.NDArray[np.float64], equations: Sequence[Equation], to: int
) -> npt.NDArray[np.float64]:
    """Return the numbers rounded, together as near to them as can be.

    Parameters
    ----------
    values
        (rows,), whole numbers.
    equations
        Which row is the sum of which others.
    to
        Multiples of this are returned: the one below or above a number, and the number itself if it is one.

    Returns
    -------
    Float64 array (rows,), the sum of whose distances to the numbers is the least.

    Raises
    ------
    NoRounding
        If there are none, as may be with three margins or more.

    References
    ----------
    Cox (1987), "A constructive procedure for unbiased controlled rounding", Journal of the American Statistical
    Association 82, pp. 520-524; Salazar (2006), "Controlled rounding and cell perturbation", Mathematical Programming
    105, pp. 251-274.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    if not equations:
        nearest: npt.NDArray[np.float64] = np.floor(values / to + 0.5) * to
        return nearest
    below = np.floor(values / to)
    rest = values / to - below
    # Of each number: whether it goes up. Its distance is the rest then, or one less the rest.
    cost = 1 - 2 * rest
    rows = np.concatenate([np.repeat(place, len(each.parts) + 1) for place, each in enumerate(equations)])
    columns = np.concatenate([np.append(each.parts, each.whole) for each in equations])
    signs = np.concatenate([np.append(np.ones(len(each.parts)), -1.0) for each in equations])
    matrix = csr_array((signs, (rows.astype(int), columns.astype(int))), shape=(len(equations), len(values)))
    kept = -(matrix @ below)
    found = milp(
        cost,
        constraints=LinearConstraint(matrix, kept, kept),
        integrality=np.ones(len(values)),
        bounds=Bounds(0, (rest > 0).astype(float)),
    )
    if not found.success:
        raise NoRounding("no multiples beside all numbers add up as they do")
    rounded: npt.NDArray[np.float64] = (below + np.round(found.x)) * to
    return rounded
