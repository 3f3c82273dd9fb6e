"""The register: who answers for a table, inherited and overlaid, and refused in a sentence where it cannot be used."""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from ons_assets import operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.cli import app
from ons_assets.definitions import RAW, build_definitions
from ons_assets.governance.register import RegisterError, register_of
from ons_assets.governance.register import table as register_table
from ons_assets.governance.register.entries import made_of
from ons_assets.governance.register.model import UpdateCycle
from ons_assets.governance.register.release_status import ReleaseState
from ons_assets.governance.releases.release_ledger import Entry as Release
from ons_assets.governance.releases.release_ledger import ReleaseLedger, ReleaseStatus
from ons_assets.intake.ledger import Ledger
from ons_assets.lakehouse import lake, warehouse
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.tables import Catalogue
from ons_assets.settings import Settings
from tests.workbench import COUNTS, PERSONS, provenance

QUOTES = "prices/raw_quotes"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path).ensure()


def write(home: Home, text: str) -> None:
    (home.root / "register.toml").write_text(text)


def test_every_table_has_an_owner_and_all_that_must_be_said(home: Home) -> None:
    register = register_of(home)
    assert set(register) == set(CATALOGUE)
    for entry in register.values():
        for field in dataclasses.fields(entry):
            value = getattr(entry, field.name)
            assert value or field.name in ("partition", "business_rules", "sources", "of_home"), (entry.table, field)
        assert entry.business_rules, entry.table


def test_every_source_has_its_place(home: Home) -> None:
    sources = {raw.source(Settings()).name: raw.table for raw in RAW}
    register = register_of(home)
    register.check_sources(sources)
    assert register.tables_of_sources == sources
    with pytest.raises(RegisterError, match="files of prices become prices/checked_quotes"):
        register.check_sources({"prices": "prices/checked_quotes"})


