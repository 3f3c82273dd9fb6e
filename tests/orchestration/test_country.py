"""An installation of another country: its grid, its clock and its areas, from the files to the anchors of people."""

import json
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pyproj
import pytest

from benchmarks.mobile_flows import whereabouts_of
from ons_assets import operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.definitions import build_definitions
from ons_assets.engine.local import worked_here
from ons_assets.geography.grid import Grid
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.mobile.anchors import found_anchors
from ons_assets.mobile.event_quality import hours_of
from ons_assets.mobile.plan import cell_plan
from ons_assets.mobile.sources import CellFiles, EventFiles
from ons_assets.mobile.spans import worked_spans
from ons_assets.parameters.calendar import InstallationCalendar
from ons_assets.parameters.geography import Country
from ons_assets.settings import BadSettings, Settings, load_settings
from ons_assets.tweets.sources import TweetFiles
from tests.test_layout_commands import command

NEW_YORK = Country(crs="EPSG:32618", time_zone="America/New_York")
BEIJING = Country(crs="EPSG:32650", time_zone="Asia/Shanghai")
HOME_PLACE, OFFICE = (40.68, -73.97), (40.755, -73.985)
# The form in which check-ins of New York are public: no header, and the clock of Greenwich.
LAYOUT = r"""
name: checkins
files: "checkins*.txt"
encoding: latin-1
delimiter: "\t"
header: false
names: [user, venue, category_id, category, lat, lon, offset, time]
columns: {user: user, time: time, latitude: lat, longitude: lon}
time_formats: ["%a %b %d %H:%M:%S %z %Y"]
"""
DAYS = 45


def checkins() -> bytes:
    """Evenings at home, after midnight in Greenwich, and noons at work, of three people; three rows are elsewhere."""
    rng = np.random.default_rng(4)
    rows = []
    for user in range(3):
        for day in range(DAYS):
            for hour, place, venue in ((22.5, HOME_PLACE, "Home (private)"), (12, OFFICE, "Café")):
                local = datetime(2012, 4, 2, tzinfo=ZoneInfo("America/New_York")) + timedelta(days=day)
                moment = (local.replace(hour=int(hour), minute=int(hour % 1 * 60))).astimezone(UTC)
                # A second apart, for a machine tweets by the clock.
                moment += timedelta(minutes=int(rng.integers(0, 30)), seconds=int(rng.integers(0, 60)))
                latitude, longitude = rng.normal(place, 2e-5) + user * 0.01
                rows.append((user, venue, latitude, longitude, moment))
    rows += [
        (0, "Pub", 51.5, -0.1, datetime(2012, 4, 20, 12, tzinfo=UTC)),
        (0, "Port Royal", 17.94, -76.84, datetime(2012, 4, 20, 13, tzinfo=UTC)),
        (0, "Bar", 40.7, -74.0, datetime(2011, 12, 31, 23, tzinfo=UTC)),
    ]
    lines = [
        f"{user}\tv\tc\t{venue}\t{latitude:.8f}\t{longitude:.8f}\t-240\t{moment:%a %b %d %H:%M:%S +0000 %Y}\n"
        for user, venue, latitude, longitude, moment in rows
    ]
    return "".join(lines).encode("latin-1")


def boroughs() -> bytes:
    """Squares around both places, as maps of the web have them."""
    project = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True).transform
    features = []
    for name, (latitude, longitude) in (("BROOKLYN", HOME_PLACE), ("MANHATTAN", OFFICE)):
        corners = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
        ring = [list(project(longitude + 0.035 * x, latitude + 0.035 * y)) for x, y in corners]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": {"area": name}, "geometry": geometry})
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}
    return json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}).encode()


def settings_of(home: Path, country: Country, first_day: date) -> Settings:
    home.mkdir(exist_ok=True)
    return Settings(home=home, geography=country, calendar=InstallationCalendar(first_day=first_day))


def take(settings: Settings, source: str, name: str, content: bytes) -> None:
    path = settings.home.parent / name
    path.write_bytes(content)
    operations.take(settings, [path], source, lambda _: None)
    assert all(outcome.success for outcome in operations.read_waiting(settings, lambda _: None))


def rows(settings: Settings, table: str) -> pl.DataFrame:
    return lake.read(Home(settings.home), CATALOGUE[table]).collect()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("new_york") / "home"
    made = settings_of(home, NEW_YORK, date(2012, 1, 1))
    operations.open_home(made)
    (home / "layouts" / "tweets" / "checkins.yaml").write_text(LAYOUT)
    take(made, "tweets", "checkins.txt", checkins())
    assert operations.make(made, ["tweets/located_tweets", "tweets/clusters"], None, lambda _: None).success
    return made


