"""Releases: made whole or not at all, never changed, attacked with all that was released before, and known for ever."""

import json
import os
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from ons_assets import cli, operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.catalogue.governance import RELEASE_LEDGER
from ons_assets.catalogue.prices import ITEM_INDICES
from ons_assets.catalogue.tweets import MIGRATION_FLOWS, MOVES
from ons_assets.governance.disclosure.step import Thresholds, protect
from ons_assets.governance.releases import formats, making, shelf
from ons_assets.governance.releases.making import NotReleasable
from ons_assets.governance.releases.release_ledger import Entry, ReleaseLedger, ReleaseStatus
from ons_assets.governance.releases.shelf import Changed
from ons_assets.governance.report.facts import Judgement, Light
from ons_assets.intake.recovery import recover
from ons_assets.lakehouse import gate, lake
from ons_assets.lakehouse.disclosure import Protected
from ons_assets.lakehouse.gate import Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.publication import publish
from ons_assets.operations import releasing
from ons_assets.settings import Office, Settings, load_settings
from tests.governance.test_disclosure_step import K, flows
from tests.workbench import SUITES, provenance

NAME = MIGRATION_FLOWS.name
MARCH = {("2014-03", "A", "B"): 7, ("2014-03", "A", "C"): 7}
# April came: of the year less the year before follows that two moved from A to B.
APRIL = {**MARCH, ("2014-04", "A", "B"): 2, ("2014-04", "A", "C"): 5}
# Enough of them in April.
MAY = {**MARCH, ("2014-04", "A", "B"): 6, ("2014-04", "A", "C"): 5}
SECRET = "Zaphod9913"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return operations.open_home(Settings(home=tmp_path / "home"))


def publish_flows(home: Home, movers: dict[tuple[str, str, str], int]) -> None:
    """A version of the flows in the lake."""
    rows = protect(MIGRATION_FLOWS, flows(movers), Thresholds(K))
    put(home, rows)


def put(home: Home, rows: Protected) -> None:
    suite = Suite.load(SUITES, NAME)
    inputs = {"tweets/moves": "3:abc", "f" * 64: f"{SECRET}.json"}
    publish(home, MIGRATION_FLOWS, rows, suite, run_id="run", inputs=inputs, settings={"fewest_movers": K})


def drawn(home: Home, name: str = NAME) -> making.Draft:
    with making.held(home) as ledger:
        return making.draw_up(home, ledger, name)


def release(home: Home, name: str = NAME, approved_by: str = "Jo Bloggs", reason: str | None = None) -> Entry:
    with making.held(home) as ledger:
        return making.release(home, ledger, making.draw_up(home, ledger, name), approved_by, reason, Office())


def entries(home: Home) -> list[Entry]:
    return ReleaseLedger(home).entries()


def faults(home: Home) -> list[str]:
    return shelf.faults(home, ReleaseLedger(home))


def folder(home: Home, version: int = 1) -> Path:
    return shelf.folder_of(home, NAME, version)


# --- what may be released ------------------------------------------------------------------------------


def test_a_release_says_who_approved_what_of_which_inputs(home: Home) -> None:
    publish_flows(home, MARCH)
    entry = release(home, reason="the plan\nof the year")
    assert entry.release_status is ReleaseStatus.RELEASED
    told = json.loads((folder(home) / "manifest.json").read_text())
    assert (told["approved_by"], told["approval_reason"]) == ("Jo Bloggs", "the plan of the year")
    assert told["inputs"] == {"tweets/moves": "3:abc", "f" * 64: "file"}
    assert told["audit"] == {"attacked_with": 0, "figures_attacked": 4, "cells_exposed": 0}
    [row] = ReleaseLedger(home).frame().rows(named=True)
    assert RELEASE_LEDGER.conform(ReleaseLedger(home).frame()).height == 1
    assert (row["release_version"], row["release_status"], row["lake_version"]) == (1, "released", 0)
    rows = pl.read_parquet(folder(home) / "migration_flows.parquet")
    assert rows.equals(lake.read(home, MIGRATION_FLOWS).collect().sort(MIGRATION_FLOWS.key))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (NAME, "never been published"),
        ("tweets/moves", "never been published"),
        ("no/table", "no table 'no/table'"),
        (f"../{NAME}", "no table"),
    ],
)
def test_what_cannot_be_released(home: Home, name: str, said: str) -> None:
    with pytest.raises(NotReleasable, match=said):
        drawn(home, name)
    assert entries(home) == []


