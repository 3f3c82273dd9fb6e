"""What says what happened is made whatever came of the tables: on the command line, and by a run after all others."""

import json
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from typer.testing import CliRunner

from ons_assets import cli, operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.definitions import ACCOUNTS, AT_THE_END, RAW, build_definitions, following
from ons_assets.intake.ledger import Ledger
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration import accounting
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.orchestration.runs import instance
from ons_assets.settings import Settings

LEDGER = CATALOGUE["governance/drop_ledger"]


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, list(arguments))
    return result.output + str(result.exception or "")


def test_a_first_installation_whose_only_file_is_refused_has_ledger_database_and_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home")
    monkeypatch.setenv("ONS_ASSETS_HOME", str(home.root))
    file = tmp_path / "strange.csv"
    file.write_text("a,b\n1,2\n")
    assert "1 of 1 file refused" in run("ingest", str(file), "--source", "prices")
    [row] = lake.read(home, LEDGER).collect().to_dicts()
    assert (row["file_name"], row["status"]) == ("strange.csv", "refused")
    with duckdb.connect(str(home.warehouse), read_only=True) as database:
        assert database.execute("SELECT status FROM governance.drop_ledger").fetchall() == [("refused",)]
    report = home.reports / "governance"
    assert "strange.csv" in (report / "refused.html").read_text()
    assert "Never made: 1 file was refused" in (report / "tables/prices/raw_quotes.html").read_text()
    # One account that is refused keeps no other from being made.
    overlay = home.expectations / "governance" / "erasures.json"
    overlay.parent.mkdir(parents=True)
    expected = {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}, "severity": "critical"}
    overlay.write_text(json.dumps({"expectations": [{**expected, "meta": {"name": "some"}}]}))
    before = (report / "index.html").stat().st_mtime_ns
    outcome = operations.make(Settings(home=home.root), ["governance"], None, lambda _: None)
    assert set(outcome.failures) == {"governance/erasures"}
    assert {"governance/analytical_database", "governance/report"} <= set(outcome.made)
    assert outcome.skipped == ()
    assert (report / "index.html").stat().st_mtime_ns > before
    assert "act now" in (report / "tables/governance/erasures.html").read_text().lower()


def test_runs_over_files_leave_the_accounts_to_the_run_that_follows() -> None:
    graph = build_definitions(Settings()).resolve_asset_graph()
    for raw in RAW:
        made = following(raw).resolve(graph)
        assert not made & AT_THE_END
    assert {key.path[-1] for key in ACCOUNTS} >= {"drop_ledger", "analytical_database", "report", "disclosure_audit"}


def test_the_sensor_asks_when_something_happened_and_nothing_is_at_work(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    home = operations.open_home(settings)
    [sensor] = [each for each in build_definitions(settings).sensors or [] if each.name == "accounts"]
    with instance(home) as opened:

        def ask(cursor: str | None) -> dg.SensorResult | dg.SkipReason:
            context = dg.build_sensor_context(
                instance=opened, cursor=cursor, resources={"lakehouse": Lakehouse.of(settings)}
            )
            result = sensor(context)
            assert isinstance(result, dg.SensorResult | dg.SkipReason)
            return result

        first = ask(None)
        assert isinstance(first, dg.SensorResult)
        assert first.run_requests is not None
        assert len(first.run_requests) == 1
        assert isinstance(ask(first.cursor), dg.SkipReason), "nothing happened since"
        ledger = Ledger(home)
        ledger.receive("prices", "good.csv", "a" * 64, 1, datetime.now(UTC))
        assert isinstance(ask(first.cursor), dg.SensorResult)
        running = opened.create_run_for_job(
            build_definitions(settings).resolve_job_def("retention"), status=dg.DagsterRunStatus.STARTED
        )
        waits = ask(first.cursor)
        assert isinstance(waits, dg.SkipReason)
        assert "at work" in str(waits.skip_message)
        long_ago = json.dumps({**json.loads(first.cursor or ""), "asked": 0})
        assert isinstance(ask(long_ago), dg.SensorResult), "files may come without a break"
        # A file that cannot be taken is refused when it is seen, and no run tells of it.
        ledger.receive("prices", "empty.csv", None, 0, datetime.now(UTC), unreadable="is empty")
        told = ask(first.cursor)
        assert isinstance(told, dg.SensorResult), "what was refused is told at once, whatever is at work"
        assert isinstance(ask(told.cursor), dg.SkipReason), "and once"
        opened.report_run_failed(running)
        ended = accounting.happenings(home, opened)
        account = opened.create_run_for_job(
            build_definitions(settings).resolve_job_def(accounting.JOB),
            status=dg.DagsterRunStatus.STARTED,
            tags=accounting.TAG,
        )
        assert isinstance(ask(long_ago), dg.SkipReason), "one account at a time"
        opened.report_run_failed(account)
        assert accounting.happenings(home, opened) == ended, "an account is nothing that happened"
