"""The one entry point of Dagster: whatever the modules `raw.py` and `assets.py` of the rooms define."""

from collections.abc import Iterator, Set
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_duckdb import DuckDBResource

import ons_assets
from ons_assets import garbage
from ons_assets.governance import assets as accounts
from ons_assets.governance.register import Register, register_of
from ons_assets.intake.one_grid import check_grid
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.overlays import load
from ons_assets.lakehouse.suites import Suite, SuiteError
from ons_assets.lakehouse.tables import Table
from ons_assets.orchestration import collecting
from ons_assets.orchestration.accounting import accounts_sensor
from ons_assets.orchestration.alerting import alerts_sensor
from ons_assets.orchestration.assets import DeclaredAsset, DerivedAsset, RawAsset, ingested
from ons_assets.orchestration.following import following_sensor
from ons_assets.orchestration.housekeeping import tidied_at_night
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.orchestration.retention import at_night
from ons_assets.orchestration.sensors import Fed, drop_sensor
from ons_assets.raw_tables import RAW_TABLES, sources
from ons_assets.settings import Settings, load_settings


def _defined() -> Iterator[dg.AssetsDefinition | DeclaredAsset]:
    for path in sorted(Path(ons_assets.__path__[0]).glob("*/assets.py")):
        module = import_module(f"ons_assets.{path.parent.name}.assets")
        yield from (each for each in vars(module).values() if isinstance(each, dg.AssetsDefinition | DeclaredAsset))


RAW = tuple(ingested(declared) for declared in RAW_TABLES)
ASSETS = (*RAW, *_defined())
ACCOUNTS = frozenset(key for each in accounts.ACCOUNTS for key in each.keys)
ACCOUNTS_OF_FILES = frozenset(key for each in accounts.ACCOUNTS_OF_FILES for key in each.keys)
# Tables are made of the ledger, too; whatever else is an account is made at the end.
AT_THE_END = ACCOUNTS - {*accounts.drop_ledger.keys}
# Of what is made by day, the raw table whose days they are.
DAYS_OF = {
    key: each.days_of
    for each in ASSETS
    if isinstance(each, DeclaredAsset) and each.days_of is not None
    for key in each.keys
}
DATED = frozenset(DAYS_OF)
# What is made of other tables, and by itself when they change.
FOLLOWING = tuple(each for each in ASSETS if isinstance(each, DerivedAsset) and not {*each.keys} & AT_THE_END)


def following(raw: RawAsset) -> dg.AssetSelection:
    """Return a raw asset and what follows from it, as far as it can be made in the same run.

    Assets by other days than those of the raw asset are left out: the run could not say which. What is made at the end
    has runs of its own, whatever came of this one.
    """
    apart = [key for key, table in DAYS_OF.items() if table != raw.table]
    return dg.AssetSelection.assets(raw.key).downstream() - dg.AssetSelection.assets(*apart, *AT_THE_END)


def sensor_of_files(settings: Settings) -> dg.SensorDefinition:
    """Return the sensor that looks into the drop folders of one home."""
    return drop_sensor([Fed(raw.source(settings).name, raw, following(raw)) for raw in RAW])


def assets_of(settings: Settings, only: Set[dg.AssetKey] | None = None) -> list[dg.AssetsDefinition]:
    """Return the assets of one home.

    Parameters
    ----------
    only
        Keys of those that are wanted, with what is made together with them; None for all.
    """
    home = Home(settings.home)
    wanted = frozenset(each for each in range(len(ASSETS)) if only is None or only & {*ASSETS[each].keys})
    return list(_assets_from(settings.expectations, home.expectations, wanted))


@cache
def _assets_from(expectations: Path, overlays: Path, wanted: frozenset[int]) -> tuple[dg.AssetsDefinition, ...]:
    def suite_of(table: Table) -> Suite | None:
        # A suite that cannot be used is refused where its table is made, and keeps no other from being made.
        with suppress(SuiteError):
            return load(expectations, table.name, overlays)
        return None

    declared = [ASSETS[number] for number in sorted(wanted)]
    return tuple(each.of(suite_of) if isinstance(each, DeclaredAsset) else each for each in declared)


def registered(asset: dg.AssetsDefinition, register: Register) -> dg.AssetsDefinition:
    """Return an asset with the people as owners who answer for it, and when it would be late."""

    def said(spec: dg.AssetSpec) -> dg.AssetSpec:
        entry = register.get(spec.key.to_user_string())
        if entry is None:
            return spec.replace_attributes(owners=[register.teams[team].contact for team in spec.owners])
        silence = entry.update_cycle.longest_silence
        late = dg.FreshnessPolicy.time_window(fail_window=silence) if silence is not None else None
        return spec.replace_attributes(owners=[entry.owner.contact], freshness_policy=late)

    return asset.map_asset_specs(said)


def build_definitions(settings: Settings | None = None) -> dg.Definitions:
    """Return assets, checks, sensors and resources of one home.

    Raises
    ------
    BadSettings
        If the home is on another grid than its settings say.
    RegisterError
        If its register cannot be used, or a table has no owner.
    """
    settings = settings or load_settings()
    register = checked_register(settings)
    return dg.Definitions(
        assets=[registered(asset, register) for asset in assets_of(settings)],
        sensors=[
            sensor_of_files(settings),
            following_sensor(FOLLOWING, ACCOUNTS),
            accounts_sensor(dg.AssetSelection.assets(*ACCOUNTS)),
            alerts_sensor,
        ],
        schedules=[
            at_night(settings.geography.time_zone),
            tidied_at_night(settings.geography.time_zone),
            *collecting.schedules(Home(settings.home), settings.geography.time_zone),
        ],
        **_to_run_with(settings),
    )


def definitions_of(settings: Settings, keys: Set[dg.AssetKey]) -> dg.Definitions:
    """Return the definitions of some assets of one home alone, for a run of these in this process.

    All of a home are as many as take a second to define; a run of a few has no need of the others.

    Parameters
    ----------
    settings
        Of the home.
    keys
        Of the assets.

    Raises
    ------
    BadSettings, RegisterError
        As `build_definitions`.
    """
    register = checked_register(settings)
    assets = [registered(asset, register) for asset in assets_of(settings, keys)]
    return dg.Definitions(assets=assets, **_to_run_with(settings))


def checked_register(settings: Settings) -> Register:
    """Return the register of a home of which something can be made.

    Raises
    ------
    BadSettings, RegisterError
        As `build_definitions`.
    """
    check_grid(Home(settings.home), sources(settings))
    register = register_of(Home(settings.home))
    register.check_sources({raw.source(settings).name: raw.name for raw in RAW_TABLES})
    return register


def _to_run_with(settings: Settings) -> dict[str, Any]:
    return {
        # One process a run: a step for each asset would import everything anew, and two at once would need
        # the memory of both.
        "executor": dg.in_process_executor,
        "resources": {"lakehouse": Lakehouse.of(settings), "duckdb": DuckDBResource(database=":memory:")},
    }


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions of `$ONS_ASSETS_HOME`, in a process of Dagster's."""
    garbage.look_seldom()
    return build_definitions()