def test_what_has_not_passed_its_disclosure_step_is_not_released(home: Home) -> None:
    lake.publish(home, MIGRATION_FLOWS, MIGRATION_FLOWS.conform(flows(MARCH)).lazy(), provenance())
    entry = release(home)
    assert (entry.release_status, entry.release_version) == (ReleaseStatus.REFUSED, None)
    assert entry.refusal == f"{NAME} has not passed its disclosure step"
    assert not home.releases.exists()


def test_no_table_of_individuals_nor_what_others_publish_can_be_released(home: Home) -> None:
    barred = [table for table in CATALOGUE.values() if table.is_individual or table.domain == "reference"]
    for table in barred:
        lake.publish(home, table, table.empty().lazy(), provenance())
        refusal = release(home, table.name).refusal
        why = "is about single people, homes or devices" if table.is_individual else "holds what others publish"
        assert str(refusal).startswith(f"{table.name} {why}")
    assert not home.releases.exists()
    assert ReleaseLedger(home).frame()["release_status"].to_list() == ["refused"] * len(barred)


@pytest.mark.parametrize("name", ["", "  ", "\n", "-", "\u202e"])
def test_somebody_named_approves_it(home: Home, name: str) -> None:
    publish_flows(home, MARCH)
    with pytest.raises(ValueError, match="say who approves it"):
        release(home, approved_by=name)
    assert (entries(home), faults(home)) == ([], [])


def test_what_is_as_it_was_is_not_released_again(home: Home) -> None:
    publish_flows(home, MARCH)
    release(home)
    publish_flows(home, MARCH)
    with pytest.raises(NotReleasable, match="as it was in its release 1"):
        release(home)
    publish_flows(home, MAY)
    assert release(home).release_version == 2


def test_a_table_about_nobody_is_released_without_an_attack(home: Home) -> None:
    row = {each.name: None if each.nullable else "x" for each in ITEM_INDICES.columns}
    row = {
        name: value if ITEM_INDICES.schema[name] == pl.String() or value is None else 1 for name, value in row.items()
    }
    rows = ITEM_INDICES.conform(pl.DataFrame([row]))
    lake.publish(home, ITEM_INDICES, rows.lazy(), provenance())
    entry = release(home, ITEM_INDICES.name)
    assert (entry.release_version, entry.figures_attacked, entry.cells_exposed) == (1, None, None)


# --- with all that was released before ------------------------------------------------------------------


def test_a_release_from_which_something_small_follows_by_an_earlier_one_is_refused(home: Home) -> None:
    publish_flows(home, MARCH)
    release(home)
    publish_flows(home, APRIL)
    draft = drawn(home)
    [chain] = draft.chains
    assert chain.startswith("release 2: users in year, 2014, A, B are 9, less release 1: users in year, 2014, A, B are")
    assert chain.endswith("2014-04, A, B is 2")
    assert len(entries(home)) == 1, "nothing is written before somebody approves"
    entry = release(home)
    assert (entry.release_status, entry.release_version, entry.cells_exposed) == (ReleaseStatus.REFUSED, None, 1)
    assert not folder(home, 2).exists()
    assert faults(home) == []


def test_a_refusal_tells_the_number_to_its_owner_alone(home: Home) -> None:
    publish_flows(home, MARCH)
    release(home)
    publish_flows(home, APRIL)
    entry = release(home)
    file = making.chains_file(home, entry)
    assert "is 2" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    told = str(ReleaseLedger(home).frame().filter(release_status="refused").rows())
    assert entry.refusal in told
    assert not [word for word in ("2014-04", "'A'", "are 9", "is 2") if word in told]


