"""What knowing when to call, or which addresses are empty, is worth to a follow-up of addresses that did not answer.

Calls are reckoned by their expectation, not drawn: the same homes and hours give the same figures.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Chances = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Calls:
    """What a follow-up does at each address, in expectation.

    Parameters
    ----------
    made
        Calls, (addresses,).
    contacted
        Probability that one of them meets somebody, (addresses,).
    """

    made: npt.NDArray[np.float64]
    contacted: npt.NDArray[np.float64]

    def per_contact(self, weight: Chances | None = None) -> float:
        """Return the calls made for each address that is met; `weight` says how often each address is followed up."""
        return float(np.average(self.made, weights=weight) / np.average(self.contacted, weights=weight))


@dataclass(frozen=True)
class LeftOut:
    """What comes of not calling at addresses that are taken for empty, for each address followed up.

    Parameters
    ----------
    empty
        Empty addresses at which nobody calls.
    lived_in
        Addresses with people at which nobody calls: they are missing from the count.
    calls_saved
        Calls not made at either.
    """

    empty: float
    lived_in: float
    calls_saved: float

    @property
    def calls_for_each_lost(self) -> float:
        """Calls saved for each address with people that is left out; infinite if there is none."""
        return self.calls_saved / self.lived_in if self.lived_in > 0 else np.inf


def calling_hours(table: pl.DataFrame, hours_a_day: int) -> pl.DataFrame:
    """Return the hours that an interviewer works in each area: the best of each type of day.

    Parameters
    ----------
    table
        Rows of `meters/fieldwork`: `area_code`, `day_type`, `hour`, `estimate`; those that are withheld have none.
    hours_a_day
        Hours that are worked on a day.

    Returns
    -------
    DataFrame
        `area_code`, `day_type`, `hour`, sorted; areas that are withheld have no rows.
    """
    told = table.drop_nulls("estimate").sort(
        "area_code", "day_type", "estimate", "hour", descending=[False, False, True, False]
    )
    best = told.group_by("area_code", "day_type", maintain_order=True).head(hours_a_day)
    return best.select("area_code", "day_type", "hour").sort("area_code", "day_type", "hour")


def expected_calls(met: Chances, *, first_days: int, gap_days: int, most_calls: int) -> Calls:
    """Return the calls until somebody is met.

    The first call falls on any of the first days, all alike; each further one `gap_days` after the one before, until
    somebody is met or `most_calls` were made.

    Parameters
    ----------
    met
        Chance that a call on the day meets somebody who opens, (addresses, days).
    first_days, gap_days, most_calls
        As above.

    Raises
    ------
    ValueError
        If the last call would fall after the last day.
    """
    if first_days - 1 + gap_days * (most_calls - 1) >= met.shape[1]:
        raise ValueError("the last call falls after the last day")
    made = np.zeros(len(met))
    contacted = np.zeros(len(met))
    for first in range(first_days):
        not_yet = np.ones(len(met))
        for day in range(first, first + gap_days * most_calls, gap_days):
            made += not_yet
            not_yet = not_yet * (1 - met[:, day])
        contacted += 1 - not_yet
    return Calls(made / first_days, contacted / first_days)


def empty_among_followed(empty_share: float, response: float) -> float:
    """Return the share of empty ones among addresses that did not answer.

    Parameters
    ----------
    empty_share
        Share of all addresses at which nobody lives: none of them answers.
    response
        Share of the others that answer by themselves.
    """
    silent = (1 - empty_share) * (1 - response)
    return empty_share / (empty_share + silent)


def left_out(
    empty: float, *, detected: float, mistaken: float, coverage: float, calls_at_empty: float, calls_at_lived_in: float
) -> LeftOut:
    """Return what comes of not calling at addresses that are taken for empty.

    Parameters
    ----------
    empty
        Share of empty ones among the addresses followed up.
    detected
        Probability that an empty address is taken for empty.
    mistaken
        Probability that one with people is.
    coverage
        Share of addresses whose meter is used.
    calls_at_empty, calls_at_lived_in
        Mean calls that an address takes.
    """
    spared = coverage * empty * detected
    lost = coverage * (1 - empty) * mistaken
    return LeftOut(spared, lost, spared * calls_at_empty + lost * calls_at_lived_in)
