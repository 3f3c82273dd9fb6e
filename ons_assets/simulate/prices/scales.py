"""How large the simulated world is, and how many of each fault it has."""

from dataclasses import dataclass, field

from ons_assets.simulate.named_scales import chosen


@dataclass(frozen=True)
class FaultCounts:
    """How often each fault of collection happens over the whole period.

    The first four replace the run of one retailer on one day, so they never meet on the same day.
    """

    outages: int = 1
    """Broadband outages: all stores miss their runs."""
    outage_days: int = 2
    missing_runs: int = 2
    empty: int = 1
    truncated: int = 2
    inflated: int = 1
    stuck: int = 1
    stuck_days: int = 3
    """Days that repeat the run of the day before the fault began."""
    item_vanished: int = 2
    item_vanished_days: int = 6
    shelf_renamed: bool = True


NO_FAULTS = FaultCounts(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, shelf_renamed=False)


@dataclass(frozen=True)
class Scale:
    """Size of a simulated world.

    Parameters
    ----------
    name
        Name of the scale.
    days
        Number of days, at least 1.
    quotes_per_day
        Rows of an ordinary day: one whole run of each of the three retailers, repeated rows included.
    items
        ``"small"`` for the twelve items marked ``in_small`` in the item table, ``"all"`` for the 34.
    exit_rate
        Probability that a product leaves the shelf on a given day.
    compress
        Whether run files are written as ``.csv.gz``.
    second_run_rate
        Probability that a retailer is scraped a second time on a day without a fault.
    repeated_row_share
        Share of the rows of a run that repeat an earlier one (0.089 in the pilot's files of 2016).
    price_typo_rate
        Probability that a quote has a mistyped price.
    mislabelled_rate
        Share of products that show a wrong unit for some days.
    faults
        Faults of collection.
    """

    name: str
    days: int
    quotes_per_day: int
    items: str = "all"
    exit_rate: float = 0.0015
    compress: bool = True
    second_run_rate: float = 0.1
    repeated_row_share: float = 0.089
    price_typo_rate: float = 0.0004
    mislabelled_rate: float = 0.01
    faults: FaultCounts = field(default_factory=FaultCounts)


SCALES: dict[str, Scale] = {
    scale.name: scale
    for scale in (
        Scale("small", days=75, quotes_per_day=750, items="small", exit_rate=0.003, compress=False),
        Scale(
            "medium",
            days=150,
            quotes_per_day=2_500,
            exit_rate=0.002,
            faults=FaultCounts(1, 2, 4, 3, 3, 1, 2, 3, 4, 8),
        ),
        Scale("full", days=365, quotes_per_day=6_500, faults=FaultCounts(2, 2, 12, 12, 8, 3, 3, 4, 8, 14)),
    )
}
"""The named scales: ``small`` (a demonstration), ``medium``, ``full`` (a year of the pilot's volume)."""


def scale_of(scale: str | Scale) -> Scale:
    """Return the scale of that name, or the scale itself.

    Raises
    ------
    ValueError
        If no scale has that name.
    """
    return chosen(scale, SCALES)