def test_a_release_that_was_withdrawn_is_known_all_the_same(home: Home) -> None:
    publish_flows(home, MARCH)
    release(home)
    with making.held(home) as ledger:
        making.withdraw(home, ledger, NAME, 1, "made of too little", Office())
    publish_flows(home, APRIL)
    assert release(home).release_status is ReleaseStatus.REFUSED
    publish_flows(home, MAY)
    assert release(home).release_version == 2


def test_a_release_that_was_withdrawn_stays_with_its_reason(home: Home) -> None:
    publish_flows(home, MARCH)
    release(home)
    before = {path.name: path.read_bytes() for path in folder(home).iterdir()}
    with making.held(home) as ledger:
        with pytest.raises(ValueError, match="say why it is withdrawn"):
            making.withdraw(home, ledger, NAME, 1, " ", Office())
        with pytest.raises(LookupError, match="no release 2"):
            making.withdraw(home, ledger, NAME, 2, "wrong", Office())
        making.withdraw(home, ledger, NAME, 1, "made of too little", Office())
        with pytest.raises(LookupError, match="withdrawn already: made of too little"):
            making.withdraw(home, ledger, NAME, 1, "again", Office())
    [row] = ReleaseLedger(home).frame().rows(named=True)
    assert (row["release_status"], row["withdrawn_reason"]) == ("withdrawn", "made of too little")
    assert row["withdrawn_utc"] is not None
    assert before == {path.name: path.read_bytes() for path in folder(home).iterdir()}
    assert "made of too little" in (folder(home).parent / "1-withdrawn.txt").read_text()
    assert f'dcterms:modified "{row["withdrawn_utc"].isoformat()}"' in (home.releases / "catalogue.ttl").read_text()
    assert faults(home) == []
    # The same figures may be released again, under another version.
    assert release(home).release_version == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"withdrawn_reason": None},
        {"release_version": None},
        {"cells_exposed": 1},
        {"approved_by": " "},
        {"refusal": ""},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_the_gate_refuses_a_ledger_that_does_not_say_why(home: Home, wrong: dict[str, Any]) -> None:
    publish_flows(home, MARCH)
    release(home)
    with making.held(home) as ledger:
        making.withdraw(home, ledger, NAME, 1, "made of too little", Office())
        frame = ledger.frame()
    suite = Suite.load(SUITES, RELEASE_LEDGER.name)
    assert not gate.audit(suite, RELEASE_LEDGER, frame).failures
    bad = RELEASE_LEDGER.conform(frame.with_columns(**{name: pl.lit(value) for name, value in wrong.items()}))
    assert gate.audit(suite, RELEASE_LEDGER, bad).is_critical == ("refusal" not in wrong)


# --- never changed ---------------------------------------------------------------------------------------


def damages() -> dict[str, Callable[[Path], None]]:
    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.chmod(0o644)
        path.write_bytes(content)

    def cut(path: Path) -> None:
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-1])

    return {"one bit": flip, "cut": cut, "gone": Path.unlink}


@pytest.mark.parametrize("damage", damages())
def test_any_change_of_any_file_is_found_and_stops_further_releases(home: Home, damage: str) -> None:
    publish_flows(home, MARCH)
    release(home)
    for path in sorted(folder(home).iterdir()):
        assert path.stat().st_mode & 0o777 == 0o444, path.name
        content = path.read_bytes()
        damages()[damage](path)
        [found] = faults(home)
        assert path.name in found or "manifest" in found
        publish_flows(home, MAY)
        with pytest.raises(Changed, match="nobody can say what is known"):
            drawn(home)
        path.unlink(missing_ok=True)
        path.write_bytes(content)
        path.chmod(0o444)
    assert faults(home) == []
    (folder(home) / "more.csv").write_text("a\n")
    assert faults(home) == [f"release 1 of {NAME}: more.csv was added"]


