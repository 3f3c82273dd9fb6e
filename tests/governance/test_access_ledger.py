"""The ledger of accesses lets nothing change but that who is erased goes, whatever statement is tried."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ons_assets.governance.accesses.access_ledger import AccessLedger, AccessOutcome
from ons_assets.lakehouse.home import PRIVATE_FILE, Home

NAME, METER, BESIDE = "MAC000123", -5_602_883_168_760_873_378, 77
ROW = "'meters', NULL, 'refused', 'x', '', '2020-01-01T00:00:00+00:00', 'nobody'"
CHANGED = {
    "access_id": "9",
    "source": "'tweets'",
    "pseudonym": "5",
    "outcome": "'refused'",
    "reason": "'another'",
    "written": "''",
    "accessed_utc": "'2020'",
    "accessed_by": "'nobody'",
}
REFUSED = [
    "DELETE FROM accesses",
    f"INSERT INTO accesses VALUES (1, {ROW}) ON CONFLICT (access_id) DO UPDATE SET reason = 'x'",
    f"INSERT INTO accesses VALUES (-1, {ROW})",
    f"INSERT INTO accesses VALUES (0, {ROW})",
    f"REPLACE INTO accesses VALUES (1, {ROW})",
    f"REPLACE INTO accesses VALUES (3, {ROW}), (2, {ROW})",
    f"INSERT OR REPLACE INTO accesses SELECT 2, {ROW}",
    "UPDATE OR REPLACE accesses SET access_id = 1 WHERE access_id = 2",
    "UPDATE accesses SET rowid = 5 WHERE access_id = 2",
    "UPDATE accesses SET reason = ''",
    "UPDATE accesses SET reason = reason || ' '",
    "UPDATE accesses SET reason = CAST(reason AS BLOB)",
    "UPDATE accesses SET reason = NULL, outcome = 'refused'",
    "UPDATE accesses SET pseudonym = NULL, reason = 'x'",
    "UPDATE accesses SET pseudonym = 5, reason = NULL",
    *(f"UPDATE {how} accesses SET {name} = {value}" for name, value in CHANGED.items() for how in ("", "OR IGNORE")),
]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path).ensure()
    ledger = AccessLedger(home)
    ledger.add("meters", METER, AccessOutcome.SHOWN, "interview", ["low_days"])
    ledger.add("meters", BESIDE, AccessOutcome.SHOWN, f"beside {NAME}", ["low_days"])
    return home


@pytest.mark.parametrize("statement", REFUSED)
def test_no_statement_changes_deletes_or_replaces_a_row(home: Home, statement: str) -> None:
    before = AccessLedger(home).accesses()
    for recursive in ("OFF", "ON"):
        with closing(sqlite3.connect(home.access_ledger)) as database:
            database.execute(f"PRAGMA recursive_triggers = {recursive}")
            with pytest.raises(sqlite3.IntegrityError, match="ledger of accesses stay"), database:
                database.execute(statement)
    assert AccessLedger(home).accesses() == before
    AccessLedger(home).add("meters", None, AccessOutcome.REFUSED, None)
    assert len(AccessLedger(home).accesses()) == 3


def test_what_an_erasure_does_is_allowed_and_all_of_it(home: Home) -> None:
    for statement in ("pseudonym = NULL WHERE access_id = 1", "reason = NULL WHERE access_id = 2"):
        with closing(sqlite3.connect(home.access_ledger)) as database, database:
            database.execute(f"UPDATE accesses SET {statement}")
    told = [(each.pseudonym, each.reason) for each in AccessLedger(home).accesses()]
    assert told == [(None, "interview"), (BESIDE, None)]


def test_a_ledger_whose_trigger_let_no_reason_go_lets_it_go_now(home: Home) -> None:
    with closing(sqlite3.connect(home.access_ledger)) as database, database:
        database.executescript(
            "DROP TRIGGER only_names_go; CREATE TRIGGER nothing_changes BEFORE UPDATE ON accesses "
            "WHEN NEW.pseudonym IS NOT NULL OR NEW.reason IS NOT OLD.reason BEGIN SELECT RAISE(ABORT, 'no'); END;"
        )
    AccessLedger(home).forget({METER}, {NAME})
    assert [(each.pseudonym, each.reason) for each in AccessLedger(home).accesses()] == [
        (None, "interview"),
        (BESIDE, None),
    ]
    with closing(sqlite3.connect(home.access_ledger)) as database:
        [names] = zip(*database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"), strict=True)
    assert "nothing_changes" not in names
    assert "only_names_go" in names


def test_no_byte_of_who_was_erased_is_left_in_the_file(home: Home) -> None:
    with closing(sqlite3.connect(home.access_ledger)) as database, database:
        for row in range(400):
            reason = f"{'x' * (row % 300)} {NAME if row % 3 else NAME.lower()} {'y' * (row % 70)}"
            database.execute(
                "INSERT INTO accesses (source, pseudonym, outcome, reason, written, accessed_utc, accessed_by) "
                "VALUES ('meters', ?, 'shown', ?, '', '2020-01-01T00:00:00+00:00', 'a')",
                (METER if row % 2 else BESIDE, reason),
            )
    number = METER.to_bytes(8, "big", signed=True)
    content = home.access_ledger.read_bytes().lower()
    assert NAME.lower().encode() in content
    assert number in home.access_ledger.read_bytes()
    AccessLedger(home).forget({METER}, {NAME})
    assert NAME.lower().encode() not in home.access_ledger.read_bytes().lower()
    assert number not in home.access_ledger.read_bytes()
    assert len(AccessLedger(home).accesses()) == 402


def test_the_ledger_stays_private_when_it_is_written_anew(home: Home) -> None:
    AccessLedger(home).forget({METER}, {NAME})
    assert home.access_ledger.stat().st_mode & 0o777 == PRIVATE_FILE
