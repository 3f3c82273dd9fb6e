"""`ons-assets meter show`: who may see one home, what is written down of it, and that an erasure takes it away."""

import shutil
import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from ons_assets import cli, operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.accesses.access_ledger import AccessLedger, AccessOutcome
from ons_assets.governance.accesses.pictures import erase_pictures, write_pictures
from ons_assets.governance.erasure.erasing import CannotErase, Erasing, Making
from ons_assets.governance.erasure.selection import Kind, Selection
from ons_assets.intake.erasure_ledger import REASON_ERASED, ErasureLedger
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.lake import Provenance
from ons_assets.meters.absence.low_use import low_use_runs
from ons_assets.meters.half_hours.daily import daily_consumption
from ons_assets.meters.readings.identifiers import Pseudonyms
from ons_assets.settings import Settings
from tests.meters.conftest import SECRET
from tests.meters.homes import fridge_only, half_hours_of, ordinary_home

NAME, OTHER = "MAC000123", "MAC000124"
TRIAL = "low-carbon-london"
WHY = "interview of 3 May"
METER, BESIDE = (Pseudonyms(SECRET).of(TRIAL, name) for name in (NAME, OTHER))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two meters, of which the one was away for nine days."""
    folder = tmp_path_factory.mktemp("show") / "home"
    operations.open_home(Settings(home=folder))
    (folder / "secret.key").write_bytes(SECRET)
    kwh = np.concatenate([ordinary_home(30), fridge_only(9), ordinary_home(30, 2)])
    rows = half_hours_of(np.stack([kwh, np.full_like(kwh, 7.77)]))
    rows = rows.with_columns(meter=pl.when(pl.col("meter") == 0).then(METER).otherwise(BESIDE)).sort("meter", "day")
    daily = daily_consumption(rows)
    zero = {name: pl.lit(0) for name in CATALOGUE["meters/half_hours"].column_names if name not in rows.columns}
    tables = {
        "half_hours": rows.with_columns(**{**zero, "layout": pl.lit(TRIAL)}),
        "daily_consumption": daily,
        "low_use_runs": low_use_runs(daily),
    }
    for name, frame in tables.items():
        table = CATALOGUE[f"meters/{name}"]
        lake.publish(Home(folder), table, table.conform(frame).lazy(), Provenance("test", "test", {}, {}, {}, "test"))
    return folder


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "home"))


def show(home: Path, *arguments: str, said: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, ["meter", "show", *arguments, "--home", str(home)], input=said)
    return result.exit_code, result.output + (f"{result.exception}" if result.exception else "")


def rows(home: Path) -> list[tuple[object, ...]]:
    return [
        (each.pseudonym, str(each.outcome), each.reason, each.written) for each in AccessLedger(Home(home)).accesses()
    ]


def pictures(home: Path) -> list[Path]:
    return sorted((home / "restricted" / "pictures").rglob("*.svg"))


@pytest.mark.parametrize("said", ["argument", "standard input", "pseudonym"])
def test_a_meter_is_shown_to_who_says_that_its_people_permit_it_and_why(home: Path, said: str) -> None:
    name = {"argument": NAME, "standard input": "-", "pseudonym": str(METER)}[said]
    code, told = show(home, name, "--consented", "--reason", WHY, said=f" {NAME}\n")
    assert code == 0, told
    assert told.splitlines() == [str(path) for path in pictures(home)]
    assert [path.name for path in pictures(home)] == [f"{METER}_daily_totals.svg", f"{METER}_low_days.svg"]
    assert rows(home) == [(METER, "shown", WHY, ("daily_totals", "low_days"))]
    daily, low = (path.read_text() for path in pictures(home))
    assert 'role="img"' in daily
    assert "<desc>Line chart of the use of one meter by day" in daily
    assert "the longest of 9 days from 2010-02-03" in daily
    assert "7 low days from 2010-02-04" in low
    for path in [*pictures(home), home / "restricted" / "accesses.sqlite"]:
        assert path.stat().st_mode & 0o077 == path.parent.stat().st_mode & 0o077 == 0
    [(by, when)] = [(each.accessed_by, each.accessed_utc) for each in AccessLedger(Home(home)).accesses()]
    assert by
    assert when.tzinfo is not None
    found = [path for path in home.rglob("*") if path.is_file() and NAME.encode() in path.read_bytes()]
    assert found == [], "the supplier's name is written nowhere"


@pytest.mark.parametrize(
    ("arguments", "sentence", "kept"),
    [
        (["--reason", WHY], "whose people permitted it, which you say by --consented", WHY),
        ([], "which you say by --consented", None),
        (["--consented"], "give one by --reason", None),
        (["--consented", "--reason", f"about {NAME}"], "does not say whom", None),
        (["--consented", "--reason", f"about {METER}"], "does not say whom", None),
        (["--consented", "--reason", f"about {NAME.lower()}, by letter"], "does not say whom", None),
        (["--consented", "--reason", "the flat of MAC 000-123"], "does not say whom", None),
        (["--consented", "--reason", f"about{abs(METER)}"], "does not say whom", None),
    ],
)
def test_who_does_not_say_so_is_refused_with_a_sentence_and_it_is_written_down(
    home: Path, arguments: list[str], sentence: str, kept: str | None
) -> None:
    code, told = show(home, NAME, *arguments)
    assert code == 2
    assert sentence in told
    assert NAME not in told
    assert str(METER) not in told
    assert pictures(home) == []
    assert rows(home) == [(METER, "refused", kept, ())]


@pytest.mark.parametrize(
    "written", [NAME, NAME.lower(), f"({NAME})", f"x,{NAME};", "Mac-000 123", f"{NAME[:3]}\n{NAME[3:]}"]
)
def test_who_gives_a_pseudonym_cannot_have_the_name_kept_beside_it(home: Path, written: str) -> None:
    code, told = show(home, str(METER), "--consented", "--reason", f"about {written} by letter")
    assert code == 2
    assert "does not say whom" in told
    assert rows(home) == [(METER, "refused", None, ())]


def test_a_number_is_known_as_its_supplier_may_write_it(home: Path) -> None:
    for name, written in (("1392", "1392.0"), ("1392.0", "1392")):
        assert show(home, name, "--consented", "--reason", f"about {written}")[0] == 2
        assert show(home, str(Pseudonyms(SECRET).of(TRIAL, name)), "--consented", "--reason", f"at {written}")[0] == 2
    assert {row[2] for row in rows(home)} == {None}


def test_a_reason_is_kept_in_one_line(home: Path) -> None:
    assert show(home, NAME, "--consented", "--reason", " interview\r\nof \x1b[31m\u202e3 May\t")[0] == 0
    assert rows(home)[0][2] == "interview of [31m 3 May"


def test_a_meter_that_is_not_here_is_told_as_that_and_the_request_is_written_down(home: Path) -> None:
    for name in ("MAC999999", "99", "9" * 19):
        code, told = show(home, name, "--consented", "--reason", WHY)
        assert (code, told) == (1, "no meter of that name has readings here")
    assert rows(home) == [(None, "unknown", WHY, ())] * 3
    # Refused in the same words, whether it is here or not.
    assert show(home, "MAC999999", "--reason", WHY) == show(home, NAME, "--reason", WHY)


def test_an_office_without_a_home_makes_none(tmp_path: Path) -> None:
    code, told = show(tmp_path / "none", NAME, "--consented", "--reason", WHY)
    assert code == 1
    assert "there is no home" in told
    assert not (tmp_path / "none").exists()


def test_a_look_that_cannot_be_written_down_is_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(AccessLedger, "add", full)
    code, told = show(home, NAME, "--consented", "--reason", WHY)
    assert code != 0
    assert "disk is full" in told
    assert pictures(home) == []


def test_rows_of_the_ledger_stay_as_they_are_but_for_the_pseudonym_of_who_is_erased(home: Path) -> None:
    ledger = AccessLedger(Home(home))
    for meter in (METER, BESIDE):
        ledger.add("meters", meter, AccessOutcome.SHOWN, WHY, ["low_days"])
    for statement in (
        "DELETE FROM accesses",
        "UPDATE accesses SET reason = 'another'",
        f"UPDATE accesses SET pseudonym = {BESIDE}",
        "UPDATE accesses SET pseudonym = NULL, accessed_by = 'nobody'",
    ):
        with sqlite3.connect(Home(home).access_ledger) as database, pytest.raises(sqlite3.IntegrityError, match="stay"):
            database.execute(statement)
        database.close()
    ledger.forget({METER}, {NAME})
    assert rows(home) == [(None, "shown", WHY, ("low_days",)), (BESIDE, "shown", WHY, ("low_days",))]
    assert ledger.by_month().select("accessed_source", "access_outcome", "accesses").rows() == [("meters", "shown", 2)]


def test_pictures_of_who_is_erased_go_and_others_stay(home: Path) -> None:
    for meter in (METER, BESIDE):
        write_pictures(Home(home), "meters", meter, {"low_days": "<svg/>"})
    (home / "restricted" / "pictures" / "meters" / f".{METER}_low_days.svg.1a.part").write_text("<svg/>")
    erase_pictures(Home(home), "meters", Selection(Kind.SUBJECTS, "meter", frozenset([NAME]), frozenset([METER])))
    assert [path.name for path in pictures(home)] == [f"{BESIDE}_low_days.svg"]
    assert list((home / "restricted" / "pictures" / "meters").glob(".*")) == []
    erase_pictures(Home(home), "meters", Selection(Kind.RECORDS, "tweet", frozenset(["1"]), frozenset([BESIDE])))
    assert pictures(home)
    erase_pictures(Home(home), "meters", Selection(Kind.RETENTION, before=date(2020, 1, 1)))
    assert pictures(home) == []


def test_an_erasure_takes_the_pictures_and_the_pseudonym_in_the_ledger(home: Path) -> None:
    assert show(home, NAME, "--consented", "--reason", WHY)[0] == 0
    settings = Settings(home=home)
    making = Making(lambda _: {}, lambda _: {})
    erasing = Erasing(Home(home), ErasureLedger(Home(home)), operations.sources(settings), making)
    # It searches every byte of the home, and fails where anything is found.
    assert erasing.erase(operations.source_named(settings, "meters"), [NAME], "letter of 4 May").tables == 3
    assert pictures(home) == []
    assert rows(home) == [(None, "shown", WHY, ("daily_totals", "low_days"))]
    assert show(home, NAME, "--consented", "--reason", WHY)[1] == "no meter of that name has readings here"


def test_an_erasure_takes_what_ledgers_say_of_whom_and_the_next_is_not_kept_from(home: Path) -> None:
    ledger, erasures = AccessLedger(Home(home)), ErasureLedger(Home(home))
    told = [f"about {NAME}", f"about {NAME}, by letter", f"{NAME.lower()} again", f"beside {METER}"]
    for reason in (*told, WHY, f"about {NAME}4"):
        ledger.add("meters", BESIDE, AccessOutcome.SHOWN, reason)
        erasures.begin_erasure("tweets", "subjects", reason, datetime(2020, 5, 3, tzinfo=UTC))
    settings = Settings(home=home)
    making = Making(lambda _: {}, lambda _: {})
    erasing = Erasing(Home(home), erasures, operations.sources(settings), making)
    for whom in (NAME, OTHER):
        assert erasing.erase(operations.source_named(settings, "meters"), [whom], "letter of 4 May").tables == 3
    for name in (NAME, str(METER), NAME.lower()):
        found = [path for path in home.rglob("*") if path.is_file() and name.encode() in path.read_bytes()]
        assert found == []
    # A longer name that begins like it is not told from it.
    assert [row[2] for row in rows(home)] == [None, None, None, None, WHY, None]
    kept = erasures.erasures()["stated_reason"].to_list()
    assert kept == [*[REASON_ERASED] * 4, WHY, REASON_ERASED, *["letter of 4 May"] * 2]


@pytest.mark.parametrize("whom", [NAME, "MAC999999"])
def test_the_reason_of_an_erasure_does_not_say_whom_in_any_way(home: Path, whom: str) -> None:
    settings = Settings(home=home)
    erasures, making = ErasureLedger(Home(home)), Making(lambda _: {}, lambda _: {})
    erasing = Erasing(Home(home), erasures, operations.sources(settings), making)
    for reason in (whom.lower(), f"mac {whom[3:]}", f"of {Pseudonyms(SECRET).of(TRIAL, whom)}", "\n\x00"):
        with pytest.raises(CannotErase, match="must not say whom"):
            erasing.erase(operations.source_named(settings, "meters"), [whom], reason)
    assert erasures.erasures().is_empty()
