import json
from pathlib import Path

import dagster as dg

from ons_assets.catalogue import CATALOGUE
from ons_assets.definitions import ASSETS, SOURCES, build_definitions
from ons_assets.settings import Settings

SNAPSHOT = Path(__file__).with_name("asset_graph.json")


def test_definitions_load(settings: Settings) -> None:
    dg.Definitions.validate_loadable(build_definitions(settings))


def test_every_table_has_an_asset_and_the_graph_is_the_reviewed_one(settings: Settings) -> None:
    specs = build_definitions(settings).resolve_all_asset_specs()
    graph = {
        spec.key.to_user_string(): sorted(each.asset_key.to_user_string() for each in spec.deps)
        for spec in sorted(specs, key=lambda spec: spec.key)
    }
    assert set(CATALOGUE) <= set(graph)
    # A change of the graph shows in review: write the new one with json.dumps(graph, indent=2).
    assert graph == json.loads(SNAPSHOT.read_text())


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
        assert spec.group_name == table.domain


def test_every_source_has_a_sensor_that_is_on(settings: Settings) -> None:
    sensors = build_definitions(settings).sensors or []
    names = {source(settings).name for source in SOURCES.values()}
    assert {sensor.name for sensor in sensors} == {f"{name}_drops" for name in names}
    assert all(sensor.default_status is dg.DefaultSensorStatus.RUNNING for sensor in sensors)


def test_partitions_stay_within_what_the_ui_can_show() -> None:
    for asset in ASSETS:
        if asset.partitions_def is not None:
            assert asset.partitions_def.get_num_partitions() < 20_000