def test_new_york_goes_the_whole_road(settings: Settings) -> None:
    [drop] = operations.drops_by_status(settings).filter(source="tweets").iter_rows(named=True)
    assert (drop["accepted_rows"], drop["quarantined_rows"]) == (6 * DAYS + 2, 1)
    [said] = operations.remarks(settings).filter(source="tweets")["remark"]
    assert "1 position outside the area of EPSG:32618 (WGS 84 / UTM zone 18N)" in said
    assert "1 row: day is before 2012-01-01" in said
    # Without areas the country is where its grid is meant to be used: Jamaica is, London is not.
    for table in ("located_tweets", "clusters"):
        assert set(rows(settings, f"tweets/{table}")["area_method"]) == {"no_areas"}
        assert rows(settings, f"tweets/{table}")["area"].null_count() == len(rows(settings, f"tweets/{table}"))
    assert len(rows(settings, "tweets/located_tweets")) == 6 * DAYS + 1

    take(settings, "areas", "boroughs.geojson", boroughs())
    assert operations.make(settings, ["tweets"], None, lambda _: None).success
    located = rows(settings, "tweets/located_tweets")
    # With areas it is where one of them is near.
    assert len(located) == 6 * DAYS
    assert set(located["area_method"]) == {"boundary"}
    assert sorted(set(located["hour"])) == [12, 22]
    assert located["local_date"].min() == date(2012, 4, 2)
    anchors = rows(settings, "tweets/user_anchors")
    found = anchors.group_by("anchor", "area").len().sort("anchor").rows()
    assert found == [("home", "BROOKLYN", 3), ("work", "MANHATTAN", 3)]
    homes = anchors.filter(anchor="home")
    latitude, longitude = Grid.of(NEW_YORK).from_grid(homes["easting_m"], homes["northing_m"])
    offset = np.array([np.sort(latitude), np.sort(longitude)]) - np.array([HOME_PLACE]).T - np.arange(3) * 0.01
    assert np.abs(offset).max() < 2e-5
    recorded = lake.latest(Home(settings.home), CATALOGUE["tweets/located_tweets"])
    assert recorded is not None
    assert recorded.provenance is not None
    assert recorded.provenance.settings["geography"]["crs"] == "EPSG:32618"


def test_another_grid_is_refused_in_a_home_with_files(settings: Settings) -> None:
    other = settings.model_copy(update={"geography": Country(crs="EPSG:32617", time_zone="America/New_York")})
    for refuses in (operations.open_home, build_definitions):
        with pytest.raises(BadSettings, match=r"read on the grid EPSG:32618, and geography\.crs says EPSG:32617"):
            refuses(other)  # type: ignore[operator]
    operations.open_home(settings)


def test_files_that_were_read_by_another_clock_are_told(settings: Settings) -> None:
    other = settings.model_copy(update={"geography": Country(crs="EPSG:32618", time_zone="Asia/Tokyo")})
    stale = dict(operations.stale_drops(other).iter_rows())
    assert stale == {"tweets": 1}
    assert operations.stale_drops(settings).is_empty()


def test_positions_of_another_country_are_refused_with_both_sides(tmp_path: Path) -> None:
    source = TweetFiles.of(settings_of(tmp_path / "home", NEW_YORK, date(2012, 1, 1)))
    path = tmp_path / "points.csv"
    path.write_text("user,time,lat,lon\n7,2015-03-01T12:00:00Z,39.98,116.32\n8,2015-03-01T12:00:00Z,-74.0,40.7\n")
    with pytest.raises(
        Unreadable, match=r"has 1 positions and none in the area of EPSG:32618 \(WGS 84 / UTM"
    ) as raised:
        source.whole(path, path.name, datetime(2016, 1, 1, tzinfo=UTC))
    assert raised.value.rejected["reason"].to_list() == ["position has its axes swapped"]


