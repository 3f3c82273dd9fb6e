import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
import typer
import yaml

from ons_assets import cli
from ons_assets.cli import terminal
from ons_assets.orchestration.runs import Outcome
from ons_assets.orchestration.sensors import INTERVAL_SECONDS
from ons_assets.program import code_version
from ons_assets.settings import Drops
from tests.every_command import commands
from tests.run_files import PRICES, write_run, write_weights

DAY = date(2016, 7, 21)


@dataclass(frozen=True)
class Answer:
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


Command = Callable[..., Answer]


def as_a_user_does(*arguments: object, home: Path) -> Answer:
    """Run the command in a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-m", "ons_assets", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200", "ONS_ASSETS_HOME": str(home)},
        cwd=home.parent,
        check=False,
    )
    return Answer(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture
def ons_assets(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command in this process, which is ten times as fast; what is not caught there fails the test."""
    for console in (cli.console, terminal.errors):
        monkeypatch.setattr(console, "_width", 200)

    def run(*arguments: object, home: Path | None = None) -> Answer:
        if home is not None:
            monkeypatch.setenv("ONS_ASSETS_HOME", str(home))
            monkeypatch.chdir(home.parent)
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main([str(each) for each in arguments])
        said = capsys.readouterr()
        return Answer(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_from_files_to_a_database(ons_assets: Command, home: Path, tmp_path: Path) -> None:
    files = [write_run(tmp_path, shop, date(2016, 7, day)) for shop in ("tesco", "waitrose") for day in (21, 22)]
    taken = ons_assets("ingest", *files, write_weights(tmp_path), home=home)
    assert taken.returncode == 0, taken.stderr
    assert "5 files: 13 rows accepted, 0 rows in quarantine" in taken.stdout
    made = ons_assets("materialize", home=home)
    assert made.returncode == 0, made.stderr
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as database:
        assert database.execute("SELECT count(*) FROM prices.raw_quotes").fetchall() == [(12,)]
        assert database.execute('SELECT count(DISTINCT "group") FROM prices.aggregate_indices').fetchall() == [(1,)]
    assert (home / "reports" / "governance" / "index.html").exists()
    shown = ons_assets("status", home=home)
    assert shown.returncode == 0
    assert "prices/item_indices" in shown.stdout


def test_what_lies_in_the_drop_folders_is_taken_without_arguments(home: Path) -> None:
    write_run(home / "drops" / "prices", "tesco", DAY)
    taken = as_a_user_does("ingest", home=home)
    assert taken.returncode == 0, taken.stderr
    assert "1 file: 3 rows accepted" in taken.stdout


def test_a_folder_of_drops_is_taken_whole_and_a_folder_of_no_known_name_is_said(
    ons_assets: Command, home: Path, tmp_path: Path
) -> None:
    for name in ("prices", "price"):
        (tmp_path / "made" / name).mkdir(parents=True)
    write_run(tmp_path / "made" / "prices", "tesco", DAY)
    taken = ons_assets("ingest", tmp_path / "made", home=home)
    assert taken.returncode == 1
    assert "1 file: 3 rows accepted" in taken.stdout
    assert "there is no source 'price'; did you mean prices?" in taken.stderr
    assert taken.stderr.endswith("ons-assets: 1 folder passed over\n")


def test_what_is_counted_is_called_by_its_name_and_status_repeats_what_was_said(
    ons_assets: Command, home: Path, tmp_path: Path
) -> None:
    """A row of the table of readings is a day of a meter, a row in quarantine one of the file."""
    readings = tmp_path / "home.csv"
    hours = [f"MAC1,2013-01-0{day} {hour:02}:{half}:00, 0.2 \n" for day in (1, 2) for hour in range(24)
             for half in ("00", "30")]  # fmt: skip
    readings.write_text("LCLid,tstp,energy(kWh/hh)\n" + "".join([*hours, hours[5], "MAC1,2013-01-02 25:00:00,1\n"]))
    taken = ons_assets("ingest", readings, "--source", "meters", home=home)
    assert "1 file: 3 meter days accepted, 1 row in quarantine" in taken.stdout, taken.stdout + taken.stderr
    shown = " ".join(ons_assets("status", home=home).stdout.split())
    assert "Accepted with a remark (1)" in shown
    assert "1 repeated reading" in shown
    assert "MAC1" not in shown


def test_files_are_taken_up_as_soon_as_is_promised() -> None:
    """A file is seen by one look of its sensor, and is complete at the first look after it has settled."""
    settle = Drops().settle_seconds
    assert INTERVAL_SECONDS * (1 + math.ceil(settle / INTERVAL_SECONDS)) <= 30
    promise = "taken up within half a minute"
    repository = Path(__file__).resolve().parents[1]
    assert promise in (repository / "README.md").read_text()
    assert promise in (cli.serve.__doc__ or "")


def test_a_refused_file_is_an_error_in_one_sentence_and_no_traceback(
    ons_assets: Command, home: Path, tmp_path: Path
) -> None:
    good = write_run(tmp_path, "waitrose", DAY)
    empty = tmp_path / "tesco_products_20160721050000.csv"
    empty.write_bytes(b"")
    bad = write_run(tmp_path, "sainsbury", DAY, {name: price * 1000 for name, price in PRICES.items()})
    taken = ons_assets("ingest", good, empty, bad, home=home)
    assert taken.returncode == 1
    assert "tesco_products_20160721050000.csv is empty" in taken.stdout
    assert "median" in taken.stdout
    assert taken.stderr.strip() == "ons-assets: 2 of 3 files refused"
    assert "Traceback" not in taken.stdout + taken.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["ingest", "nowhere.csv"], "there is no file nowhere.csv"),
        (["ingest", "--source", "nobody", "setup.py"], "there is no source 'nobody'"),
        (["materialize", "prices/nothing"], "there is no asset or group 'prices/nothing'"),
        (["materialize", "--from", "2016-07-01"], "--from and --to go together"),
        (["materialize", "--from", "2016-07-02", "--to", "2016-07-01"], "--from 2016-07-02 is after --to 2016-07-01"),
        (["status"], "there is no home"),
        (
            ["parameters", "ships"],
            "there is no domain of parameters 'ships'; there are calendar, geography, prices, tweets, meters, mobile",
        ),
    ],
)
def test_a_mistake_is_answered_in_a_sentence(
    ons_assets: Command, home: Path, arguments: list[str], sentence: str
) -> None:
    answer = ons_assets(*arguments, home=home)
    assert answer.returncode == 1
    assert answer.stderr.startswith("ons-assets: ")
    assert sentence in answer.stderr


