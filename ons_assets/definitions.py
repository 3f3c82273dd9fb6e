"""The one entry point of Dagster."""

import dagster as dg
from dagster_duckdb import DuckDBResource

import ons_assets.governance.assets
import ons_assets.meters.assets
import ons_assets.mobile.assets
import ons_assets.prices.assets
import ons_assets.reference.assets
import ons_assets.tweets.assets
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.orchestration.sensors import drop_sensor
from ons_assets.settings import Settings, load_settings

ROOMS = (
    ons_assets.prices.assets,
    ons_assets.tweets.assets,
    ons_assets.meters.assets,
    ons_assets.mobile.assets,
    ons_assets.reference.assets,
    ons_assets.governance.assets,
)
ASSETS = [asset for room in ROOMS for asset in room.ASSETS]
SOURCES = {key: source for room in ROOMS for key, source in getattr(room, "SOURCES", {}).items()}


def following(raw: dg.AssetKey) -> dg.AssetSelection:
    """Return a raw asset and what follows from it, as far as it can be made in the same run.

    Where the raw asset has no days, assets by day are left out: the run could not say which.
    """
    partitions = {key: asset.partitions_def for asset in ASSETS for key in asset.keys}
    apart = [key for key, definition in partitions.items() if definition not in (None, partitions[raw])]
    return dg.AssetSelection.assets(raw).downstream() - dg.AssetSelection.assets(*apart)


def build_definitions(settings: Settings | None = None) -> dg.Definitions:
    """Return assets, checks, sensors and resources of one home."""
    settings = settings or load_settings()
    return dg.Definitions(
        assets=ASSETS,
        sensors=[drop_sensor(source, following(key), source(settings).name) for key, source in SOURCES.items()],
        # One process a run: a step for each asset would import everything anew, and two at once would need
        # the memory of both.
        executor=dg.in_process_executor,
        resources={"lakehouse": Lakehouse.of(settings), "duckdb": DuckDBResource(database=":memory:")},
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions of `$ONS_ASSETS_HOME`."""
    return build_definitions()
