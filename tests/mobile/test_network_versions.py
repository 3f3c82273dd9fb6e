"""A plan is the same in one file and in many, whatever each snapshot knows, and no cell has two forms at once."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from ons_assets.intake.layouts import Layout
from ons_assets.intake.times import column_bounds
from ons_assets.lakehouse.home import Home
from ons_assets.mobile.plan import NOT_VALID, UNKNOWN, cell_plan
from ons_assets.mobile.sources import CellFiles
from ons_assets.mobile.versions import network_versions
from ons_assets.settings import Settings

RECEIVED = datetime(2024, 1, 1, tzinfo=UTC)
START = datetime(2023, 1, 1, tzinfo=UTC)
HEADER = (
    "cell_id,latitude,longitude,technology,azimuth_angle,horizontal_beam_width,range,directionality,"
    "valid_date_start,valid_date_end"
)


def moment(day: float) -> datetime:
    return START + timedelta(days=day)


def snapshot(cells: list[tuple[str, int, int | None, int]]) -> str:
    """(cell, day on which it begins, day on which it ends if that is known, azimuth)."""
    return "".join(
        f"{cell},40.4,-3.7,LTE,{azimuth},65,900,1,{moment(begin):%Y-%m-%dT%H:%M:%S},"
        f"{'' if end is None else f'{moment(end):%Y-%m-%dT%H:%M:%S}'}\n"
        for cell, begin, end, azimuth in cells
    )


def read(texts: list[str], folder: Path) -> pl.DataFrame:
    """Rows of some files that arrive one after the other; what came again is replaced as in the lake."""
    source = CellFiles.of(Settings(home=Home(folder / "home").ensure().root))
    rows = []
    for arrival, text in enumerate(texts):
        path = folder / f"{arrival}.csv"
        path.write_text(f"{HEADER}\n{text}")
        rows.append(source.whole(path, path.name, RECEIVED).accepted.with_columns(arrival=pl.lit(arrival)))
    said = pl.concat(rows)
    return said.filter(pl.col("arrival") == pl.col("arrival").max().over(source.identity))


ONE = st.tuples(
    st.sampled_from("ab"), st.sampled_from([0, 10]), st.sampled_from([None, 20, 21]), st.sampled_from([10, 70])
)
# In one snapshot a cell stands once for each beginning.
SNAPSHOTS = st.lists(st.lists(ONE, min_size=1, max_size=4, unique_by=lambda cell: cell[:2]), min_size=1, max_size=5)


@examples(max_examples=25, deadline=None)
@given(given_snapshots=SNAPSHOTS)
def test_snapshots_in_one_file_are_the_snapshots_in_many(tmp_path_factory, given_snapshots):
    folder = tmp_path_factory.mktemp("plan")
    texts = [snapshot(cells) for cells in given_snapshots]
    many, one = network_versions(read(texts, folder)), network_versions(read(["".join(texts)], folder))
    assert one.drop("said_by").equals(many.drop("said_by"))


@examples(max_examples=25, deadline=None)
@given(given_snapshots=SNAPSHOTS, seed=st.integers(0, 99))
def test_no_cell_has_two_forms_at_once_in_whatever_order_the_rows_lie(tmp_path_factory, given_snapshots, seed):
    rows = read([snapshot(cells) for cells in given_snapshots], tmp_path_factory.mktemp("plan"))
    versions = network_versions(rows)
    assert network_versions(rows.sample(fraction=1, shuffle=True, seed=seed)).equals(versions)
    assert versions["said_by"].sum() == len(rows)
    plan = cell_plan(rows)
    asked = pl.DataFrame(
        {"operator": "multimno", "cell_id": each, "time_utc": moment(day)}
        for each in "abc"
        for day in (-1, 0, 9, 10, 19.99, 20, 22)
    )
    for event, number in zip(asked.rows(named=True), plan.numbers(asked), strict=True):
        holding = versions.filter(
            (pl.col("cell_id") == event["cell_id"])
            & (pl.col("valid_from_utc") <= event["time_utc"])
            & (pl.col("valid_until_utc") > event["time_utc"]).fill_null(True)
        )
        assert len(holding) <= 1
        if len(holding):
            assert plan.cells["azimuth_degrees"][number] == holding["azimuth_degrees"][0]
        else:
            assert number == (NOT_VALID if event["cell_id"] in versions["cell_id"] else UNKNOWN)


def test_an_end_that_is_known_is_not_unsaid_and_a_correction_counts(tmp_path):
    ended = network_versions(read([snapshot([("a", 0, 20, 10)]), snapshot([("a", 0, None, 70)])], tmp_path))
    assert ended.select("valid_until_utc", "azimuth_degrees").rows() == [(moment(20), 70.0)]
    later = network_versions(read([snapshot([("a", 0, 20, 10)]), snapshot([("a", 0, 21, 10)])], tmp_path))
    assert later["valid_until_utc"].to_list() == [moment(21)]


def test_what_follows_without_a_gap_is_one_form_and_with_a_gap_are_two(tmp_path):
    follows = network_versions(read([snapshot([("a", 0, 10, 10), ("a", 10, None, 10)])], tmp_path))
    assert follows.select("valid_from_utc", "valid_until_utc").rows() == [(moment(0), None)]
    gap = network_versions(read([snapshot([("a", 0, 9, 10), ("a", 10, None, 10)])], tmp_path))
    assert len(gap) == 2


def test_an_end_of_time_is_none_and_no_cell_is_older_than_networks(settings, tmp_path):
    path = tmp_path / "cells.csv"
    said = ((1, "0001-01-01", "9999-12-31"), (2, "1900-01-01", "2099-12-31T23:59:59Z"))
    rows = [f"a,{cell},51.5,-0.1,{begin},{end}" for cell, begin, end in said]
    path.write_text("\n".join(["operator,cell_id,latitude,longitude,valid_from,valid_to", *rows]))
    read_rows = CellFiles.of(settings).whole(path, path.name, RECEIVED).accepted.with_columns(arrival=1)
    found = network_versions(read_rows).select("valid_from_utc", "valid_until_utc").rows()
    first = datetime(1970, 1, 1, tzinfo=UTC)
    assert found == [(first, None), (first, datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC))]


@pytest.mark.parametrize(
    ("text", "begins", "ends"),
    [
        ("2023-07-01", datetime(2023, 6, 30, 23), datetime(2023, 7, 1, 23)),
        ("2023-07-01T00:00:00", datetime(2023, 6, 30, 23), datetime(2023, 6, 30, 23)),
        ("2023-07-01 06:30", datetime(2023, 7, 1, 5, 30), datetime(2023, 7, 1, 5, 30)),
        ("2023-07-01T06:30:00.5Z", datetime(2023, 7, 1, 6, 30, 0, 500_000), datetime(2023, 7, 1, 6, 30, 0, 500_000)),
        ("2023-07-01T06:30:00+02:00", datetime(2023, 7, 1, 4, 30), datetime(2023, 7, 1, 4, 30)),
        (date(2023, 7, 1), datetime(2023, 6, 30, 23), datetime(2023, 7, 1, 23)),
        (datetime(2023, 7, 1, 6), datetime(2023, 7, 1, 5), datetime(2023, 7, 1, 5)),
        ("2023-07-01T99:00", None, None),
        ("soon", None, None),
        ("", None, None),
    ],
)
def test_a_day_is_its_beginning_or_counts_to_its_end_and_a_moment_is_a_moment(text, begins, ends):
    rows = pl.DataFrame({"at": [text]})
    layout = Layout.model_validate({"name": "x", "columns": {"at": "at"}})
    for is_end, expected in ((False, begins), (True, ends)):
        [found] = column_bounds(rows, "at", layout, "Europe/London", ends=is_end)
        assert found == (expected and expected.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        ("Africa/Cairo", date(2024, 4, 26), datetime(2024, 4, 25, 22)),
        ("America/Havana", date(2024, 3, 10), datetime(2024, 3, 10, 5)),
        # A day that Samoa left out altogether.
        ("Pacific/Apia", date(2011, 12, 30), datetime(2011, 12, 30, 10)),
    ],
)
def test_a_day_whose_midnight_the_clock_skips_begins_with_its_first_moment(zone, day, begins):
    rows = pl.DataFrame({"from": [str(day)], "to": [str(day - timedelta(1))]})
    layout = Layout.model_validate({"name": "x", "columns": {"at": "at"}})
    for name, is_end in (("from", False), ("to", True)):
        assert column_bounds(rows, name, layout, zone, ends=is_end).to_list() == [begins.replace(tzinfo=UTC)]