def test_the_loss_of_a_folder_or_of_the_ledger_is_seen(home: Home) -> None:
    publish_flows(home, MARCH)
    release(home)
    publish_flows(home, MAY)
    release(home)
    away = folder(home, 2).rename(home.root / "away")
    assert faults(home) == [f"release 2 of {NAME} is in the ledger, and its folder is gone or has no manifest"]
    away.rename(folder(home, 2))
    home.release_ledger.unlink()
    assert faults(home) == [f"releases/{NAME}/{version} is in no ledger: its row is lost" for version in (1, 2)]
    publish_flows(home, MARCH)
    with pytest.raises(Changed, match="in no ledger"):
        drawn(home)


def test_a_version_is_never_given_twice(home: Home) -> None:
    publish_flows(home, MARCH)
    release(home)
    with sqlite3.connect(home.release_ledger) as database, pytest.raises(sqlite3.IntegrityError):
        database.execute(
            "INSERT INTO releases (table_name, release_version, lake_version, data_version, made_utc, approved_by, "
            "release_status, attacked_with) VALUES (?, 1, 0, '', '', '', 'making', 0)",
            [NAME],
        )


# --- whole, or not at all --------------------------------------------------------------------------------


class Killed(BaseException):
    """The process died here: nothing that comes after it in the program is run, as nothing catches it."""


@contextmanager
def killed_before(step: int) -> Iterator[list[str]]:
    """Die before the nth thing that is written to disk or to the ledger."""
    done: list[str] = []

    def dying(of: Any, name: str) -> None:
        real = getattr(of, name)

        def step_or_death(*arguments: Any, **options: Any) -> Any:
            if len(done) == step:
                raise Killed
            done.append(name)
            return real(*arguments, **options)

        patch.setattr(of, name, step_or_death)

    with pytest.MonkeyPatch.context() as patch:
        for of, names in {
            Path: ("mkdir", "chmod", "rename", "write_text"),
            os: ("fsync",),
            pl.DataFrame: ("write_parquet", "write_csv"),
            ReleaseLedger: ("add", "finish", "forget"),
        }.items():
            for name in names:
                dying(of, name)
        yield done


def test_killed_before_any_step_there_is_a_whole_release_or_none(home: Home) -> None:
    publish_flows(home, MARCH)
    ReleaseLedger(home)
    step, versions = 0, set()
    while True:
        try:
            with killed_before(step) as done:
                release(home)
        except Killed:
            step += 1
        else:
            break
        recover(home)
        with making.held(home) as ledger:
            assert shelf.faults(home, ledger) == [], f"after {done}"
            found = ledger.entries()
        assert not list(home.root.rglob("*.part")), f"after {done}"
        assert {each.release_status for each in found} <= {ReleaseStatus.RELEASED}
        assert [path.name for path in (home.releases / NAME).glob("*")] == [str(each.release_version) for each in found]
        versions |= {len(found)}
        if found:
            break
    assert step > 30, "few steps were looked at"
    assert versions == {0, 1}, "it died before the folder was in its place, and after"
    with pytest.raises(NotReleasable, match="release 1"):
        release(home)


def test_a_writer_that_fails_leaves_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> list[Path]:
        raise OSError("no space left")

    publish_flows(home, MARCH)
    with monkeypatch.context() as patched:
        patched.setattr(formats, "WRITERS", (*formats.WRITERS, broken))
        with pytest.raises(OSError, match="no space"):
            release(home)
    assert drawn(home).number == 1
    assert entries(home) == []
    assert release(home).release_version == 1


# --- nothing of single people -------------------------------------------------------------------------------


def test_no_name_of_a_file_reaches_a_release(home: Home) -> None:
    publish_flows(home, MARCH)
    release(home)
    private = [SECRET, str(home.root)]
    for path in folder(home).iterdir():
        content = path.read_bytes()
        assert not [word for word in private if word.encode() in content], path.name
    assert not [word for word in private if word in str(ReleaseLedger(home).frame().rows())]


