import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.intake import ledger_schema
from ons_assets.intake.ledger import Ledger, Status
from ons_assets.intake.ledger_schema import ADDED, FORMAT, NewerHome
from ons_assets.intake.parsed import Parsed
from ons_assets.lakehouse.home import Home

NOON = datetime(2016, 7, 21, 12, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(Home(tmp_path).ensure())


def test_a_drop_is_read_back_as_it_was_written(ledger: Ledger) -> None:
    drop = ledger.receive("prices", "a.csv", "h1", 10, NOON)
    assert drop.days == ()
    assert (drop.status, drop.received_utc, drop.attempts) == (Status.RECEIVED, NOON, 0)
    assert (drop.parsed_rows, drop.accepted_rows, drop.quarantined_rows) == (None, None, None)
    assert ledger.drops() == [drop]


def test_the_file_is_private_and_survives(ledger: Ledger, tmp_path: Path) -> None:
    ledger.receive("prices", "a.csv", "h1", 10, NOON)
    assert stat.S_IMODE((tmp_path / "ledger.sqlite").stat().st_mode) == 0o600
    assert len(Ledger(Home(tmp_path)).drops()) == 1


def test_the_same_content_of_another_source_is_another_drop(ledger: Ledger) -> None:
    assert ledger.receive("prices", "a.csv", "h1", 10, NOON).status is Status.RECEIVED
    assert ledger.receive("weights", "a.csv", "h1", 10, NOON).status is Status.RECEIVED


def test_a_file_without_content_is_told_apart_by_name_and_size(ledger: Ledger) -> None:
    first = ledger.receive("prices", "big.csv", None, 10, NOON)
    assert ledger.receive("prices", "big.csv", None, 10, NOON).drop_id == first.drop_id
    assert ledger.receive("prices", "big.csv", None, 11, NOON).drop_id != first.drop_id
    assert ledger.receive("prices", "other", None, 10, NOON).status is Status.RECEIVED


def test_many_that_register_one_content_at_once_make_one_drop(ledger: Ledger) -> None:
    def receive(number: int) -> Status:
        return ledger.receive("prices", f"{number % 4}.csv", "h1", 10, NOON).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(receive, range(32)))
    assert len(ledger.drops()) == 4
    assert [str(drop.status) for drop in ledger.drops()].count("duplicate") == 3
    assert set(statuses) == {Status.RECEIVED, Status.DUPLICATE}


def test_the_database_itself_holds_one_content_to_one_drop(ledger: Ledger, tmp_path: Path) -> None:
    ledger.receive("prices", "a.csv", "h1", 10, NOON)
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(
            "INSERT INTO drops (source, name, sha256, size_bytes, received_utc, status)"
            " VALUES ('prices', 'b.csv', 'h1', 1, '', 'received')"
        )


def test_books_are_balanced_by_construction(ledger: Ledger) -> None:
    drop = ledger.receive("prices", "a.csv", "h1", 10, NOON)
    accepted = ledger.accept(drop, accepted=7, quarantined=3, in_force=7, reason="3 rows: bad", run_id="r")
    assert (accepted.status, accepted.parsed_rows, accepted.accepted_rows, accepted.quarantined_rows) == (
        Status.ACCEPTED,
        10,
        7,
        3,
    )
    refused = ledger.refuse(drop, "all bad", quarantined=10, run_id="r2")
    assert (refused.parsed_rows, refused.accepted_rows, refused.quarantined_rows) == (10, 0, 10)
    again = ledger.receive_again(refused)
    assert (again.status, again.parsed_rows, again.reason, again.attempts) == (Status.RECEIVED, None, None, 0)
    replaced = ledger.accept(again, accepted=1, quarantined=0, in_force=0, reason=None, run_id="r3")
    assert (replaced.status, replaced.reason) == (Status.SUPERSEDED, "replaced by a file that came later")


def test_attempts_are_counted(ledger: Ledger) -> None:
    drops = [ledger.receive("prices", name, name, 1, NOON) for name in ("a", "b")]
    ledger.count_attempt(drops)
    ledger.count_attempt(drops[:1])
    assert [drop.attempts for drop in ledger.drops()] == [2, 1]


