"""Extension of a multilateral index by new periods, without revision of what was published."""

from collections.abc import Callable

import numpy as np

from ons_assets.prices.indices.geks import WindowLevels
from ons_assets.prices.indices.panel import FloatArray

# A splice chooses the levels to link on. It takes the published levels of the periods before the new one,
# the levels of the previous window and those of the new window, the last two from the first period that
# they share on, and returns the log change from the last published period to the new one.
Splice = Callable[[FloatArray, FloatArray, FloatArray], float]


def rolling(n_periods: int, window: int, splice: str, window_levels: WindowLevels) -> FloatArray:
    """Extend an index by windows of fixed length.

    The first `window` periods take the levels of the first window; each later period is spliced on from
    the window that ends with it.

    Parameters
    ----------
    n_periods
        Number of periods T.
    window
        Length of the window, in periods, at least 2.
    splice
        A name of `SPLICES`.
    window_levels
        Levels of the index of any window.

    Returns
    -------
    levels : (T,)
        Log levels up to a constant; NaN where a period cannot be linked.

    References
    ----------
    Chessa (2021), Extension of multilateral index series over time: analysis and comparison of methods;
    Diewert and Fox (2022), Substitution bias in multilateral methods for CPI construction, for the mean
    splice; Krsinich (2016) for the window splice; Lamboray (2017) for links to published levels (HASP,
    WISP).
    """
    if window >= n_periods:
        return window_levels(0, n_periods)
    published = np.full(n_periods, np.nan)
    previous = window_levels(0, window)
    published[:window] = previous
    for start in range(1, n_periods - window + 1):
        new = window_levels(start, start + window)
        published[start + window - 1] = SPLICES[splice](published[start : start + window - 1], previous[1:], new)
        previous = new
    return published


def _link_on(position: Callable[[int], slice], *, on_published: bool) -> Splice:
    """Make the splice that links on given positions of the overlap, by the mean where there are several."""

    def splice(published: FloatArray, previous: FloatArray, new: FloatArray) -> float:
        chosen = position(len(published))
        if on_published:
            candidates = published[chosen] + new[-1] - new[:-1][chosen]
        else:
            # The change since the link period is the new window's; the change up to the last published
            # period is taken back by the window that published it.
            last = _last_finite(published, previous)
            if last is None:
                return np.nan
            candidates = published[last] - previous[last] + previous[chosen] + new[-1] - new[:-1][chosen]
        known = candidates[np.isfinite(candidates)]
        return float(known.mean()) if len(known) else np.nan

    return splice


def _last_finite(published: FloatArray, previous: FloatArray) -> int | None:
    """Return the last period that has both a published level and one in the previous window."""
    both = np.flatnonzero(np.isfinite(published) & np.isfinite(previous))
    return int(both[-1]) if len(both) else None


def _newest(overlap: int) -> slice:
    return slice(overlap - 1, overlap)


def _oldest(_overlap: int) -> slice:
    return slice(0, 1)


def _middle(overlap: int) -> slice:
    middle = overlap // 2
    return slice(middle, middle + 1)


def _all(overlap: int) -> slice:
    return slice(0, overlap)


SPLICES: dict[str, Splice] = {
    "movement": _link_on(_newest, on_published=True),
    "window": _link_on(_oldest, on_published=False),
    "half": _link_on(_middle, on_published=False),
    "mean": _link_on(_all, on_published=False),
    "window-published": _link_on(_oldest, on_published=True),
    "half-published": _link_on(_middle, on_published=True),
    "mean-published": _link_on(_all, on_published=True),
}


# Splices that look at nothing but the published levels and the new window.
ON_PUBLISHED = ("movement", "window-published", "half-published", "mean-published")


def non_revisable(n_periods: int, window: int, splice: str, window_levels: WindowLevels, first: int = 0) -> FloatArray:
    """Extend an index period by period, so that no later period changes an earlier level.

    A period is spliced onto the published levels from the window that ends with it. `rolling` takes its first window
    whole, and revises it until it is complete; here the first windows are shorter: they begin with the first period.
    The level of a period hence depends on the prices up to that period alone.

    Parameters
    ----------
    n_periods
        Number of periods T.
    window
        Length of the window once so many periods are there, at least 2.
    splice
        A name of `ON_PUBLISHED`.
    window_levels
        Levels of the index of any window; those of a window may depend on its own periods only.
    first
        Number of the period whose level is 0; there are none before it.

    Returns
    -------
    levels : (T,)
        Log levels; NaN where a period cannot be linked to a published level of its window.

    Raises
    ------
    ValueError
        If the splice needs levels of the window before, which were not published.

    References
    ----------
    Chessa (2016), as for `fixed_base_expanding`, for windows that grow; Office for National Statistics (2020),
    Introducing multilateral index methods into consumer price statistics, for 25 months and the mean splice on
    published levels.
    """
    if splice not in ON_PUBLISHED:
        raise ValueError(f"splice {splice!r} links to levels that were not published; one of {', '.join(ON_PUBLISHED)}")
    published = np.full(n_periods, np.nan)
    if first < n_periods:
        published[first] = 0.0
    for period in range(first + 1, n_periods):
        start = max(period + 1 - window, first)
        known = published[start:period]
        published[period] = SPLICES[splice](known, known, window_levels(start, period + 1))
    return published


def expanding(n_periods: int, window_levels: WindowLevels) -> FloatArray:
    """Give each period the level of the window from the first period to it."""
    levels = np.full(n_periods, np.nan)
    for period in range(n_periods):
        window = window_levels(0, period + 1)
        levels[period] = window[-1] - window[0]
    return levels


def fixed_base_expanding(n_periods: int, link_periods: list[int], window_levels: WindowLevels) -> FloatArray:
    """Fixed base expanding window (FBEW): from the latest link period to each new period.

    Parameters
    ----------
    n_periods
        Periods of the series.
    link_periods
        Numbers of the periods that the windows begin with, ascending, such as Decembers.
    window_levels
        Gives the log levels of the periods from a first to a last.

    References
    ----------
    Chessa (2016), A new methodology for processing scanner data in the Dutch CPI, Eurona 1/2016.
    """
    return _on_link_periods(n_periods, link_periods, window_levels, length=None)


def fixed_base_moving(n_periods: int, link_periods: list[int], window: int, window_levels: WindowLevels) -> FloatArray:
    """Fixed base moving window (FBMW): windows of fixed length, linked on the latest link period.

    The window must reach back to the link period: 13 for months linked in December.

    Parameters
    ----------
    n_periods
        Periods of the series.
    link_periods
        Numbers of the periods that windows are linked on, ascending, such as Decembers.
    window
        Periods in a window.
    window_levels
        Gives the log levels of the periods from a first to a last.

    References
    ----------
    Lamboray (2017), The Geary-Khamis index and the Lehr index: how much do they differ?
    """
    return _on_link_periods(n_periods, link_periods, window_levels, length=window)


def _on_link_periods(
    n_periods: int, link_periods: list[int], window_levels: WindowLevels, length: int | None
) -> FloatArray:
    published = np.full(n_periods, np.nan)
    published[link_periods[0]] = 0.0
    link = link_periods[0]
    for period in range(link + 1, n_periods):
        start = link if length is None else max(period + 1 - length, 0)
        if start > link:
            raise ValueError(
                f"a window of {length} periods does not reach back to the link period: "
                f"it is {period - link + 1} periods long by then"
            )
        window = window_levels(start, period + 1)
        published[period] = published[link] + window[-1] - window[link - start]
        if period in link_periods:
            link = period
    return published