def test_a_file_of_nobody_asks_for_its_source(ons_assets: Command, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear Sir\n")
    answer = ons_assets("ingest", file, home=home)
    assert answer.returncode == 1
    assert "no source recognises letter.txt; say whose it is with --source" in answer.stderr
    taken = ons_assets("ingest", file, "--source", "prices", home=home)
    assert taken.returncode == 1
    assert "letter.txt is text in a layout that is not known" in taken.stdout


def test_a_file_that_may_be_of_two_sources_asks_for_its_source(ons_assets: Command, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("area,population,side,workers\nE1,100,home,40\n")
    answer = ons_assets("ingest", file, home=home)
    assert answer.returncode == 1
    assert "people.csv may be of population and workers; say whose it is with --source" in answer.stderr


def test_a_table_that_is_never_made_alone_is_made_with_the_others(ons_assets: Command, home: Path) -> None:
    ons_assets("ingest", home=home)
    made = ons_assets("materialize", "meters/profiles", home=home)
    assert made.returncode == 0, made.stderr
    assert "meters/profiles is made together with meters/profile_indicators" in made.stdout
    assert made.stdout.splitlines()[-2:] == ["nothing was made", "meters: 2 tables wait for meters/half_hours"]


def test_the_demonstration_is_of_great_britain_and_is_not_begun_elsewhere(ons_assets: Command, home: Path) -> None:
    home.mkdir()
    (home / "ons-assets.toml").write_text('[geography]\ncrs = "epsg:32618"\n')
    answer = ons_assets("demo", home=home)
    assert answer.returncode == 1
    assert "the demonstration is of Great Britain, and geography.crs of this home is EPSG:32618" in answer.stderr
    assert [path.name for path in home.iterdir()] == ["ons-assets.toml"]


def test_a_home_of_other_areas_or_later_days_is_not_one_of_the_demonstration(ons_assets: Command, home: Path) -> None:
    home.mkdir()
    (home / "ons-assets.toml").write_text('[tweets.locating]\narea_level = "msoa11"\n')
    answer = ons_assets("demo", home=home)
    assert answer.returncode == 1
    assert "calendar.first_day is 2014-01-01, and tweets.locating.area_level is msoa11" in answer.stderr
    assert [path.name for path in home.iterdir()] == ["ons-assets.toml"]


def test_bad_settings_are_named(home: Path) -> None:
    home.mkdir()
    (home / "ons-assets.toml").write_text("[prices.quotes]\nmax_price = -1\n")
    answer = as_a_user_does("status", home=home)
    assert answer.returncode == 1
    assert "prices.quotes.max_price" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_home_that_cannot_be_one_is_told(ons_assets: Command, home: Path) -> None:
    home.write_text("no folder")
    for command in (["ingest"], ["materialize"], ["status"]):
        answer = ons_assets(*command, home=home)
        assert answer.returncode == 1
        assert str(home) in answer.stderr
        assert "Errno" not in answer.stderr
        assert "Traceback" not in answer.stderr


def test_parameters_are_shown_with_their_bounds_and_where_they_come_from(ons_assets: Command, home: Path) -> None:
    home.mkdir()
    (home / "ons-assets.toml").write_text("[tweets.clustering]\neps_m = 30\n")
    shown = ons_assets("parameters", "tweets", home=home)
    assert shown.returncode == 0, shown.stderr
    assert "tweets.clustering.eps_m = 30  (ons-assets.toml)" in shown.stdout
    assert "two tweets of a user are neighbours within this distance; number > 0" in shown.stdout
    assert "prices." not in shown.stdout
    assert "prices.quotes.max_price = 10000  (default)" in ons_assets("parameters", home=home).stdout


def test_a_former_name_is_answered_with_the_new_one(ons_assets: Command, home: Path) -> None:
    home.mkdir()
    (home / "ons-assets.toml").write_text("[tweets]\neps_m = 30\n")
    answer = ons_assets("status", home=home)
    assert answer.returncode == 1
    assert "there is no parameter tweets.eps_m; did you mean tweets.clustering.eps_m?" in answer.stderr
    assert "Traceback" not in answer.stderr


COMMANDS = dict(commands(typer.main.get_command(cli.app)))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help(ons_assets: Command, words: tuple[str, ...]) -> None:
    assert ons_assets(*words, "--help").returncode == 0


# Those that make one, or stay at work; how `ingest` makes none is below.
MAKERS = {("demo",), ("serve",), ("ingest",), ("simulate",), ("restore",), ("harvest", "streams")}


@pytest.mark.parametrize("words", sorted({*COMMANDS} - MAKERS), ids=" ".join)
def test_a_command_that_finds_no_home_makes_none(ons_assets: Command, words: tuple[str, ...], home: Path) -> None:
    given: list[object] = []
    for each in COMMANDS[words].params:
        if each.required:
            given += [*(each.opts[-1:] if each.param_type_name == "option" else []), "1"]
    answer = ons_assets(*words, *given, home=home)
    assert "Traceback" not in answer.stderr
    assert not home.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ingest", "nofile.csv"], "there is no file nofile.csv"),
        (["ingest", "nofile.csv", "none.csv"], "there is no file nofile.csv or none.csv"),
        (["ingest", "setup.py", "--source", "price"], "there is no source 'price'; did you mean prices?"),
        (["collect", "northway"], "there is no shop 'northway'"),
        (["harvest", "feed"], "there is no stream 'feed'"),
        (["materialise", "prices"], "there is no home"),
        (["release"], "there is no home"),
    ],
)
def test_a_slip_makes_no_home(ons_assets: Command, arguments: list[str], said: str, home: Path) -> None:
    answer = ons_assets(*arguments, home=home)
    assert answer.returncode == 1
    assert said in answer.stderr
    assert not home.exists()


