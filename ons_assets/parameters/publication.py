"""Parameters of what a price index publishes: its method, its figures, and what may be revised."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ons_assets.parameters.base import Parameters

Month = Annotated[str, StringConstraints(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
YearOrMonth = Annotated[str, StringConstraints(pattern=r"^\d{4}(-(0[1-9]|1[0-2]))?$")]
Name = Annotated[str, StringConstraints(min_length=1)]


class PublicationParameters(Parameters):
    """The index that is published: by month, from a rolling window, never revised by what comes later."""

    label: Name = Field("published", description="method of its rows in prices/item_indices")
    window: int = Field(25, ge=2, le=120, description="months of the window; 13 and 25 hold a whole year or two")
    splice: Literal["mean-published", "half-published", "window-published", "movement"] = Field(
        "mean-published", description="published months of the window that a new one is linked to"
    )
    last_month: Month | None = Field(
        None, description="last month that may be published; null: every month that was collected to its end"
    )
    edition: Name = Field(
        "1",
        description="of the published series; another name starts them anew, and the others are kept",
    )
    reference: YearOrMonth | None = Field(
        None, description="year (its mean) or month that is 100; null: the first month of each series"
    )
    decimals: int = Field(1, ge=0, le=6, description="of indices and rates as published")
    rounding: Literal["half-up", "half-even"] = Field(
        "half-up", description="where a half goes: away from zero, or to the even digit"
    )
    rates_from: Literal["unrounded", "rounded"] = Field(
        "unrounded",
        description="whether rates are of the indices before they are rounded, as in the British CPI since"
        " 2006, or of the rounded ones, as in its RPI",
    )
    all_items: Name = Field("all", description="group of the weights that is the whole basket")
    coicop: Literal["1999", "2018"] = Field(
        "2018", description="version of COICOP whose divisions are published, where reference/item_coicop has the codes"
    )


class Correction(Parameters):
    """Published figures that may be revised, because an error in them was found."""

    headings: tuple[Name, ...] = Field(
        min_length=1, description="item_ids, groups and all: each series that may be revised, those above an item too"
    )
    first_month: Month = Field("1900-01", description="first month that may be revised")
    last_month: Month = Field("2999-12", description="last month that may be revised")
    reason: Name = Field(description="what was wrong, such as a file that was replaced; kept with the new figures")

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if self.first_month > self.last_month:
            raise ValueError("first_month comes after last_month")
        return self


class RevisionParameters(Parameters):
    """Which published figures may change when the indices are computed anew."""

    policy: Literal["none", "window", "corrections"] = Field(
        "none",
        description="what was published first stands; or the last months may be revised; or what is named and no more",
    )
    months: int = Field(1, ge=0, le=120, description="last published months that the policy window may revise")
    corrections: tuple[Correction, ...] = Field(
        (), description="what the policy corrections may revise: headings, first_month, last_month and reason of each"
    )
    tolerance: float = Field(
        1e-9, gt=0, le=0.01, description="relative change of an index that is none: the last digits of a computation"
    )
    join_months: int = Field(
        24,
        ge=1,
        le=120,
        description="months before the new one whose published figures say on which level it joins them",
    )


class MonthlyReportParameters(Parameters):
    """The page that a price statistician reads each month; its numbers change no figure."""

    items: int = Field(15, ge=1, le=500, description="items shown, those that moved the most first")
    items_in_depth: int = Field(5, ge=0, le=100, description="of these, items whose products are shown")
    products: int = Field(6, ge=1, le=100, description="products shown of an item")
    least_matched_share: float = Field(
        0.5, ge=0, le=1, description="a person looks at an item of which less was there in the month before"
    )
    most_imputed_share: float = Field(0.3, ge=0, le=1, description="and at one of which more is imputed")
    most_effect_points: float = Field(
        1.0, ge=0, le=1000, description="and where imputation or outliers change the link by more points"
    )
    most_rate_percent: float = Field(10.0, ge=0, le=1000, description="and where the index moved by more in the month")
