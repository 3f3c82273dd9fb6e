"""Sizes of worlds that are asked for by name."""

from collections.abc import Mapping
from typing import TypeVar

from ons_assets.wording import no_such

Scale = TypeVar("Scale")


def chosen(scale: str | Scale, scales: Mapping[str, Scale]) -> Scale:
    """Return the scale of that name, or the scale itself.

    Parameters
    ----------
    scale
        A name, or a scale of one's own.
    scales
        By their names.

    Raises
    ------
    ValueError
        If no scale has that name.
    """
    if not isinstance(scale, str):
        return scale
    if scale not in scales:
        raise ValueError(no_such("scale", scale, scales))
    return scales[scale]
