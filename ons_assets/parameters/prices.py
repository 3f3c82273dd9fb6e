"""Parameters of the prices pilot."""

from typing import Annotated, Any, Literal

from pydantic import Field, PositiveFloat, model_validator

from ons_assets.parameters.area_prices import AreaPriceParameters
from ons_assets.parameters.base import Parameters, Section, Share
from ons_assets.parameters.collection import CollectionParameters
from ons_assets.parameters.publication import MonthlyReportParameters, PublicationParameters, RevisionParameters

Length = Annotated[int, Field(ge=1, le=10)]
OutlierMethod = Literal[
    "none", "relative-fences", "quartile", "resistant-fences", "robust-z", "tukey", "hidiroglou-berthelot"
]
LinkMonth = Literal[
    "january",
    "december",
    "none",
    "month-01",
    "month-02",
    "month-03",
    "month-04",
    "month-05",
    "month-06",
    "month-07",
    "month-08",
    "month-09",
    "month-10",
    "month-11",
    "month-12",
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

    removed: float = Field(
        0.05,
        ge=0,
        le=1,
        description="with a word of the rule remove, without any of the rule require, or far beyond a limit: out",
    )
    doubted: float = Field(0.3, ge=0, le=1, description="with a word of the rule doubt: a person decides")
    limited: float = Field(0.3, ge=0, le=1, description="beyond a limit of quantity, alcohol or pieces")
    not_included: float = Field(0.25, ge=0, le=1, description="without any word of the rule include")
    passed: float = Field(0.85, ge=0, le=1, description="where no rule speaks against it")
    limit_slack: float = Field(
        1.02,
        ge=1,
        description="factor by which a name may be beyond a limit: shops round, a pint of 568 ml or a bottle of 70 cl",
    )
    far_beyond: float = Field(
        1.5,
        gt=1,
        description="factor beyond a limit of quantity or pieces from which a pack is not the item's: half a bottle",
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
    review_order: Literal["informative", "quotes"] = Field(
        "informative",
        description="which products a person is shown first: those whose label teaches the model most, or those with"
        " the most quotes",
    )
    review_by_chance: int = Field(
        2,
        ge=0,
        le=100,
        description="every second, third, ... of the most informative products is one by chance, so that the labels"
        " show all products and not just the hard ones; 0: none",
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
    def _leaves_some_to_what_is_informative(self) -> "ClassificationParameters":
        if self.review_by_chance == 1:
            raise ValueError("review_by_chance must be 0, or 2 or more: by chance alone nothing is informative")
        return self

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
    same_level: float = Field(
        1.1, ge=1, description="two prices of a product within this factor are one level: it stayed, or came back"
    )
    level_days: int = Field(
        3,
        ge=1,
        description="a price that stays for so many collected days, or comes back to a level that it had for so many,"
        " is no outlier",
    )
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
    identified_by: Literal["sku", "name"] = Field(
        "sku", description="whether a product is known by its number (GTIN, SKU) where a quote has one, or by its name"
    )
    carry_days: int = Field(7, ge=0, le=31, description="most days that a price is carried forward")
    carry: Literal["not_collected", "always"] = Field(
        "not_collected", description="carry prices to days without a collection, or to all days without a quote"
    )
    relaunch_gap_days: int = Field(
        14, ge=1, description="most days between the last of a product and the first of the one that replaces it"
    )
    relaunch_overlap_days: int = Field(
        0,
        ge=0,
        description="most days on which both may be seen, while stocks run out; what overlaps is mostly a variant",
    )
    relaunch_most_change: float = Field(
        1.5, gt=1, description="factor by which the content of a pack changes at most in a relaunch"
    )
    relaunch_most_price_change: float = Field(
        2.1,
        gt=1,
        description="factor by which the price of the pack changes at most in a relaunch; one of the two may be on"
        " offer at half its price",
    )
    relaunch_similarity: float = Field(
        0.85, gt=0, le=1, description="least share of the words of both names, packs apart, that both have"
    )
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
        ("day", "week", "month"), min_length=1, description="periods of the indices"
    )
    offers: Literal["paid", "regular"] = Field(
        "paid", description="whether an index follows prices with the cuts of offers, or what the products cost without"
    )
    price: Literal["pack", "unit"] = Field(
        "pack", description="whether an index follows the price of a pack, or per kg, l or each across relaunches"
    )
    imputation: Literal["carry-forward", "class-mean", "class-mean-of-retailer"] = Field(
        "carry-forward",
        description="price of a product in a period without an observation: its last one, or that moved with the"
        " geometric mean of the relatives of its item, or of its item at its retailer if there are any",
    )
    imputed_periods: Literal["not_collected", "always"] = Field(
        "not_collected",
        description="impute a product only in periods in which its shelf was not collected or its prices were wrong, or"
        " in all periods to which a price was carried",
    )
    followed_within: tuple[Literal["retailer", "outlet"], ...] = Field(
        ("retailer", "outlet"),
        description="what tells a product from one of the same name or number: retailer, outlet, both, or nothing; what"
        " is left out is pooled into one price",
    )
    possible: tuple[PositiveFloat, PositiveFloat] = Field(
        (1.0, 10_000.0),
        description="least and largest index, at 100 in the base period; beyond them lies an error of a price or of a"
        " unit, and the index of the item is withheld",
    )
    excludes: tuple[QuoteFlag, ...] = Field(
        ("out_of_scope", "repeated_row", "price_typo", "outlier"), description="quotes with these flags are in no index"
    )

    @model_validator(mode="after")
    def _can_be_possible(self) -> "IndexParameters":
        least, largest = self.possible
        if not least < 100 < largest:
            raise ValueError(f"possible must hold 100, the index of the base period, not {least:g} to {largest:g}")
        return self


class AggregationParameters(Parameters):
    """From items to groups; see docs/methods/aggregation.md."""

    rule: Literal["linked", "complete", "available"] = Field(
        "linked",
        description="linked: a chain that no entry, absence or change of weights moves; complete and available: a mean"
        " of the levels of all items, or of those that have an index, as before",
    )
    link: LinkMonth = Field(
        "january",
        description="where the weights of a year begin: january, with links in December and in January; december, or"
        " the month of this number; none: the first weights hold for ever",
    )
    price_update: bool = Field(
        False, description="whether weights are moved from their reference year to the link by the prices of the items"
    )
    weight_lag_years: int = Field(
        2, ge=0, le=10, description="years from the reference year of weights to the first in which they are used"
    )
    discontinued_after_months: int = Field(
        12, ge=1, le=120, description="months without an index after which, at a link, an item is discontinued"
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
    areas: AreaPriceParameters = AreaPriceParameters()
    publication: PublicationParameters = PublicationParameters()
    revisions: RevisionParameters = RevisionParameters()
    monthly_report: MonthlyReportParameters = MonthlyReportParameters()
    comparison: IndexComparisonParameters = IndexComparisonParameters()
