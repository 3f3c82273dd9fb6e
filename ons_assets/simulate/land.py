"""Shapes of land that several worlds are laid out on."""

import numpy as np
import numpy.typing as npt


def disc(random: np.random.Generator, n: int, radius_m: float) -> npt.NDArray[np.float64]:
    """Return points spread evenly over a disc around the origin; shape (n, 2), metres.

    Parameters
    ----------
    random
        Stream that the points are drawn from.
    n
        Number of points.
    radius_m
        Radius of the disc in metres.
    """
    angle, reach = random.uniform(0, 2 * np.pi, n), radius_m * np.sqrt(random.random(n))
    return np.column_stack([reach * np.cos(angle), reach * np.sin(angle)])


def spiral(n: int, radius_m: float) -> npt.NDArray[np.float64]:
    """Return points spread evenly over a disc, by the golden angle, from the middle outwards; shape (n, 2), metres."""
    number = np.arange(n) + 0.5
    angle, reach = number * np.pi * (3 - np.sqrt(5)), radius_m * np.sqrt(number / max(n, 1))
    return np.column_stack([reach * np.cos(angle), reach * np.sin(angle)])
