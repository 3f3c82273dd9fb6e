"""Assets of this office's own methods."""

import polars as pl

from ons_assets.orchestration.assets import published
from ons_assets.own import self_containment as method


@published("own/self_containment", inputs=["reference/commuting_flows"])
def self_containment(commuting_flows: pl.LazyFrame) -> pl.DataFrame:
    """Say how far each area is a labour market of its own."""
    return method.self_containment(commuting_flows.collect())