def test_beijing_goes_from_its_file_to_its_anchors(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GPS fixes of two people, every fortieth of them, by the command line alone."""
    home = tmp_path / "home"
    (home / "layouts" / "tweets").mkdir(parents=True)
    (home / "ons-assets.toml").write_text(
        "[calendar]\nfirst_day = 2008-01-01\n"
        '[geography]\ncrs = "EPSG:32650"\ntime_zone = "Asia/Shanghai"\nholidays = "CN"\n'
        "[tweets.users]\ntweets_per_hour = 4000\n"
    )
    (home / "layouts" / "tweets" / "geolife.yaml").write_text(
        "name: geolife\nfiles: '*geolife*'\nzone: UTC\n"
        "columns: {user: uid, time: datetime, latitude: lat, longitude: lng}\n"
    )
    every = pl.read_csv(shared_data / "geo" / "traces" / "geolife_sample.csv.gz", infer_schema=False)
    fixes = every.gather_every(40)
    fixes.write_csv(tmp_path / "geolife.csv")
    monkeypatch.setenv("ONS_ASSETS_HOME", str(home))
    command("ingest", tmp_path / "geolife.csv", "--source", "tweets")
    command("materialize", *(f"tweets/{name}" for name in ("located_tweets", "clusters", "users", "user_anchors")))
    settings = load_settings(home)
    located, anchors = rows(settings, "tweets/located_tweets"), rows(settings, "tweets/user_anchors")
    # Fixes of journeys beyond the zone of the grid are left out.
    inside = Grid.of(BEIJING).covers(*(fixes[name].cast(pl.Float64) for name in ("lat", "lng")))
    assert len(located) == inside.sum() > 0.95 * len(fixes)
    assert (located["hour"] == located["created_utc"].dt.offset_by("8h").dt.hour()).all()
    latitude, longitude = Grid.of(BEIJING).from_grid(located["easting_m"], located["northing_m"])
    moments = fixes.filter(pl.Series(inside)).with_columns(
        created_utc=pl.col("datetime").str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", time_zone="UTC")
    )
    back = pl.DataFrame({"created_utc": located["created_utc"], "latitude": latitude, "longitude": longitude}).sort(
        pl.all()
    )
    given = moments.select("created_utc", pl.col("lat", "lng").cast(pl.Float64)).sort(pl.all())
    assert (back["created_utc"] == given["created_utc"]).all()
    assert (back["latitude"] - given["lat"]).abs().max() < 1e-6  # type: ignore[operator]
    assert (back["longitude"] - given["lng"]).abs().max() < 1e-6  # type: ignore[operator]
    homes = anchors.filter(anchor="home")
    assert homes["user"].n_unique() == 2
    # Both live in Haidian, to the north-west of the city's middle, and nobody knows where exactly.
    latitude, longitude = Grid.of(BEIJING).from_grid(homes["easting_m"], homes["northing_m"])
    assert np.abs(latitude - 40.0).max() < 0.05
    assert np.abs(longitude - 116.3).max() < 0.05


def test_phones_of_new_york_sleep_by_its_clock(tmp_path: Path) -> None:
    cells, events = tmp_path / "cells.csv", tmp_path / "events.csv"
    sites = (("home", HOME_PLACE), ("office", OFFICE), ("abroad", (51.5, -0.1)))
    cells.write_text(
        "operator,cell_id,latitude,longitude,valid_from\n"
        + "".join(f"north,{name},{lat},{lon},2012-01-01\n" for name, (lat, lon) in sites)
    )
    moments = [
        (local.replace(hour=hour).astimezone(UTC), site)
        for day in range(28)
        for local in [datetime(2012, 4, 2, tzinfo=ZoneInfo("America/New_York")) + timedelta(days=day)]
        for hour, site in ((0, "home"), (3, "home"), (5, "home"), (10, "office"), (13, "office"), (16, "office"))
    ]
    events.write_text(
        "operator,device,time_utc,cell_id\n"
        + "".join(f"north,1,{moment:%Y-%m-%dT%H:%M:%S}Z,{site}\n" for moment, site in moments)
        + "north,1,2011-12-31T12:00:00Z,home\n"
    )
    made, received = settings_of(tmp_path / "home", NEW_YORK, date(2012, 1, 1)), datetime(2013, 1, 1, tzinfo=UTC)
    plan_rows = CellFiles.of(made).whole(cells, cells.name, received)
    assert plan_rows.warnings == (
        "1 row: lies outside of the area of EPSG:32618 (WGS 84 / UTM zone 18N), and has no place on the grid",
    )
    heard = EventFiles.of(made).whole(events, events.name, received)
    assert heard.rejected["reason"].to_list() == ["day is before 2012-01-01"]
    assert heard.accepted["event_date"].min() == date(2012, 4, 2)
    plan = cell_plan(plan_rows.accepted.with_columns(arrival=1), Grid.of(NEW_YORK))
    far = np.hypot(np.diff(plan.x_m), np.diff(plan.y_m))
    assert far.max() > 4_000_000, "London is where an ocean lies between"
    [(found, made_of)] = worked_here(
        worked_spans([heard.accepted], plan, partial(found_anchors, plan=plan), time_zone=NEW_YORK.time_zone)
    )
    named = found.join(made_of.cells, on=["user", "place"]).join(plan.cells, on="cell")
    assert dict(named.select("anchor", "cell_id").rows()) == {"home": "home", "work": "office"}
    parts = plan.cells.drop_nulls("easting_m").select(
        part="cell_id", area="cell_id", easting_m="easting_m", northing_m="northing_m", residents=pl.lit(1.0)
    )
    where = whereabouts_of(plan, parts, grid=Grid.of(NEW_YORK))
    located = named.filter(anchor="home").select("user", "place", "cell", "events")
    assert where.of_places(located).sort("probability")["area"].to_list()[-1] == "home"
    assert [hours_of(date(2012, 3, day), NEW_YORK.time_zone) for day in (11, 25)] == [23, 24]