def test_only_what_the_step_let_pass_is_released(home: Home) -> None:
    raw = flows(APRIL)
    put(home, protect(MIGRATION_FLOWS, raw, Thresholds(K)))
    release(home)
    told = pl.read_csv(folder(home) / "migration_flows.csv", infer_schema=False)
    assert told["movers"].cast(pl.Int64()).min() >= K
    assert len(told) < len(raw)


# --- the command line ------------------------------------------------------------------------------------


def run(home: Home, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, [*arguments, "--home", str(home.root)])
    return result.exit_code, " ".join((result.output + (f"{result.exception}" if result.exception else "")).split())


def test_without_a_name_it_is_only_looked_at(home: Home) -> None:
    publish_flows(home, MARCH)
    code, told = run(home, "publish", NAME)
    assert code == 0
    assert "release 1 of tweets/migration_flows: 4 rows of version 0 in the lake" in told
    assert "4 figures attacked, with 0 earlier releases; nothing may not be told" in told
    assert "nothing was released; --approve NAME releases it" in told
    assert (entries(home), list(home.releases.glob("**/*.csv"))) == ([], [])
    lake.publish(home, MOVES, MOVES.empty().lazy(), provenance())
    code, told = run(home, "publish", MOVES.name)
    assert (code, "it cannot be released: tweets/moves is about single people" in told) == (0, True)
    assert "nothing was released; nobody can overrule that" in told
    assert run(home, "publish", MOVES.name, "--approve", "Jo Bloggs")[0] == 1


