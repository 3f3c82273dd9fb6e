"""What a collection report takes as normal: windows, bounds and least history, each with its unit."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class CollectionSettings:
    """Parameters of the collection report; the defaults were tuned on July to 10 September 2016.

    Parameters
    ----------
    window_days : int
        Calendar days before the day that make up its history.
    minimum_history_days : int
        Collected days that history must hold before a level is trusted; with fewer, no finding that needs it.
    expected_share : float
        A retailer is expected daily when it had a run on at least this share of the days up to its last run.
    short_ratio : float
        An item stops early when it has less than this share of its trailing median of products ...
    short_quartile_ratio : float
        ... and less than this share of its trailing lower quartile, so that two page layouts that alternate
        from day to day are both normal.
    minimum_products : int
        Items with a smaller trailing median are never said to stop early: their counts swing too much.
    lost_share : float
        A run is truncated when items that stop early, or are absent after the last one collected, cost it at
        least this share of its usual products.
    absent_share : float
        When at least this share of the expected items is absent at once, the run is truncated, whatever the order.
    ordered_spread : float
        Items have a usual order when the mean interquartile range of their rank is at most this share of the
        number of items.
    inflated_run_ratio : float
        A run is inflated when it has more than this multiple of its trailing median of products ...
    inflated_rows_ratio : float
        ... or this multiple of its trailing median of rows. It is the wider bound, because adverts repeated on
        every page swing the rows and leave the products.
    inflated_item_ratio : float
        The same bound for the products of one item.
    inflated_item_products : int
        Products above the median that an inflated item must have at least.
    quartile_slack : float
        An inflated run or item has to exceed its trailing upper quartile by this factor as well.
    duplicate_share : float
        Share of repeated rows that is a finding whatever the past.
    duplicate_run_margin, duplicate_item_margin : float
        Share of repeated rows above the trailing ninth decile that is a finding, for a run and for an item.
    duplicate_rows_minimum : int
        Fewest rows for which a share of repeated rows is judged.
    shelf_overlap : float
        A new shelf continues a vanished one when they share this part of the smaller one's products.
    stuck_days : int
        Fewest collected days in a row with the same prices.
    stuck_chance : float
        Prices are stuck when the streak has at most this chance, given how often they stood still before.
    """

    window_days: int = 28
    minimum_history_days: int = 5
    expected_share: float = 0.5
    short_ratio: float = 0.75
    short_quartile_ratio: float = 0.9
    sigmas: float = 3.0
    settled_spread: float = 0.15
    lost_share: float = 0.1
    absent_share: float = 0.25
    ordered_spread: float = 0.1
    inflated_run_ratio: float = 1.3
    inflated_rows_ratio: float = 1.6
    inflated_item_ratio: float = 2.0
    inflated_item_products: int = 30
    quartile_slack: float = 1.1
    duplicate_share: float = 0.5
    duplicate_run_margin: float = 0.05
    duplicate_item_margin: float = 0.1
    duplicate_rows_minimum: int = 40
    shelf_overlap: float = 0.5
    stuck_days: int = 3
    stuck_chance: float = 0.005

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                raise ValueError(f"{field.name} must be positive, not {getattr(self, field.name)}")
        for name in (
            "expected_share",
            "short_ratio",
            "short_quartile_ratio",
            "lost_share",
            "absent_share",
            "duplicate_share",
            "shelf_overlap",
            "stuck_chance",
        ):
            if getattr(self, name) > 1:
                raise ValueError(f"{name} is a share and must be at most 1, not {getattr(self, name)}")
        if self.minimum_history_days > self.window_days:
            raise ValueError("minimum_history_days must fit in window_days")

    @property
    def lookback_days(self) -> int:
        """Days of quotes needed before the first day reported: a window of levels for two windows of streaks."""
        return 3 * self.window_days
