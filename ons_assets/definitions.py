"""The one entry point of Dagster: whatever the modules `assets.py` of the rooms define."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import dagster as dg
from dagster_duckdb import DuckDBResource

import ons_assets
from ons_assets.orchestration.assets import RawAsset
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.orchestration.sensors import drop_sensor
from ons_assets.settings import Settings, load_settings


def _defined() -> Iterator[dg.AssetsDefinition | RawAsset]:
    for path in sorted(Path(ons_assets.__path__[0]).glob("*/assets.py")):
        module = import_module(f"ons_assets.{path.parent.name}.assets")
        yield from (each for each in vars(module).values() if isinstance(each, dg.AssetsDefinition | RawAsset))


_DEFINED = tuple(_defined())
RAW = tuple(each for each in _DEFINED if isinstance(each, RawAsset))
ASSETS = [each.asset if isinstance(each, RawAsset) else each for each in _DEFINED]


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
        sensors=[drop_sensor(raw, following(raw.asset.key), raw.source(settings).name) for raw in RAW],
        # One process a run: a step for each asset would import everything anew, and two at once would need
        # the memory of both.
        executor=dg.in_process_executor,
        resources={"lakehouse": Lakehouse.of(settings), "duckdb": DuckDBResource(database=":memory:")},
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions of `$ONS_ASSETS_HOME`."""
    return build_definitions()
