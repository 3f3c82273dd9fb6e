"""Tables of what all sources say of an area: side by side, and together."""

import polars as pl

from ons_assets.catalogue import columns
from ons_assets.lakehouse.disclosure import OfReleased
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

OWNER = "team:governance"

COMBINED_ESTIMATES = Table(
    name="governance/combined_estimates",
    description=(
        "What one source says of the residents or the vacant dwellings of one area in one month; of residents also "
        "what the register alone says (synthetic), and one estimate of all that is said (combined)."
    ),
    columns=(
        columns.AREA_LEVEL,
        columns.AREA,
        columns.MONTH,
        Column("told_of", pl.String(), "residents or vacant_dwellings"),
        Column(
            "told_by",
            pl.String(),
            "meters, phones or tweets; synthetic: the residents of the register; combined: all of them",
        ),
        Column("told_figure", pl.Float64(), "people or dwellings; of a source with its bias"),
        Column("told_low", pl.Float64(), "lower end of the interval: of a source, of what it states", nullable=True),
        Column("told_high", pl.Float64(), "upper end of the interval; null of synthetic", nullable=True),
        Column(
            "source_bias",
            pl.Float64(),
            "by how much the source says more in all areas, in people than the combined estimate, in dwellings than "
            "meters; null where it is none of a source",
            nullable=True,
        ),
        Column(
            "source_weight",
            pl.Float64(),
            "its weight in the combined estimate; with that of synthetic they are 1; null of vacant dwellings",
            nullable=True,
        ),
    ),
    key=("area", "month", "told_of", "told_by"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=OfReleased(),
    owner=OWNER,
    source=(
        "meters/area_occupancy, meters/area_household_size, mobile/combined_population, tweets/migration_comparison, "
        "reference/population, reference/dwellings, reference/areas and reference/area_parts"
    ),
)


def _with_interval(name: str, description: str) -> tuple[Column, Column, Column]:
    return (
        Column(name, pl.Float64(), description, nullable=True),
        Column(f"{name}_low", pl.Float64(), "lower end of its interval", nullable=True),
        Column(f"{name}_high", pl.Float64(), "upper end of its interval", nullable=True),
    )


AREA_PROFILE = Table(
    name="governance/area_profile",
    description=(
        "What all sources say of one area in one month: occupancy and households, people present, commuters, movers, "
        "residents, and the prices that its households meet. Null where a source does not speak, or may not."
    ),
    columns=(
        columns.AREA_LEVEL,
        columns.AREA,
        columns.MONTH,
        columns.POPULATION.or_null(),
        columns.DWELLINGS.or_null(),
        columns.HOMES.or_null(),
        *_with_interval(
            "vacant_share", "share of the homes that nobody lives in, and that are no second homes: meters"
        ),
        *_with_interval("vacant", "that share of the dwellings"),
        *_with_interval("households", "dwellings that are lived in: meters"),
        columns.MEAN_PEOPLE.or_null(),
        *_with_interval("night_people", "people present in a night of a weekday: phones"),
        *_with_interval("day_people", "people present in the middle of a weekday: phones"),
        Column("people_period", pl.String(), "days of the phones that say so", nullable=True),
        *_with_interval("commuters_in", "workers who come from other areas, in flows that are told: phones"),
        *_with_interval("commuters_out", "workers who leave for other areas, in flows that are told: phones"),
        Column("commuting_period", pl.String(), "days of the phones that say so", nullable=True),
        *_with_interval("moved_in", "people who moved there from other areas, in flows that are told: tweets"),
        *_with_interval("moved_out", "people who moved to other areas, in flows that are told: tweets"),
        Column(
            "moves_period",
            pl.String(),
            "the month, or the year whose moves these are, where none is told of the month",
            nullable=True,
        ),
        *_with_interval("price_index", "index of the prices that its households meet, 100 in price_base: retailers"),
        Column("price_base", pl.String(), "month in which the price index is 100", nullable=True),
        Column(
            "price_coverage",
            pl.Float64(),
            "share of what its households spend on groceries at retailers with prices",
            nullable=True,
        ),
        *_with_interval("residents_together", "residents by all sources together, as the register counts them"),
        Column("quality_flags", pl.String(), "codes of what is to be known of the row, with commas", nullable=True),
        Column("caution", pl.String(), "the same in sentences; null where there is nothing to say", nullable=True),
    ),
    key=("area", "month"),
    sensitivity=Sensitivity.AGGREGATE,
    # A row is worked out from figures that left their own tables, and from public ones: who has these knows the row.
    disclosure=OfReleased(),
    owner=OWNER,
    source=(
        "meters/area_occupancy, meters/area_household_size, mobile/combined_population, mobile/combined_flows, "
        "mobile/weighted_flows, mobile/quality_warnings, tweets/migration_flows, prices/area_indices, "
        "governance/combined_estimates, reference/population, reference/dwellings, reference/areas and "
        "reference/area_parts"
    ),
)
