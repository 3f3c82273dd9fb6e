"""Parameters of the prices pilot."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

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


class OutlierChoice(BaseModel):
    """A rule for outliers; see docs/methods/checked_quotes.md."""

    model_config = ConfigDict(extra="forbid")

    method: Literal[
        "none", "relative-fences", "quartile", "resistant-fences", "robust-z", "tukey", "hidiroglou-berthelot"
    ] = "resistant-fences"
    reach: float | None = Field(None, gt=0, description="how far out is too far; null: the default of the method")
    least: float = Field(2.5, ge=1, description="factor within which no change of a price is an outlier")


class Prices(BaseModel):
    """Parameters of the prices pilot."""

    model_config = ConfigDict(extra="forbid")

    max_price: float = Field(10_000, gt=0, description="a price above this is no price")
    index_methods: tuple[dict[str, Any], ...] = Field(
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
    index_price: Literal["pack", "unit"] = Field(
        "pack", description="whether an index follows the price of a pack, or per kg, l or each across relaunches"
    )
    index_excludes: tuple[QuoteFlag, ...] = Field(
        ("out_of_scope", "repeated_row", "price_typo", "outlier"), description="quotes with these flags are in no index"
    )
    review_between: tuple[float, float] = Field(
        (0.2, 0.8), description="a product goes to a person if the rules give it a probability between these"
    )
    review_precision: float = Field(
        0.98, gt=0.5, le=1, description="share of the decisions of the model that must be right; people get the others"
    )
    outliers: OutlierChoice = Field(OutlierChoice(), description="how outliers are found")
    outliers_of_item: dict[str, OutlierChoice] = Field({}, description="the same, for single items by item_id")
    carry_days: int = Field(7, ge=0, le=31, description="most days that a price is carried forward")
    carry: Literal["not_collected", "always"] = Field(
        "not_collected", description="carry prices to days without a collection, or to all days without a quote"
    )
    aggregation: Literal["complete", "available"] = Field(
        "available", description="whether a group needs an index of each of its items"
    )
