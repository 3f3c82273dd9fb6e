"""Parameters of the prices pilot."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ons_assets.parameters.base import Parameters, Section, Share

Length = Annotated[int, Field(ge=1, le=10)]
OutlierMethod = Literal[
    "none", "relative-fences", "quartile", "resistant-fences", "robust-z", "tukey", "hidiroglou-berthelot"
]
QuoteFlag = Literal[
    "out_of_scope",
    "repeated_row",
    "price_typo",
    "outlier",
    "dump_price",
    "stuck",
    "unit_conflict",
    "reentered",
    "relaunched",
    "imputed",
]


class QuoteParameters(Parameters):
    """How records become quotes."""

    max_price: float = Field(10_000, gt=0, description="a price above this is no price")


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

    @model_validator(mode="after")
    def _has_room_for_its_history(self) -> "CollectionParameters":
        if self.minimum_history_days > self.window_days:
            raise ValueError("minimum_history_days must fit in window_days")
        return self

    @property
    def lookback_days(self) -> int:
        """Days of quotes needed before the first day reported: a window of levels for two windows of streaks."""
        return 3 * self.window_days


class ScopeModelParameters(Parameters):
    """The classifier of product names that is trained on labels."""

    ngrams: tuple[Length, Length] = Field((2, 4), description="shortest and longest n-gram of letters")
    fewest_names: int = Field(3, ge=1, description="an n-gram of fewer names is the name of one product, and no word")
    small: int = Field(30, ge=0, description="with fewer names all n-grams are kept")
    most_ngrams: int = Field(
        5_000, ge=1, description="n-grams that are kept, the most frequent; beyond them trees are slower and no better"
    )
    trees: int = Field(200, ge=1, le=10_000, description="trees that vote")
    fewest_trees: int = Field(60, ge=1, le=10_000, description="trees that vote however many labels there are")
    trees_times_names: int = Field(
        400_000, ge=1, description="with more names fewer trees vote, so that training stays within a minute or so"
    )
    features_a_split: float = Field(0.1, gt=0, le=1, description="share of the features that a split may choose from")
    folds: int = Field(5, ge=2, le=50, description="parts of the cross-validation that calibrates the probabilities")
    seed: int = Field(20161103, ge=0, description="of the trees and the folds")


class RuleParameters(Parameters):
    """How likely a product is the item, by the rule that spoke.

    Beliefs, not estimates: they rank what people look at first, and lie on the side of the thresholds that the
    collectors meant.
    """

    removed: float = Field(0.05, ge=0, le=1, description="with a word of the rule remove: out")
    doubted: float = Field(0.3, ge=0, le=1, description="with a word of the rule doubt: a person decides")
    limited: float = Field(0.3, ge=0, le=1, description="beyond a limit of quantity, alcohol or pieces")
    not_included: float = Field(0.25, ge=0, le=1, description="without any word of the rule include")
    passed: float = Field(0.85, ge=0, le=1, description="where no rule speaks against it")
    limit_slack: float = Field(
        1.02,
        ge=1,
        description="factor by which a name may be beyond a limit: shops round, a pint of 568 ml or a bottle of 70 cl",
    )
    size_reach: float = Field(
        2.0, ge=1, description="a size in an item's description admits packs so many times smaller and larger"
    )


class ClassificationParameters(Parameters):
    """Whether a product is the item, and which products people look at."""

    review_between: tuple[Share, Share] = Field(
        (0.2, 0.8), description="a product goes to a person if rules or model give it a probability between these"
    )
    review_precision: float = Field(
        0.98,
        gt=0.5,
        le=1,
        description="share of the decisions of the model that must be right, on products that it had not seen; people"
        " get the others",
    )
    least_labels: int = Field(100, ge=2, description="labelled products without which no model is trained")
    least_labels_of_item: int = Field(
        8,
        ge=1,
        description="labelled products of an item, of either kind together, without which the model does not speak"
        " for it",
    )
    rules: RuleParameters = RuleParameters()
    model: ScopeModelParameters = ScopeModelParameters()

    @model_validator(mode="after")
    def _leaves_the_middle_to_people(self) -> "ClassificationParameters":
        low, high = self.review_between
        if not low <= 0.5 <= high:
            raise ValueError(f"review_between must hold 0.5 and lie within 0 and 1, not {low} to {high}")
        return self


class OutlierRule(Parameters):
    """How the outliers of an item are found; see docs/methods/checked_quotes.md."""

    method: OutlierMethod = Field("resistant-fences", description="how price relatives are judged")
    reach: float | None = Field(
        None,
        gt=0,
        description="how far out is too far, in the method's own measure: spreads for most, a factor for"
        " relative-fences; null: the default of the method",
    )
    least: float = Field(2.5, ge=1, description="factor within which no change of a price is an outlier")


class PackParameters(Parameters):
    """What the pack behind a name holds, and when a displayed unit is wrong."""

    least_days: int = Field(10, ge=1, description="collected days after which a quantity that stays is the new pack")
    rounding: float = Field(
        0.005, ge=0, description="half of the last displayed digit of a unit price, in the currency"
    )
    same_pack: float = Field(
        1.05, ge=1, description="two quantities within this factor are the same pack: displayed prices are rounded"
    )
    most_rounding: float = Field(1.3, ge=1, description="factor that no rounding exceeds")
    same_price: float = Field(
        1.15, ge=1, description="two packs at prices within this factor may be one pack with a wrong unit"
    )
    conflict: float = Field(
        1.2, ge=1, description="factor beyond which the displayed unit price contradicts the pack in the name"
    )


class CheckParameters(Parameters):
    """What is odd about a quote, and how far prices are carried."""

    typo_factor: float = Field(
        3.0, gt=1, description="a price so many times the usual one, or as many times less, may be a typo"
    )
    typo_days_around: int = Field(10, ge=1, description="calendar days before and after that say what is usual")
    typo_decimal_slack: float = Field(
        0.08, gt=0, lt=0.5, description="how near to a power of ten a displaced point is, in decimal logarithms"
    )
    typo_returns_within: float = Field(
        1.5, ge=1, description="factor of the usual price within which the prices on both sides of a typo lie"
    )
    outliers: OutlierRule = OutlierRule()
    outliers_of_item: dict[str, OutlierRule] = Field({}, description="the same, for single items by item_id")
    reference_days: int = Field(28, ge=1, description="days before whose median price a price is compared with")
    least_relatives: int = Field(8, ge=1, description="price relatives of an item and day without which none is judged")
    stuck_chance: float = Field(
        0.0005, gt=0, lt=1, description="a price stands still too long if its own past gives it at most this chance"
    )
    stuck_least_pairs: int = Field(
        14, ge=1, description="neighbouring days before the streak without which nothing is said of it"
    )
    stuck_least_changes: int = Field(4, ge=1, description="changes of price among them without which nothing is said")
    dump_share: float = Field(
        0.6, gt=0, le=1, description="a clearance price is at most this share of the median before the last days"
    )
    dump_last_days: int = Field(14, ge=1, description="last days of a product in which it may be cleared")
    dump_gone_days: int = Field(
        28, ge=1, description="days that its item was collected without it before a product is gone"
    )
    dump_leaving_share: float = Field(
        0.1, gt=0, le=1, description="where more of an item's products left on one day, the shelf was lost"
    )
    carry_days: int = Field(7, ge=0, le=31, description="most days that a price is carried forward")
    carry: Literal["not_collected", "always"] = Field(
        "not_collected", description="carry prices to days without a collection, or to all days without a quote"
    )
    relaunch_gap_days: int = Field(
        14, ge=1, description="most days between the last of a product and the first of the one that replaces it"
    )
    relaunch_overlap_days: int = Field(7, ge=0, description="most days on which both may be seen, while stocks run out")
    packs: PackParameters = PackParameters()


class IndexParameters(Parameters):
    """The indices of items."""

    methods: tuple[dict[str, Any], ...] = Field(
        (
            {"method": "jevons"},
            {"method": "jevons", "chain": "chained", "label": "jevons-chained"},
            {"method": "geks-jevons"},
        ),
        description="methods by item, with their options; see docs/methods/price_indices.md",
    )
    frequencies: tuple[Literal["day", "week", "month"], ...] = Field(
        ("day", "week", "month"), description="periods of the indices"
    )
    price: Literal["pack", "unit"] = Field(
        "pack", description="whether an index follows the price of a pack, or per kg, l or each across relaunches"
    )
    excludes: tuple[QuoteFlag, ...] = Field(
        ("out_of_scope", "repeated_row", "price_typo", "outlier"), description="quotes with these flags are in no index"
    )


class AggregationParameters(Parameters):
    """From items to groups."""

    rule: Literal["complete", "available"] = Field(
        "available", description="whether a group needs an index of each of its items"
    )


class IndexComparisonParameters(Parameters):
    """Indices beside those of others."""

    fewest_growths: int = Field(6, ge=3, description="changes without which a correlation or a drift says nothing")
    longest_lead_months: int = Field(3, ge=0, le=24, description="longest lead of monthly indices that is looked for")
    longest_lead_weeks: int = Field(8, ge=0, le=104, description="the same of weekly ones")
    longest_lead_days: int = Field(31, ge=0, le=366, description="the same of daily ones")


class Prices(Section):
    """Parameters of the prices pilot."""

    quotes: QuoteParameters = QuoteParameters()
    collection: CollectionParameters = CollectionParameters()
    classification: ClassificationParameters = ClassificationParameters()
    checking: CheckParameters = CheckParameters()
    indices: IndexParameters = IndexParameters()
    aggregation: AggregationParameters = AggregationParameters()
    comparison: IndexComparisonParameters = IndexComparisonParameters()
