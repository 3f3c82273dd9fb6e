"""Files of outages: what a harvester tells later counts, and what a person writes down is enough."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from ons_assets import operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.collectors.streams.outages import COLUMNS, Outage, text_of
from ons_assets.governance.outages.outage_files import OutageFiles
from ons_assets.intake.ledger import Status
from ons_assets.lakehouse import lake
from ons_assets.settings import Settings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEADER = "stream,for_source,began_utc,ended_utc"


def at(hour: int) -> datetime:
    return NOON.replace(hour=hour)


def read(folder: Path, text: bytes) -> tuple[pl.DataFrame, list[str]]:
    path = folder / "x.csv"
    path.write_bytes(text)
    piece = OutageFiles().whole(path, path.name, datetime(2026, 3, 2, tzinfo=UTC))
    return piece.accepted, piece.rejected["reason"].to_list()


def test_what_a_harvester_writes_is_what_is_read(tmp_path: Path) -> None:
    outages = [
        Outage(at(1), "connection", "the service answered with status 503"),
        Outage(at(2), "process", "it was killed", at(3), at(2), is_made_good=True),
        Outage(at(4), "silence", "no message, for 5 seconds", at(5), at(4)),
    ]
    rows, rejected = read(tmp_path, text_of(outages, "x", "tweets", at(6)))
    assert rejected == []
    assert set(COLUMNS) <= set(rows.columns)
    assert rows.select("began_utc", "ended_utc", "is_over", "known_by", "backfilled_from_utc").rows() == [
        (at(1), at(6), False, "connection", None),
        (at(2), at(3), True, "process", at(2)),
        (at(4), at(5), True, "silence", None),
    ]
    assert rows["outage_reason"][2] == "no message, for 5 seconds"


def test_four_columns_are_enough_for_a_person(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, f"{HEADER}\nmine,tweets,2026-03-01 09:00:00Z,2026-03-01T11:30:00+01:00\n".encode())
    [row] = rows.to_dicts()
    assert (row["began_utc"], row["ended_utc"]) == (at(9), NOON.replace(hour=10, minute=30))
    assert (row["is_over"], row["known_by"]) == (True, "told")


def test_a_day_that_is_told_is_all_of_it(tmp_path: Path) -> None:
    rows, rejected = read(tmp_path, f"{HEADER}\nmine,tweets,2026-02-27,2026-02-28\n".encode())
    assert rejected == []
    assert rows.select("began_utc", "ended_utc").rows() == [(datetime(2026, 2, 27, tzinfo=UTC), at(0))]


@pytest.mark.parametrize(("said", "is_over"), [("YES", True), ("True", True), (" no ", False), ("FALSE", False)])
def test_yes_and_no_are_read_as_people_and_spreadsheets_write_them(tmp_path: Path, said: str, is_over: bool) -> None:
    row = f"mine,tweets,2026-03-01T07:00:00Z,2026-03-01T08:00:00Z,{said}"
    rows, _ = read(tmp_path, f"{HEADER},is_over\n{row}\n".encode())
    assert rows["is_over"].to_list() == [is_over]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("x,tweets,2026-03-01T10:00:00Z,2026-03-01T09:00:00Z", "ended_utc is before began_utc"),
        ("x,tweets,soon,2026-03-01T09:00:00Z", "began_utc or ended_utc is missing, or no time that says its zone"),
        ("x,tweets,2026-03-01T09:00:00Z,", "began_utc or ended_utc is missing"),
        ("x,,2026-03-01T09:00:00Z,2026-03-01T09:00:00Z", "stream or for_source is missing"),
        ("X y,tweets,2026-03-01T09:00:00Z,2026-03-01T09:00:00Z", "stream is no name"),
        ("x,tweets,2026-05-01T09:00:00Z,2026-05-01T10:00:00Z", "began_utc is in the future"),
        ("x,tweets,2026-03-01T09:00:00Z,2036-03-01T10:00:00Z", "ended_utc is in the future"),
    ],
)
def test_what_cannot_be_is_rejected(tmp_path: Path, row: str, reason: str) -> None:
    good = "x,tweets,2026-03-01T07:00:00Z,2026-03-01T08:00:00Z"
    rows, rejected = read(tmp_path, f"{HEADER}\n{good}\n{row}\n".encode())
    assert len(rows) == 1
    assert [each.startswith(reason) for each in rejected] == [True]


def test_of_an_outage_that_lasts_it_is_said_what_its_end_is(tmp_path: Path) -> None:
    """Monitors leave the end empty; until when it is known to last nobody else can say."""
    good, bad = "x,tweets,2026-03-01T07:00:00Z,2026-03-01T08:00:00Z,yes", "x,tweets,2026-03-01T09:00:00Z,,no"
    rows, rejected = read(tmp_path, f"{HEADER},is_over\n{good}\n{bad}\n".encode())
    assert len(rows) == 1
    assert [each.startswith("ended_utc is no time that says its zone; of an outage that lasts") for each in rejected]


def test_an_outage_of_a_source_that_there_is_not_is_refused_with_its_reason(tmp_path: Path) -> None:
    """It would be kept, and reduce the coverage of nothing."""
    settings = Settings(home=tmp_path)
    home = operations.open_home(settings)
    path = tmp_path / "told.csv"
    path.write_text(f"{HEADER}\nmine,tweet,2026-03-01T07:00:00Z,2026-03-01T08:00:00Z\n")
    taken = operations.take(settings, [path], "outages", lambda _: None)
    operations.read_waiting(settings, lambda _: None)
    [kept] = operations.current(settings, taken.drops)
    assert kept.status == Status.REFUSED
    assert "for_source is no drop folder; there are" in str(kept.reason)
    assert "tweets" in str(kept.reason)
    with pytest.raises(LookupError):
        lake.read(home, CATALOGUE["governance/outages"])


def test_of_an_outage_that_is_told_again_the_later_file_counts(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    home = operations.open_home(settings)
    begun = Outage(at(1), "connection", "the service cannot be reached")
    over = replace(begun, ended_utc=at(5), from_utc=at(3), is_made_good=True)
    tellings = [
        text_of([begun], "x", "tweets", at(2)),
        text_of([begun], "y", "tweets", at(2)),
        text_of([over], "x", "tweets", at(6)),
    ]
    for number, text in enumerate(tellings):
        path = tmp_path / f"x_{number}.csv"
        path.write_bytes(text)
        operations.take(settings, [path], "outages", lambda _: None)
        operations.read_waiting(settings, lambda _: None)
    rows = lake.read(home, CATALOGUE["governance/outages"]).sort("stream").collect()
    assert rows.select("stream", "began_utc", "ended_utc", "is_over", "backfilled_from_utc").rows() == [
        ("x", at(1), at(5), True, at(3)),
        ("y", at(1), at(2), False, None),
    ]
