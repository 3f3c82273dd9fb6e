"""Tables of this office's own methods."""

import polars as pl

from ons_assets.catalogue import columns
from ons_assets.lakehouse.disclosure import OfReleased
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

SELF_CONTAINMENT = Table(
    name="own/self_containment",
    description="How far an area is a labour market of its own, by one benchmark of travel to work.",
    columns=(
        Column("benchmark", pl.String(), "which census or survey"),
        columns.AREA,
        Column("lives_and_works", pl.Float64(), "workers who live in the area and work in it"),
        Column("of_residents", pl.Float64(), "their share of the workers who live there", nullable=True),
        Column("of_jobs", pl.Float64(), "their share of the workers who work there", nullable=True),
    ),
    key=("benchmark", "area"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=OfReleased(),
    owner="team:own",
    source="reference/commuting_flows",
)
