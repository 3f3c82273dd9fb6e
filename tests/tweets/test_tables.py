from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from ons_assets.intake.pseudonyms import pseudonym
from ons_assets.intake.unreadable import Unreadable
from tests.tweets.statuses import RECEIVED

FLICKR = """
name: flickr
files: "*flickr*"
columns: {user: user, time: date_taken, latitude: latitude, longitude: longitude}
zone: Europe/London
first_day: 1900-01-01
"""
GEOLIFE = """
name: geolife
files: "*geolife*"
columns: {user: uid, time: datetime, latitude: lat, longitude: lng}
zone: UTC
first_day: 2000-01-01
"""


@pytest.fixture
def own(tmp_path):
    def add(name, text):
        folder = tmp_path / "layouts"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text)

    return add


@pytest.fixture
def read(source, tmp_path):
    def parse(text, name="points.csv"):
        path = tmp_path / name
        path.write_text(text)
        return source.whole(path, name, RECEIVED)

    return parse


def test_a_table_with_the_built_in_layout(read, source):
    parsed = read("user,time,lat,lon\n7,2015-03-01T12:00:00Z,51.5,-0.1\n8,2015-07-01T12:00:00+01:00,51.5,-0.1\n")
    assert parsed.accepted["created_utc"].to_list() == [
        datetime(2015, 3, 1, 12, tzinfo=UTC),
    ]
    assert parsed.rejected["reason"].to_list() == ["time is in the future"]
    assert parsed.accepted["user"][0] == pseudonym("7", source.home.secret())


@pytest.mark.parametrize("written", ["921666319", "921666319.0", "9.21666319e8", " 921666319 "])
def test_user_ids_written_as_floats_are_the_same_user(read, source, written):
    parsed = read(f"user,time,lat,lon\n{written},2015-03-01T12:00:00Z,51.5,-0.1\n")
    assert parsed.accepted["user"].to_list() == [pseudonym("921666319", source.home.secret())]


@pytest.mark.parametrize("written", ["1.2345678901234567e18", "12.5", ""])
def test_user_ids_that_lost_digits_are_rejected(read, written):
    parsed = read(f"user,time,lat,lon\n1,2015-03-01T12:00:00Z,51.5,-0.1\n{written},2015-03-01T12:00:00Z,51.5,-0.1\n")
    assert parsed.rejected.select("line", "reason").rows() == [
        (3, "user is missing, or is a number that has lost digits")
    ]


def test_times_without_a_zone_need_one_in_the_layout(read):
    text = "user,time,lat,lon\n1,2015-03-01 12:00:00,51.5,-0.1\n"
    parsed = read(text)
    assert parsed.rejected["reason"].to_list() == ["time is missing, cannot be read, or does not say its zone"]


def test_hours_that_a_clock_skips_or_shows_twice(own, read):
    own("flickr.yaml", FLICKR)
    header = "user,longitude,latitude,date_taken\n"
    parsed = read(header + "1,-2.9,53.4,2014-03-30 01:30:00.0\n1,-2.9,53.4,2014-10-26 01:30:00.0\n", name="flickr.csv")
    assert parsed.accepted["created_utc"].to_list() == [
        datetime(2014, 3, 30, 1, 30, tzinfo=UTC),
        datetime(2014, 10, 26, 0, 30, tzinfo=UTC),
    ]


def test_made_ids_are_the_same_when_a_file_comes_again_longer(own, read):
    own("flickr.yaml", FLICKR)
    header = "user,longitude,latitude,date_taken\n"
    row = "1,-2.9,53.4,2014-05-30 01:30:00.0\n"
    other = "2,-2.9,53.4,2014-05-30 01:30:00.0\n"
    short = read(header + row + row, name="flickr.csv").accepted["tweet_id"]
    longer = read(header + row + other + row, name="flickr2.csv").accepted["tweet_id"]
    assert short.n_unique() == 2
    assert longer.n_unique() == 3
    assert set(short) <= set(longer)
    assert (longer > 0).all()


def test_flickr_has_dates_of_seventy_years_and_no_zone(own, source, shared_data):
    own("flickr.yaml", FLICKR)
    path = shared_data / "geo" / "traces" / "liverpool_flickr.csv.gz"
    parsed = source.whole(path, path.name, datetime.now(UTC))
    assert len(parsed.accepted) == 33_647
    assert parsed.rejected.is_empty()
    assert parsed.accepted["user"].n_unique() == 1_205
    assert parsed.accepted["tweet_id"].n_unique() == 33_647
    assert parsed.accepted["created_on"].dt.year().min() == 1953
    # Where the layout keeps to the days of the lake, the older photographs lie in quarantine, with that reason.
    own("flickr.yaml", FLICKR.replace("first_day: 1900-01-01\n", ""))
    del source.__dict__["shelf"]
    later = source.whole(path, path.name, datetime.now(UTC))
    assert len(later.accepted) + len(later.rejected) == 33_647
    assert later.rejected["reason"].unique().to_list() == ["day is before 2014-01-01"]


def test_beijing_is_refused_in_a_sentence(own, source, shared_data):
    own("geolife.yaml", GEOLIFE)
    path = shared_data / "geo" / "traces" / "geolife_sample.csv.gz"
    with pytest.raises(Unreadable, match="217653 positions and none in Great Britain"):
        source.whole(path, path.name, datetime.now(UTC))


def test_parquet_with_typed_columns(source, tmp_path):
    frame = pl.DataFrame(
        {
            "tweet_id": [1, 2],
            "user": [5.0, 6.0],
            "created_utc": pl.Series([datetime(2014, 9, 1), datetime(2014, 9, 2)]).dt.replace_time_zone("UTC"),
            "latitude": [51.5, np.nan],
            "longitude": [-0.1, np.nan],
            "application": ["mobile", "Instagram"],
        }
    )
    path = tmp_path / "points_2014-09-01.parquet"
    frame.write_parquet(path)
    parsed = source.whole(path, path.name, RECEIVED)
    assert parsed.accepted.select("tweet_id", "position", "application").rows() == [
        (1, "point", "mobile"),
        (2, "none", "sharing"),
    ]


def test_unknown_layouts_and_broken_files_are_refused(read, source, tmp_path):
    with pytest.raises(Unreadable, match="in a layout that is not known"):
        read("a,b\n1,2\n")
    path = tmp_path / "points_x.parquet"
    path.write_bytes(b"PAR1 nothing more")
    with pytest.raises(Unreadable):
        source.whole(path, path.name, RECEIVED)
    assert not source.recognises(path, path.name)
