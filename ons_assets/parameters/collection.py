"""Parameters of the report on the collection of prices."""

from pydantic import Field, model_validator

from ons_assets.parameters.base import Parameters


class CollectionParameters(Parameters):
    """What a collection report takes as normal; the defaults were tuned on July to 10 September 2016."""

    window_days: int = Field(28, ge=1, description="calendar days before the day that make up its history")
    minimum_history_days: int = Field(
        5,
        ge=1,
        description="collected days that history must hold before a level is trusted; with fewer, no finding that"
        " needs it",
    )
    longest_run_days: int = Field(
        7, ge=1, description="days that a run may outlast its day; the longest of the pilot took four"
    )
    expected_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="a retailer is expected daily when it had a run on at least this share of the days up to its last",
    )
    short_ratio: float = Field(
        0.75,
        gt=0,
        le=1,
        description="an item stops early when it has less than this share of its trailing median of products",
    )
    short_quartile_ratio: float = Field(
        0.9,
        gt=0,
        le=1,
        description="and less than this share of its trailing lower quartile, so that two page layouts that alternate"
        " from day to day are both normal",
    )
    sigmas: float = Field(3.0, gt=0, description="and lies so many standard deviations of a Poisson count below it")
    settled_spread: float = Field(
        0.15, gt=0, description="an item is settled when a quartile lies within this share of its median from it"
    )
    lost_share: float = Field(
        0.1,
        gt=0,
        le=1,
        description="a run is truncated when items that stop early, or are absent after the last one collected, cost"
        " it at least this share of its usual products",
    )
    absent_share: float = Field(
        0.25,
        gt=0,
        le=1,
        description="and when at least this share of the expected items is absent at once, whatever the order",
    )
    ordered_spread: float = Field(
        0.1,
        gt=0,
        description="items have a usual order when the mean interquartile range of their rank is at most this share"
        " of the number of items",
    )
    inflated_run_ratio: float = Field(
        1.3, gt=0, description="a run is inflated when it has more than so many times its trailing median of products"
    )
    inflated_rows_ratio: float = Field(
        1.6,
        gt=0,
        description="or so many times that of rows; wider, because adverts repeated on every page swing the rows and"
        " leave the products",
    )
    inflated_item_ratio: float = Field(2.0, gt=0, description="the same bound for the products of one item")
    inflated_item_products: int = Field(
        30, ge=1, description="products above the median that an inflated item must have at least"
    )
    quartile_slack: float = Field(
        1.1, gt=0, description="an inflated run or item exceeds its trailing upper quartile by this factor as well"
    )
    duplicate_share: float = Field(
        0.5, gt=0, le=1, description="share of repeated rows that is a finding whatever the past"
    )
    duplicate_run_margin: float = Field(
        0.05, gt=0, description="share of repeated rows above the trailing ninth decile that is a finding, for a run"
    )
    duplicate_item_margin: float = Field(0.1, gt=0, description="the same for an item")
    duplicate_rows_minimum: int = Field(
        40, ge=1, description="fewest rows for which a share of repeated rows is judged"
    )
    shelf_overlap: float = Field(
        0.5,
        gt=0,
        le=1,
        description="a new shelf continues a vanished one when they share this part of the smaller one's products",
    )
    stuck_days: int = Field(3, ge=1, description="fewest collected days in a row with the same prices")
    stuck_chance: float = Field(
        0.005,
        gt=0,
        le=1,
        description="prices are stuck when the streak has at most this chance, given how often they stood still before",
    )

    open_ratio: float = Field(
        0.85,
        gt=0,
        lt=1,
        description="a loss of products of a run stays open until they are back at this share of their level before it;"
        " of an item short_ratio is that share, and of a rise its inverse",
    )
    late_hours: float = Field(
        3.0, gt=0, description="a run is late when it starts so many hours after the usual start and its upper quartile"
    )
    page_cap_products: int = Field(
        20, ge=1, description="fewest rows or products at which items that all stop there look like a page that was cut"
    )
    page_cap_items: int = Field(
        5, ge=2, description="fewest items that must stop at the same number, the largest, and that had more before"
    )
    page_cap_items_unseen: int = Field(10, ge=2, description="the same where nothing is known of what they had before")
    page_cap_share: float = Field(
        0.5, gt=0, le=1, description="and the share of the items of the run that they must be"
    )

    @model_validator(mode="after")
    def _has_room_for_its_history(self) -> "CollectionParameters":
        if self.minimum_history_days > self.window_days:
            raise ValueError("minimum_history_days must fit in window_days")
        return self

    @property
    def lookback_days(self) -> int:
        """Days of quotes needed before the first day reported: a window of levels for two windows of streaks."""
        return 3 * self.window_days