def test_drops_are_chosen_by_source_and_status(ledger: Ledger) -> None:
    first = ledger.receive("prices", "a", "a", 1, NOON)
    ledger.receive("weights", "b", "b", 1, NOON)
    ledger.refuse(first, "bad")
    assert [drop.name for drop in ledger.drops("prices")] == ["a"]
    assert [drop.name for drop in ledger.drops(statuses=[Status.RECEIVED])] == ["b"]
    assert ledger.drops("prices", [Status.RECEIVED]) == []
    assert ledger.drops(statuses=[]) == []


def test_the_frame_is_the_table_of_the_catalogue(ledger: Ledger) -> None:
    table = CATALOGUE["governance/drop_ledger"]
    assert table.conform(ledger.frame()).is_empty()
    drop = ledger.receive("prices", "a'; DROP TABLE drops; --", "h1", 10, NOON)
    ledger.accept(drop, accepted=1, quarantined=0, in_force=1, reason=None, run_id="r")
    ledger.receive("prices", "directory", None, 0, NOON)
    frame = table.conform(ledger.frame())
    assert frame["local_days"].to_list() == [[], []]
    assert frame["received_utc"].to_list() == [NOON, NOON]
    assert frame["status"].to_list() == ["accepted", "received"]
    assert frame["sha256"].to_list() == ["h1", None]


def test_what_a_drop_gave_is_written_with_its_days(ledger: Ledger) -> None:
    drop = ledger.receive("prices", "a.csv", "h1", 10, NOON)
    read = ledger.read(drop, parsed())
    assert (read.status, read.days) == (Status.READ, (date(2016, 7, 20), date(2016, 7, 21)))
    assert (read.parsed_rows, read.accepted_rows, read.quarantined_rows) == (10, 7, 3)
    assert (read.layout, read.layout_sha256, read.usable, read.expected) == ("office", "abc", 7, 10)
    assert read.reason == "3 rows: bad; gives half"


def test_arrival_is_counted_and_not_told_by_a_clock(ledger: Ledger) -> None:
    earlier = NOON.replace(year=2015)
    first = ledger.receive("prices", "a.csv", "h1", 10, NOON, modified_ns=1)
    second = ledger.receive("prices", "b.csv", "h2", 10, earlier, modified_ns=2)
    assert [drop.drop_id for drop in ledger.drops()] == [first.drop_id, second.drop_id]
    ledger.accept(first, accepted=1, quarantined=0, in_force=0, reason=None, run_id="r")
    # The file still lies where it was taken: that is no arrival.
    assert ledger.receive("prices", "a.csv", "h1", 10, NOON, modified_ns=1).status is Status.SUPERSEDED
    again = ledger.receive("prices", "a.csv", "h1", 10, earlier, modified_ns=3)
    assert (again.status, again.arrival) == (Status.READ, 3)
    assert [drop.drop_id for drop in ledger.drops()] == [second.drop_id, first.drop_id]


def test_a_ledger_of_version_0_1_is_read_on(tmp_path: Path) -> None:
    home = Home(tmp_path).ensure()
    Ledger(home).receive("prices", "a.csv", "h1", 10, NOON)
    with sqlite3.connect(home.ledger) as connection:
        connection.execute("PRAGMA user_version = 0")
        connection.execute("DROP INDEX by_arrival")
        for column in ADDED:
            connection.execute(f"ALTER TABLE drops DROP COLUMN {column}")
    [drop] = Ledger(home).drops()
    assert (drop.name, drop.arrival, drop.layout) == ("a.csv", drop.drop_id, None)