def test_what_the_report_says_not_now_of_is_released_only_with_a_reason_that_is_kept(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_flows(home, MARCH)
    told_by_the_report = "Not now: a file of last week was refused."
    monkeypatch.setattr(releasing, "may_be_published", lambda _: Judgement(Light.BAD, told_by_the_report))
    monkeypatch.setattr(cli.console, "_width", 250)
    code, told = run(home, "publish", NAME)
    assert (code, f"the report: {told_by_the_report}" in told) == (0, True)
    assert "--approve NAME with --despite and --reason releases it all the same" in told
    for more in ((), ("--reason", "it concerns another month")):
        code, told = run(home, "publish", NAME, "--approve", "Jo Bloggs", *more)
        assert (code, f"nothing was released: {told_by_the_report}" in told) == (1, True)
    for more in (("--despite",), ("--despite", "--reason", " - ")):
        code, told = run(home, "publish", NAME, "--approve", "Jo Bloggs", *more)
        assert (code, "say why it is released (--reason)" in told) == (1, True)
    assert entries(home) == []
    code, _ = run(home, "publish", NAME, "--approve", "Jo", "--despite", "--reason", "it concerns another month")
    [entry] = entries(home)
    assert code == 0
    assert entry.approval_reason == "it concerns another month (the report said: not now)"
    everything = b"".join(path.read_bytes() for path in home.releases.rglob("*") if path.is_file())
    assert b"it concerns another month" in everything
    assert told_by_the_report.encode() not in everything, "what the report says in full is of the house alone"


def test_a_table_without_rows_is_released_despite_nothing(home: Home) -> None:
    put(home, protect(MIGRATION_FLOWS, MIGRATION_FLOWS.empty(), Thresholds(K)))
    for more in ((), ("--despite", "--reason", "a month without flows")):
        code, told = run(home, "publish", NAME, "--approve", "Jo Bloggs", *more)
        said = "It has no rows: there is nothing to tell. nobody can overrule that" in told
        assert (code, said) == (1, True)
    assert entries(home) == []


def test_a_name_that_is_nearly_one_is_recognised(home: Home) -> None:
    code, told = run(home, "publish", "migration_flows")
    assert (code, "did you mean tweets/migration_flows?" in told) == (1, True)


def test_what_may_be_worked_out_is_released_despite_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of tables that are made of others alone the auditor attacks nothing; the audit of what is behind them stands."""
    publish_flows(home, MARCH)
    audit = CATALOGUE["governance/disclosure_audit"]
    row = {"table_name": NAME, "disclosure_rule": "counts", "protected_unit": "users", "fewest": 10.0, "cells": 9,
           "primary": 1, "secondary": 0, "kept_share": 0.9, "attacked": 8, "exposed": 3}  # fmt: skip
    lake.publish(home, audit, pl.DataFrame([row], schema=audit.schema).lazy(), provenance())
    monkeypatch.setattr(cli.console, "_width", 250)
    code, told = run(home, "publish", NAME, "--approve", "Jo Bloggs", "--despite", "--reason", "all the same")
    assert (code, "3 numbers that may not be told" in told, "nobody can overrule that" in told) == (1, True, True)
    assert entries(home) == []


def test_from_a_release_to_its_withdrawal(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.console, "_width", 250)
    publish_flows(home, MARCH)
    assert run(home, "publish", NAME, "--approve", "Jo Bloggs", "--reason", "first")[0] == 0
    code, told = run(home, "publish", NAME, "--approve", "Jo Bloggs")
    assert (code, "nothing to release" in told) == (1, True)
    publish_flows(home, APRIL)
    code, told = run(home, "publish", NAME, "--approve", "Jo Bloggs")
    assert code == 1
    assert "so month, 2014-04, A, B is 2" in told
    assert "tweets/migration_flows is not released: from it and its 1 earlier release follows" in told
    code, told = run(home, "withdraw", NAME, "1", "--reason", "too little")
    assert (code, "release 1 of tweets/migration_flows is withdrawn" in told) == (0, True)
    code, told = run(home, "releases")
    assert (code, "too little" in told, "refused" in told) == (0, True, True)
    published = lake.read(home, RELEASE_LEDGER).collect()
    assert published["release_status"].to_list() == ["withdrawn", "refused"]
    path = folder(home) / "README.txt"
    path.chmod(0o644)
    path.write_text("other")
    code, told = run(home, "releases")
    assert (code, "README.txt was changed" in told) == (1, True)


def test_the_office_of_the_settings_releases(tmp_path: Path) -> None:
    """Whoever releases, nobody else is named in what describes the release, nor in the catalogue."""
    place = tmp_path / "home"
    place.mkdir()
    (place / "ons-assets.toml").write_text(
        '[office]\nname = "Statistik & Amt"\nagency = "AT_STAT"\nhomepage = "https://stat.example/"\n'
        'licence = "https://licence.example/by/4.0"\nlicence_name = "CC BY"\n'
    )
    settings = load_settings(place)
    publish_flows(operations.open_home(settings), MARCH)
    with releasing.drawn_up(settings, NAME) as drawn:
        entry, _ = drawn.put_out("Jo Bloggs", None)
    home = Home(settings.home)
    graph = (home.releases / "catalogue.ttl").read_text()
    folder = shelf.folder_of(home, NAME, 1)
    described = [graph, *(each.read_text() for each in folder.iterdir() if each.suffix in (".xml", ".csv"))]
    with zipfile.ZipFile(next(folder.glob("*.xlsx"))) as book:
        described += [book.read(each).decode() for each in book.namelist() if each.endswith(".xml")]
    assert entry.release_status is ReleaseStatus.RELEASED
    for one in ("AT_STAT", "https://stat.example/", "https://licence.example/by/4.0", "Statistik"):
        assert any(one in each for each in described), one
    for other in ("Office for National Statistics", '"ONS"', "ons.gov.uk", "Open Government"):
        assert not any(other in each for each in described), other


@pytest.mark.parametrize(
    "wrong", [{"agency": "1 ONS"}, {"homepage": "stat.example"}, {"licence": "https://a b"}, {"name": ""}, {"to": "x"}]
)
def test_an_office_that_no_file_could_name_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Office.model_validate(wrong)
