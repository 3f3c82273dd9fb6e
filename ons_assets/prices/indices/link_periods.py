"""The calendar of a chain: which periods there are, and the weights of which year hold in each."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.parameters.prices import LinkMonth

Ints = npt.NDArray[np.int64]

MONTHS = {f"month-{number:02}": number for number in range(1, 12)}
# A label, the day that stands for it, and the step from one to the next. A week is of the month and the year of its
# Thursday, as ISO 8601 has it.
FORMS = {"month": ("%Y-%m-%d", "-01", "1mo"), "week": ("%G-W%V-%u", "-4", "1w"), "day": ("%Y-%m-%d", "", "1d")}
LABELS = {"month": "%Y-%m", "week": "%G-W%V", "day": "%Y-%m-%d"}


@dataclass(frozen=True)
class Calendar:
    """Periods without a gap, and where the chain is linked.

    Parameters
    ----------
    labels
        The n periods in order.
    year
        Calendar year of each, (n,).
    month
        Months since the year 0 of each, (n,), so that differences are lengths of time.
    weights_year
        Year whose weights hold for the step that leads into the period, (n,). Where it changes, the period before
        is the link.
    is_bridge
        Whether that step is the one from December to January of a double link, (n,).
    """

    labels: pl.Series
    year: Ints
    month: Ints
    weights_year: Ints
    is_bridge: npt.NDArray[np.bool_]

    def has_link_before(self, period: int) -> bool:
        """Return whether the period before a period, by its number, is a link."""
        return bool(self.weights_year[period] != self.weights_year[period - 1] or self.is_bridge[period - 1])


def calendar(periods: pl.Series, frequency: str, link: LinkMonth) -> Calendar:
    """Lay out all periods from the first to the last, and say where the weights change.

    Parameters
    ----------
    periods
        Labels such as 2016-07, 2016-W29 or 2016-07-21, in any order, at least one.
    frequency
        "month", "week" or "day".
    link
        "january": two links a year, in December and in January. Weights of a year lead from the last period before
        January to the first one of January, and from there on. "december" or "month-12": one link, in the last
        period of December. "month-01" to "month-11": one link, in the last period of that month of the year itself.
        "none": no link, the first weights hold for ever.

    Raises
    ------
    ValueError
        If the frequency or the link is unknown, or a label is none of its frequency.

    Examples
    --------
    >>> calendar(pl.Series(["2015-11", "2016-02"]), "month", "december").labels.to_list()
    ['2015-11', '2015-12', '2016-01', '2016-02']
    >>> calendar(pl.Series(["2015-11", "2016-02"]), "month", "month-01").weights_year.tolist()
    [2015, 2015, 2015, 2016]
    """
    if frequency not in FORMS:
        raise ValueError(f"unknown frequency {frequency!r}: use one of {', '.join(FORMS)}")
    form, end, step = FORMS[frequency]
    days = (periods.unique() + end).str.to_date(form, strict=False)
    if days.null_count():
        raise ValueError(f"a period is no {frequency}: they are written 2016-07, 2016-W29 or 2016-07-21")
    every = pl.select(day=pl.date_range(pl.lit(days.min()), pl.lit(days.max()), step))["day"]
    year, month = (part.cast(pl.Int64).to_numpy() for part in (every.dt.year(), every.dt.month()))
    since_0 = 12 * year + month - 1
    begins = np.concatenate([[False], np.diff(since_0) != 0])
    return Calendar(
        labels=every.dt.strftime(LABELS[frequency]),
        year=year,
        month=since_0,
        weights_year=_weights_year(year, month, link),
        is_bridge=begins & (month == 1) & (link == "january"),
    )


def _weights_year(year: Ints, month: Ints, link: str) -> Ints:
    if link in ("january", "december", "month-12"):
        return year
    if link == "none":
        return np.full_like(year, year[0])
    if link in MONTHS:
        return np.where(month > MONTHS[link], year, year - 1)
    raise ValueError(f"unknown link {link!r}: use january, december, none, or month-01 to month-12")