def test_a_ledger_is_brought_up_to_date_as_a_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path).ensure()
    Ledger(home).receive("prices", "a.csv", "h1", 10, NOON)
    with sqlite3.connect(home.ledger) as connection:
        connection.execute("PRAGMA user_version = 0")
        for column in ("is_individual", "modified_ns"):
            connection.execute(f"ALTER TABLE drops DROP COLUMN {column}")
        before = list(connection.iterdump())
    monkeypatch.setattr(ledger_schema, "INDEXES", "CREATE INDEX cannot_be ON nothing (nothing);")
    with pytest.raises(sqlite3.OperationalError):
        Ledger(home)
    with sqlite3.connect(home.ledger) as connection:
        assert list(connection.iterdump()) == before
    monkeypatch.undo()
    assert len(Ledger(home).drops()) == 1


def test_a_home_of_a_newer_program_is_refused_and_not_changed(tmp_path: Path) -> None:
    home = Home(tmp_path).ensure()
    Ledger(home)
    with sqlite3.connect(home.ledger) as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    before = home.ledger.read_bytes()
    with pytest.raises(NewerHome, match=rf"was written by a newer ons-assets \(its format is {FORMAT + 1}, and"):
        Ledger(home)
    assert home.ledger.read_bytes() == before


def parsed() -> Parsed:
    return Parsed(
        layout={"name": "office"},
        layout_sha256="abc",
        parameters={},
        accepted=7,
        rejected=3,
        usable=7,
        expected=10,
        days=("2016-07-20", "2016-07-21"),
        notes=("3 rows: bad",),
        warnings=("gives half",),
        rows="1-abc.parquet",
    )


@pytest.mark.parametrize(
    "question", ["SELECT max(arrival) FROM drops", "SELECT 1 FROM drops WHERE source = 'a' AND sha256 IS 'b'"]
)
def test_what_every_arrival_asks_is_asked_of_an_index(tmp_path: Path, question: str) -> None:
    home = Home(tmp_path).ensure()
    Ledger(home)
    with sqlite3.connect(home.ledger) as connection:
        plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {question}"))
    assert "INDEX" in plan


def test_files_about_people_have_a_number_for_a_name(tmp_path: Path) -> None:
    home = Home(tmp_path).ensure()
    ledger = Ledger(home)
    ledger.receive("prices", "a.csv", "h1", 10, NOON)
    first = ledger.receive("meters", "17.csv", "h1", 10, NOON, is_individual=True)
    again = ledger.receive("meters", "18.csv", "h1", 10, NOON, is_individual=True)
    bad = ledger.receive("meters", "19.csv", None, 0, NOON, is_individual=True, unreadable="is empty")
    assert (first.name, first.original_name) == ("file 2", "17.csv")
    assert (again.reason, bad.reason) == ("file 3 has the same content as file 2", "file 4 is empty")
    assert ledger.frame()["file_name"].to_list() == ["a.csv", "file 2", "file 3", "file 4"]


def test_a_ledger_of_version_0_2_learns_which_files_are_about_people(tmp_path: Path) -> None:
    home = Home(tmp_path).ensure()
    ledger = Ledger(home)
    for source in ("prices", "meters"):
        ledger.receive(source, "17.csv", "h1", 10, NOON)
    ledger.set_individual(["meters", "tweets"])
    assert [drop.name for drop in ledger.drops()] == ["17.csv", "file 2"]


def test_what_an_older_ledger_says_of_files_about_people_names_them_no_more(ledger: Ledger) -> None:
    ledger.receive("meters", "1017.csv", "h1", 10, NOON)
    ledger.receive("meters", "1018.csv", "h1", 10, NOON)
    ledger.receive("meters", "1019.csv", None, 0, NOON, unreadable="is empty")
    ledger.receive("prices", "shop.csv", None, 0, NOON, unreadable="is empty")
    ledger.set_individual(["meters"])
    ledger.set_individual(["meters"])
    reasons = [drop.reason for drop in ledger.drops()]
    assert reasons == [None, "file 2 has the same content as file 1", "file 3 is empty", "shop.csv is empty"]
    assert not any("101" in str(row) for row in ledger.frame().drop("received_utc").rows())
    assert [drop.original_name for drop in ledger.drops("meters")] == ["1017.csv", "1018.csv", "1019.csv"]