def test_a_table_without_an_owner_fails_the_build(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    orphan = dataclasses.replace(CATALOGUE[QUOTES], name="prices/orphan", owner="team:nobody")
    with pytest.raises(RegisterError, match=r"says no owner of prices/orphan: say it in register.toml under \[tables"):
        register_of(home, Catalogue([orphan]))

    def failing(_: Home) -> None:
        register_of(home, Catalogue([orphan]))

    monkeypatch.setattr("ons_assets.definitions.register_of", failing)
    with pytest.raises(RegisterError, match="says no owner"):
        build_definitions(Settings(home=home.root))


def test_an_address_in_the_registry_is_an_owner_by_itself(home: Home) -> None:
    table = dataclasses.replace(CATALOGUE[QUOTES], owner="jo.bloggs@office.example")
    assert register_of(home, Catalogue([table]))[QUOTES].owner.contact == "jo.bloggs@office.example"


def test_what_a_derived_table_does_not_say_its_inputs_do(home: Home) -> None:
    register = register_of(home)
    flows = register["mobile/weighted_flows"]
    assert [each.name for each in made_of(CATALOGUE["mobile/weighted_flows"], CATALOGUE)] == [
        "mobile/operator_flows",
        "mobile/aggregated_flows",
    ]
    assert {*register["mobile/devices"].suppliers, *register["mobile/aggregated_flows"].suppliers} <= {*flows.suppliers}
    assert len(flows.licences) == len(set(flows.licences))


def test_days_and_months_are_told_by_the_registry(home: Home) -> None:
    register = register_of(home)
    told = {name: register[name].partition for name in (QUOTES, "tweets/residences", "tweets/users", "mobile/cells")}
    assert told == {QUOTES: "day", "tweets/residences": "month", "tweets/users": None, "mobile/cells": None}


def test_a_later_heading_goes_before_an_earlier_one_and_the_home_before_what_is_shipped(home: Home) -> None:
    write(
        home,
        """
        [office]
        purpose = "of the office"
        legal_basis = "a law"
        data_protection_officer = { name = "Jo", contact = "jo@ons.example.org" }
        [teams.prices]
        owner = { name = "Team lead", contact = "lead@office.org" }
        [tables."prices/raw_quotes"]
        owner = { name = "Ann", contact = "ann@office.org" }
        update_cycle = { every = "week", within_days = 1, weekdays = [1, 2, 3, 4, 5] }
        """,
    )
    register = register_of(home)
    entry, other = register[QUOTES], register["prices/checked_quotes"]
    assert (entry.owner.name, other.owner.name) == ("Ann", "Team lead")
    assert entry.purpose == "Consumer price indices from prices that shops show on their websites"
    assert entry.legal_basis == "a law"
    assert register["tweets/users"].legal_basis.startswith("Statistics and Registration Service Act")
    assert str(entry.update_cycle) == "every week on weekdays 1, 2, 3, 4, 5, within 1 day"
    assert entry.of_home == ("owner", "data_protection_officer", "legal_basis", "update_cycle")
    assert register.teams["team:prices"].name == "Team lead"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[tables."prices/raw_quots"]', "there is no table 'prices/raw_quots'; did you mean prices/raw_quotes?"),
        ("[sources.price]", "there is no source 'price'; did you mean prices?"),
        ("[domains.xyz]", "there is no domain 'xyz'; there are governance, "),
        ("[teams.nobody]", "there is no team 'nobody'; there are "),
        ("[offices]", "offices is no word here; did you mean office?"),
        ("[sensitivity.secret]", "sensitivity.secret: is to be 'public', 'aggregate' or 'individual', not 'secret'"),
        (
            '[tables."prices/raw_quotes"]\nownr = 1',
            'tables."prices/raw_quotes".ownr is no word here; did you mean owner?',
        ),
        ("[office]\nowner = { name = 'Jo', contact = 'jo@a.org', tel = 1 }", "office.owner.tel is no word here"),
        ("[office]\nowner = 'Jo'", "office.owner: is to have words with their values in it"),
        ("[office]\nowner = { name = 'Jo', contact = 'jo' }", "office.owner.contact: is to be an e-mail address"),
        ("[office]\nowner = { name = '', contact = 'jo@a.org' }", "office.owner.name: is to have at least 1 char"),
        ("[office]\npurpose = 3", "office.purpose: is to be a text"),
        ("[office]\nbusiness_rules = 'x'", "office.business_rules: is to be a list"),
        ("[office]\nupdate_cycle = { every = 'fortnight' }", "office.update_cycle.every: is to be 'day', 'week'"),
        ("[office]\nupdate_cycle = { every = 'day', weekdays = [8] }", "weekdays.1: is to be at most 7"),
        ("[sources.prices]\ntable = 'prices/checked_quotes'", "files of prices become prices/raw_quotes, which"),
        ("tables = 3", "tables: is to have words with their values in it"),
        ("[tables", "cannot be read as TOML"),
        ("[office]\npurpose = '\udcff'", "cannot be read as TOML"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(home: Home, text: str, said: str) -> None:
    (home.root / "register.toml").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(RegisterError) as refused:
        register_of(home)
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"the register {home.root / 'register.toml'} cannot be ")
    assert "\n" not in str(refused.value).strip()


def release(status: ReleaseStatus, number: int | None = 1, **values: object) -> Release:
    made = datetime(2026, 11, 3, 9, tzinfo=UTC)
    said = {"figures_attacked": None, "cells_exposed": None, "attacked_with": 0, "release_version": number, **values}
    return Release("prices/cpi_release", 7, "d", made, "A. Director", None, status, **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("entries", "state", "said"),
    [
        ([], ReleaseState.MAY_BE, "May be published: no disclosure control is needed, "),
        ([release(ReleaseStatus.MAKING)], ReleaseState.MAY_BE, "Nobody has released it yet."),
        (
            [release(ReleaseStatus.RELEASED), release(ReleaseStatus.RELEASED, 2)],
            ReleaseState.RELEASED,
            "Published: release 2 of 2026-11-03, approved by A. Director, made of version 7;",
        ),
        (
            [release(ReleaseStatus.RELEASED), release(ReleaseStatus.REFUSED, None, refusal="too much follows")],
            ReleaseState.RELEASED,
            "The release of 2026-11-03 was refused: too much follows.",
        ),
        (
            [release(ReleaseStatus.REFUSED, None, refusal="too much follows")],
            ReleaseState.REFUSED,
            "Not published. The release of 2026-11-03 was refused: too much follows.",
        ),
        (
            [
                release(
                    ReleaseStatus.WITHDRAWN,
                    withdrawn_utc=datetime(2026, 11, 5, tzinfo=UTC),
                    withdrawn_reason="an error",
                )
            ],
            ReleaseState.WITHDRAWN,
            "Withdrawn: release 1, on 2026-11-05, an error. May be published: ",
        ),
    ],
)
def test_how_a_table_stands_with_the_public_is_read_from_the_ledger(
    home: Home, entries: list[Release], state: ReleaseState, said: str
) -> None:
    ledger = ReleaseLedger(home)
    for each in entries:
        ledger.add(each)
    entry = register_of(home)["prices/cpi_release"]
    assert entry.release_state is state
    assert said in entry.release_status
    assert entry.may_be_published


def test_what_is_about_people_or_of_others_is_never_published(home: Home) -> None:
    for entry in register_of(home).values():
        table = CATALOGUE[entry.table]
        assert entry.may_be_published == (not table.is_individual and table.domain != "reference")


def test_owners_in_dagster_are_people_with_an_address(home: Home) -> None:
    write(home, '[tables."prices/raw_quotes"]\nowner = { name = "Ann", contact = "ann@office.org" }')
    specs = build_definitions(Settings(home=home.root)).resolve_all_asset_specs()
    owners = {spec.key.to_user_string(): spec.owners for spec in specs}
    assert owners[QUOTES] == ["ann@office.org"]
    assert owners["governance/analytical_database"] == ["data.governance@office.example"]
    assert all("@" in owner for each in owners.values() for owner in each)
    dg.Definitions.validate_loadable(build_definitions(Settings(home=home.root)))


def test_the_table_says_what_the_register_does(home: Home) -> None:
    write(home, '[tables."prices/raw_quotes"]\nowner = { name = "Ann", contact = "ann@office.org" }')
    register = register_of(home)
    frame = register_table.frame(register, {"tweets": 30})
    assert frame["table_name"].to_list() == list(register)
    [row] = frame.filter(pl.col("table_name") == QUOTES).to_dicts()
    assert (row["accountable_owner"], row["owner_contact"], row["retention_days"]) == ("Ann", "ann@office.org", None)
    [tweets] = frame.filter(pl.col("table_name") == "tweets/raw_tweets").to_dicts()
    assert tweets["retention_days"] == 30
    assert tweets["release_state"] == "never"


def test_the_database_says_who_answers(home: Home) -> None:
    register = register_of(home)
    tables = Catalogue([COUNTS, PERSONS, CATALOGUE["governance/register"]])
    for table in (COUNTS, PERSONS):
        lake.publish(home, table, table.empty().lazy(), provenance())
    comments = {**register_table.comments(register), COUNTS.name: "Owner: Ann <ann@office.org>. It's hers."}
    with duckdb.connect() as connection:
        warehouse.build(connection, home, tables, comments, [register_table.VIEW])
    with duckdb.connect(home.warehouse, read_only=True) as database:
        assert database.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall() == []
    frame = register_table.frame(register, {})
    lake.publish(home, CATALOGUE["governance/register"], frame.lazy(), provenance())
    with duckdb.connect() as connection:
        warehouse.build(connection, home, tables, comments, [register_table.VIEW])
        warehouse.build(connection, home, tables, comments, [register_table.VIEW])
    # Under whatever name the file is attached.
    with duckdb.connect() as database:
        database.execute(f"ATTACH '{home.warehouse}' AS another (READ_ONLY)")
        rows = database.execute("SELECT table_name, owner_contact FROM another.register").fetchall()
        assert ("prices/raw_quotes", "prices@office.example") in rows
        said = dict(database.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall())
        assert said["counts"].endswith("Key: day. Owner: Ann <ann@office.org>. It's hers.")
        assert "Owner: Head of Data Governance" in said["register"]


def test_the_command_shows_and_checks(home: Home) -> None:
    write(home, '[tables."prices/raw_quotes"]\nowner = { name = "Ann", contact = "ann@office.org" }')
    run = CliRunner()
    shown = run.invoke(app, ["register", "show", QUOTES, "--home", str(home.root)]).output
    assert "owner: Ann <ann@office.org> (register.toml of this home)" in shown
    assert "update_cycle: every day, within 2 days; a version replaces days of it" in shown
    every = run.invoke(app, ["register", "show", "--home", str(home.root)])
    assert every.exit_code == 0
    checked = run.invoke(app, ["register", "check", "--home", str(home.root)])
    assert checked.exit_code == 0
    assert f"{len(CATALOGUE)} tables, each with an owner; 1 with words of this home" in checked.output
    assert "Head of Prices Methods <prices@office.example> is an address that is shipped" in checked.output
    with pytest.raises(LookupError, match="did you mean prices/raw_quotes"):
        run.invoke(app, ["register", "show", "prices/raw_quots", "--home", str(home.root)], catch_exceptions=False)
    write(home, "[office")
    with pytest.raises(RegisterError, match="cannot be read as TOML"):
        run.invoke(app, ["register", "check", "--home", str(home.root)], catch_exceptions=False)


@pytest.mark.parametrize(
    ("cycle", "days"),
    [
        (UpdateCycle(every="day", within_days=2), 3),
        (UpdateCycle(every="day", within_days=0, weekdays=(1, 2, 3, 4, 5)), 3),
        (UpdateCycle(every="day", within_days=1, weekdays=(3,)), 8),
        (UpdateCycle(every="week", within_days=2), 9),
        (UpdateCycle(every="month", within_days=10), 41),
        (UpdateCycle(every="irregular"), None),
        (UpdateCycle(every="follows"), None),
    ],
)
def test_what_comes_regularly_is_late_after_its_longest_silence(cycle: UpdateCycle, days: int | None) -> None:
    assert cycle.longest_silence == (None if days is None else timedelta(days=days))


def test_the_ui_knows_when_a_table_is_late(home: Home) -> None:
    register = register_of(home)
    settings = Settings(home=home.root)
    for spec in build_definitions(settings).resolve_all_asset_specs():
        entry = register.get(spec.key.to_user_string())
        silence = entry.update_cycle.longest_silence if entry else None
        assert (spec.freshness_policy is None) == (silence is None), spec.key


def test_a_register_that_cannot_be_used_stops_before_a_file_is_taken(home: Home) -> None:
    settings = Settings(home=home.root)
    operations.open_home(settings)
    write(home, "[tables.nonsense]\n")
    file = home.root / "tesco_products_20160721050000.csv"
    file.write_text("")
    with pytest.raises(RegisterError):
        operations.take(settings, [file], None, lambda _: None)
    assert Ledger(home).drops() == []
    assert file.exists()
