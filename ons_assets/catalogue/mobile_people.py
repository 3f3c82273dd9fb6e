"""Tables of the people behind devices: for how many a device stands, and what several operators say together."""

import polars as pl

from ons_assets.catalogue import columns
from ons_assets.catalogue.mobile import OWNER
from ons_assets.lakehouse.disclosure import OfReleased
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

DEVICE_WEIGHTS = Table(
    name="mobile/device_weights",
    description="For how many people one device stands: 1, or less if its holder has another of the same operator.",
    columns=(
        columns.BUCKET,
        columns.OPERATOR,
        columns.USER,
        Column("twin_prior", pl.Float64(), "probability that its holder has another of the operator, by the market"),
        Column("twin_candidates", pl.Int32(), "devices that it was put side by side with"),
        Column("twin_probability", pl.Float64(), "probability that its holder has another, by what is seen of both"),
        Column("people_of_device", pl.Float64(), "people for whom it stands: 1 less half of that probability"),
    ),
    key=("operator", "user"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="mobile/daily_permanence, mobile/device_places, mobile/cells and the market of phones",
)

COMBINED_FLOWS = Table(
    name="mobile/combined_flows",
    description=(
        "Workers who live in one area and work in another, by what each operator says of them alone, and all of it put "
        "together."
    ),
    columns=(
        columns.OBSERVED,
        columns.ORIGIN,
        columns.DESTINATION,
        columns.OPERATORS,
        columns.FLOW,
        columns.FLOW_LOW,
        columns.FLOW_HIGH,
        columns.ERROR_OF_ESTIMATE,
    ),
    key=("observed", "origin", "destination"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=OfReleased(),
    owner=OWNER,
    source="mobile/operator_flows, mobile/aggregated_flows and the market of phones",
)

COMBINED_POPULATION = Table(
    name="mobile/combined_population",
    description=(
        "People in an area at an hour of the day, in the mean over the days of a kind, by what all operators say of it "
        "together."
    ),
    columns=(
        columns.OBSERVED,
        columns.DAY_TYPE,
        columns.HOUR,
        columns.AREA,
        columns.OPERATORS,
        Column("people_there", pl.Float64(), "people, estimated"),
        Column("people_low", pl.Float64(), "lower bound of the 95 % interval"),
        Column("people_high", pl.Float64(), "upper bound of the 95 % interval"),
        columns.ERROR_OF_ESTIMATE,
    ),
    key=("observed", "day_type", "hour", "area"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=OfReleased(),
    owner=OWNER,
    source="mobile/present_population of all operators, and the market of phones",
)
