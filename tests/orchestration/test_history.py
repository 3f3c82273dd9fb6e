"""A history of runs of another Dagster is refused in a sentence, and an older one is brought up to date."""

import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from ons_assets import cli
from ons_assets.intake.ledger import Ledger
from ons_assets.lakehouse.home import Home, sha256_of
from ons_assets.orchestration import history
from ons_assets.orchestration.dagster_internals import EventLog, _migrations
from ons_assets.orchestration.history import INSTANCE_FILE, PREPARED, SHIPPED, OtherHistory
from ons_assets.orchestration.runs import instance, prepare_instance


@dg.asset
def numbers() -> None:
    """One that is made."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a history of one run."""
    made = Home(tmp_path / "home").ensure()
    Ledger(made)
    with instance(made) as opened:
        assert dg.materialize([numbers], instance=opened).success
    return made


def databases(home: Home) -> list[Path]:
    return [home.dagster / "history" / "runs.db", home.dagster / "history" / "runs" / "index.db"]


def stamp(home: Home, revision: str) -> None:
    """Say of the databases that they are of another revision, as another Dagster would have left them."""
    for path in databases(home):
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE alembic_version SET version_num = ?", [revision])
    (home.dagster / PREPARED).write_text("dagster 0.0, another\n")


def stamps(home: Home) -> set[str]:
    found = set()
    for path in databases(home):
        with closing(sqlite3.connect(path)) as database:
            found |= {row[0] for row in database.execute("SELECT version_num FROM alembic_version")}
    return found


def revisions() -> tuple[str, str]:
    """The revision of now, and the one before it."""
    latest, former = list(_migrations().walk_revisions())[:2]
    return latest.revision, former.revision


def test_an_older_history_is_refused_until_it_is_brought_up_to_date(home: Home) -> None:
    stamp(home, revisions()[1])
    with pytest.raises(OtherHistory, match=r"is of an older Dagster: .* and run ons-assets upgrade$"):
        prepare_instance(home)
    result = CliRunner().invoke(cli.app, ["upgrade", "--home", str(home.root)])
    assert (result.exit_code, "is up to date now" in result.stdout) == (0, True), result.exception
    assert stamps(home) == {revisions()[0]}
    with instance(home) as opened:
        assert (opened.get_runs_count(), opened.has_asset_key(numbers.key)) == (1, True)
        assert isinstance(opened.event_log_storage, EventLog)
    again = CliRunner().invoke(cli.app, ["upgrade", "--home", str(home.root)])
    assert "nothing was to be done" in again.stdout


def test_an_upgrade_that_was_cut_off_goes_on_and_nobody_works_meanwhile(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp(home, revisions()[1])
    with monkeypatch.context() as patch:
        patch.setattr(EventLog, "upgrade", lambda _: (_ for _ in ()).throw(OSError("no power")))
        with pytest.raises(OSError, match="no power"):
            history.upgrade(home, print)
    assert len(stamps(home)) == 2
    with pytest.raises(OtherHistory, match="older"):
        prepare_instance(home)
    assert history.upgrade(home, print)
    prepare_instance(home)


def test_a_newer_history_is_refused_and_not_changed(home: Home) -> None:
    stamp(home, "ffffffffffff")
    for act in (prepare_instance, lambda it: history.upgrade(it, print)):
        with pytest.raises(OtherHistory, match="was written by a newer Dagster than"):
            act(home)
    assert stamps(home) == {"ffffffffffff"}


def test_a_home_that_is_served_is_not_upgraded(home: Home) -> None:
    with home.served("code"):
        result = CliRunner().invoke(cli.app, ["upgrade", "--home", str(home.root)])
    assert "is being served: end its service first" in str(result.exception)


def test_a_configuration_of_before_is_replaced_and_one_of_ones_own_is_kept(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = home.dagster / INSTANCE_FILE.name
    configuration.write_text("telemetry: {enabled: false}\n")
    (home.dagster / PREPARED).write_text("")
    prepare_instance(home)
    assert configuration.read_text() == "telemetry: {enabled: false}\n"
    monkeypatch.setattr(history, "SHIPPED", (sha256_of(configuration), SHIPPED[-1]))
    (home.dagster / PREPARED).write_text("")
    prepare_instance(home)
    assert configuration.read_bytes() == INSTANCE_FILE.read_bytes()


def test_the_configuration_of_now_is_known_to_versions_to_come() -> None:
    assert SHIPPED[-1] == sha256_of(INSTANCE_FILE), "a changed dagster.yaml is added to the end of SHIPPED"
