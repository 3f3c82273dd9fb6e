"""A figure of the demonstration beside its truth, which only a simulated country has."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the screen with which the demonstration ends.

    Parameters
    ----------
    what
        What it is of, with its unit.
    found, true
        As they are shown.
    """

    what: str
    found: str
    true: str
