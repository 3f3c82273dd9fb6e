"""Eurostat's synthetic sample, dirty on purpose, through the operator's side: all faults counted, none fatal."""

from datetime import UTC, datetime

import polars as pl
import pytest

from ons_assets.geography.areas import Areas
from ons_assets.lakehouse.home import Home
from ons_assets.mobile.anchors import anchored_spans, device_anchors
from ons_assets.mobile.coverage import coverage
from ons_assets.mobile.event_quality import event_quality
from ons_assets.mobile.footprints import footprints
from ons_assets.mobile.plan import cell_plan
from ons_assets.mobile.sources import CellFiles, EventFiles
from ons_assets.mobile.tile_grids import COUNTRY, on_grid
from ons_assets.mobile.versions import network_versions
from ons_assets.parameters.mobile import Mobile
from ons_assets.settings import Settings

RECEIVED = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def sample(settings, shared_data):
    folder = shared_data / "geo" / "mobile"
    network, events = (folder / f"multimno_synthetic_{name}.parquet" for name in ("network", "events"))
    return (
        cell_plan(CellFiles.of(settings).whole(network, network.name, RECEIVED).accepted.with_columns(arrival=1)),
        EventFiles.of(settings).whole(events, events.name, RECEIVED).accepted,
    )


def test_every_event_is_kept_or_counted(sample):
    plan, events = sample
    preset = Mobile(preset="multimno")
    [(found, made)] = list(
        anchored_spans(
            [events], plan, cleaning=preset.cleaning, stays=preset.stays, anchors=preset.anchors, workers=preset.workers
        )
    )
    assert sum(made.counts.values()) == len(events) == 620
    # As multimno finds them: the plan ends with the tenth.
    assert made.counts["cell_not_valid"] == 127
    # Rows that come again were rejected.
    assert made.counts["duplicates"] == 0 == len(events) - len(events.unique(["user", "time_utc", "cell_id"]))
    assert made.cells["events"].sum() == sum(made.counts[name] for name in ("kept", "ping_pong", "suspicious"))
    assert set(found["user"]) <= set(events["user"])


def test_the_plan_places_its_cells_in_metres_though_they_are_in_madrid(sample):
    plan, events = sample
    assert len(plan.cells) == 30
    # The sample lies within a few kilometres of the middle of Madrid.
    assert plan.x_m.max() - plan.x_m.min() < 10_000
    quality = event_quality(events.lazy(), plan)
    assert quality["events"].sum() == 620
    assert quality["cell_not_valid"].to_list() == [0, 0, 0, 0, 127]
    assert quality["devices_seen"].to_list() == [5, 5, 5, 5, 0]


def test_areas_of_britain_hold_none_of_it(sample):
    plan, events = sample
    areas = Areas(pl.DataFrame({"area": ["A"], "easting_m": [400_000.0], "northing_m": [300_000.0]}))
    shares = coverage(plan, areas)
    assert shares.is_empty()
    assert all(part.is_empty() for part in device_anchors([events], plan, shares))


def test_on_the_grid_of_its_country_every_cell_of_it_has_a_place(tmp_path, shared_data):
    home = Home(tmp_path / "home").ensure().root
    spain = Settings(home=home, geography={"crs": "EPSG:25830", "time_zone": "Europe/Madrid"})
    path = shared_data / "geo" / "mobile" / "multimno_synthetic_network.parquet"
    parsed = CellFiles.of(spain).whole(path, path.name, RECEIVED)
    assert parsed.accepted["easting_m"].null_count() == 0
    assert parsed.warnings == ()
    [made] = footprints(on_grid(network_versions(parsed.accepted.with_columns(arrival=1)), COUNTRY))
    assert made["cell_id"].n_unique() == 30