def test_the_version_is_that_of_published_tables(ons_assets: Command) -> None:
    assert ons_assets("--version").stdout == f"ons-assets {code_version()}\n"


def test_simulate_writes_files_and_truth_apart(ons_assets: Command, tmp_path: Path) -> None:
    answer = ons_assets("simulate", tmp_path / "drops", tmp_path / "truth")
    assert answer.returncode == 0, answer.stderr
    assert list((tmp_path / "drops" / "prices").glob("*_products_*.csv"))
    assert (tmp_path / "truth" / "indices.parquet").exists()


def test_simulate_says_what_it_cannot_do(ons_assets: Command, tmp_path: Path) -> None:
    inside = ons_assets("simulate", tmp_path / "drops", tmp_path / "drops" / "truth")
    assert inside.returncode == 1
    assert "lies inside the folder for the files" in inside.stderr
    unknown = ons_assets("simulate", tmp_path / "drops", tmp_path / "truth", "--pilot", "ships")
    assert unknown.returncode == 1
    assert "there is no pilot 'ships'" in unknown.stderr


def test_a_terminal_is_told_nothing_that_it_obeys(ons_assets: Command, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "a\x1b[2J\x1b]0;owned\x07\u202egnp.csv"
    file.write_text("a\x1b[31m,b\n1,2\n")
    for command in (["ingest", file, "--source", "population"], ["layout", "check", file, "--source", "population"]):
        told = ons_assets(*command, home=home)
        assert not {"\x1b", "\x07", "\u202e"} & set(told.stdout + told.stderr)
        assert "owned" in told.stdout


def test_a_draft_holds_what_a_file_is_called_and_has_in_its_header_as_text(
    ons_assets: Command, home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "a\x1b[2J\ncolumns: {}.json"
    file.write_text(json.dumps([{"area": "E1", "x\nname: stolen": 1, "\u202egnp": 2}] * 3))
    told = ons_assets("layout", "draft", file, "--source", "population", home=home)
    assert not {"\x1b", "\u202e"} & set(told.stdout)
    assert "stolen" in told.stdout
    assert "columns: {}" in told.stdout
    drafted = yaml.safe_load(told.stdout)
    assert drafted["name"] != "stolen"
    assert drafted["columns"] is None or isinstance(drafted["columns"], dict)
    assert told.stdout.count("\ncolumns:") == 1


def test_brackets_are_no_markup(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.console, "_width", 250)
    texts = [":smile: [red]x[/red]", "[/nope]", "[link=http://evil.example]y[/link]"]
    frame = pl.DataFrame({"[bold]name": texts})
    cli.console.print(terminal.frame_table("[/title]", frame))
    cli.console.print(terminal.upright("rows", frame))
    with terminal.progress_of("[/a]") as progress:
        progress("[/b]")
    told = capsys.readouterr().out
    assert all(told.count(text) == 2 for text in texts)
    assert "[/title]" in told


def test_an_outcome_is_told_in_few_lines_and_what_is_worst_last(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli.console, "_width", 250)
    waiting = {
        "reference/item_rules": "a file",
        "a/waiting": "prices/raw_quotes",
        "b/one": "a/waiting and reference/item_rules",
        "b/two": "b/one and c/never_asked_for",
    }
    made = tuple(f"{group}/{number}" for group in "xy" for number in range(4))
    terminal.print_outcome(Outcome("", made, waiting, {"z/bad": "no key"}, {"x/1": "late"}, ("z/after",)))
    terminal.print_outcome(Outcome("", ("a/made",), {"a/waiting": "a/other"}, {}, {}, ()))
    assert capsys.readouterr().out.splitlines() == [
        "8 tables made: 4 of x, 4 of y",
        "a: 1 table waits for files in drops/prices",
        "b: 2 tables wait for files in drops/item_rules and drops/prices, and for c/never_asked_for",
        "reference: 1 table waits for files in drops/item_rules",
        "x/1 was made, with a warning: late",
        "not made, because of a table before them: z/after",
        "z/bad was not made: no key",
        "1 table made: a/made",
        "a: 1 table waits for a/other",
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "99999"], "--port is to be at most 65535"),
        (["--port", "0"], "--port is to be at least 1"),
        (["--host", "0.0.0.0"], "say its name with --behind-proxy"),
    ],
)
def test_the_ui_is_not_served_where_it_must_not_be(
    ons_assets: Command, home: Path, arguments: list[str], sentence: str
) -> None:
    refused = ons_assets("serve", *arguments, home=home)
    assert refused.returncode != 0
    assert sentence in " ".join(refused.stderr.split())
    assert not home.exists()
