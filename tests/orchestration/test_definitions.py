from collections import Counter
from pathlib import Path

import dagster as dg

import ons_assets
from ons_assets.catalogue import CATALOGUE
from ons_assets.definitions import ASSETS, DAYS_OF, RAW, assets_of, build_definitions
from ons_assets.orchestration.partitions import partitions_of
from ons_assets.settings import Settings


def test_definitions_load(settings: Settings) -> None:
    dg.Definitions.validate_loadable(build_definitions(settings))


def test_every_table_has_exactly_one_asset() -> None:
    made = Counter(key.to_user_string() for asset in ASSETS for key in asset.keys)
    assert set(CATALOGUE) <= set(made)
    assert set(made.values()) == {1}


def test_whatever_passes_a_gate_is_declared() -> None:
    assets = assets_of(Settings())
    checked = {key.asset_key.to_user_string() for asset in assets for key in asset.check_keys}
    assert checked == set(CATALOGUE)


def test_whatever_an_asset_needs_is_made_by_another(settings: Settings) -> None:
    specs = build_definitions(settings).resolve_all_asset_specs()
    made = {spec.key for spec in specs}
    for spec in specs:
        assert {each.asset_key for each in spec.deps} <= made - {spec.key}, spec.key


def test_rooms_with_assets_are_found(settings: Settings) -> None:
    room = Path(ons_assets.__path__[0])
    rooms = {path.parent.name for name in ("raw.py", "assets.py") for path in room.glob(f"*/{name}")}
    groups = {spec.group_name for spec in build_definitions(settings).resolve_all_asset_specs()}
    assert groups == {table.domain for table in CATALOGUE.values()}
    assert groups <= rooms


def test_a_raw_table_is_filled_by_the_source_of_its_asset(settings: Settings) -> None:
    for raw in RAW:
        assert raw.source(settings).table == raw.table
    names = [raw.source(settings).name for raw in RAW]
    assert len(set(names)) == len(names)
    assert all(len(raw.source(settings).files_are) > 10 for raw in RAW)


def test_an_asset_shows_what_the_registry_declares(settings: Settings) -> None:
    for spec in build_definitions(settings).resolve_all_asset_specs():
        table = dict.get(CATALOGUE, spec.key.to_user_string())
        assert spec.description
        assert spec.owners
        if table is None:
            continue
        columns = spec.metadata["dagster/column_schema"].columns
        assert [column.name for column in columns] == table.column_names
        assert all(column.description for column in columns)
        assert spec.tags["sensitivity"] == table.sensitivity.value
        (code,) = spec.metadata["dagster/code_references"].code_references
        assert table.domain in Path(code.file_path).parts, "the code of the method, not of the road"
        assert spec.group_name == table.domain


def test_one_sensor_feeds_all_sources_and_those_with_days_have_a_job_that_reads(settings: Settings) -> None:
    sensors = {sensor.name: sensor for sensor in build_definitions(settings).sensors or []}
    assert sensors.keys() == {"drops", "follow", "accounts", "alerts"}
    assert all(sensor.default_status is dg.DefaultSensorStatus.RUNNING for sensor in sensors.values())
    names = {raw.source(settings).name: raw.by_day for raw in RAW}
    jobs = {*(f"publish_{name}" for name in names), *(f"read_{name}" for name, by_day in names.items() if by_day)}
    assert {target.job_name for target in sensors["drops"].targets} == jobs


def test_what_is_made_by_day_has_the_days_of_one_raw_table(settings: Settings) -> None:
    raw = {key for each in RAW if each.by_day for key in each.keys}
    for spec in build_definitions(settings).resolve_all_asset_specs():
        assert (spec.partitions_def is not None) == (spec.key in DAYS_OF)
        if spec.key in DAYS_OF:
            assert spec.partitions_def == partitions_of(DAYS_OF[spec.key])
            # A run has the days of one table only; what is made of several would never be made by a drop.
            assert {each.asset_key for each in spec.deps} & raw <= {dg.AssetKey(DAYS_OF[spec.key].split("/"))}
