"""The first day of an installation is a setting: history may begin before 2014."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ons_assets import cli
from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.mobile.sources import EventFiles
from ons_assets.prices.sources import QuoteFiles
from ons_assets.settings import BadSettings, load_settings
from ons_assets.tweets.sources import TweetFiles
from tests.test_layout_commands import command
from tests.tweets.statuses import line, status
from tests.workbench import Workbench, day_of, run

OLD, LATER = date(2013, 12, 30), date(2014, 1, 3)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("ONS_ASSETS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(cli.console, "_width", 250)
    (tmp_path / "home").mkdir()
    return Home(tmp_path / "home")


def days_of_quotes(home: Home) -> list[date]:
    return sorted(lake.read(home, CATALOGUE["prices/raw_quotes"]).select("collected_on").unique().collect().to_series())


def left(home: Home) -> Path:
    path = home.root.parent / "tesco_products_1.csv"
    path.write_bytes(run(*day_of(OLD), *day_of(LATER)))
    return path


def begin(home: Home, day: str) -> None:
    (home.root / "ons-assets.toml").write_text(f"[calendar]\nfirst_day = {day}\n")


def test_rows_of_earlier_days_are_taken_once_the_installation_begins_before_them(home: Home) -> None:
    path = left(home)
    command("ingest", path, "--source", "prices")
    assert days_of_quotes(home) == [LATER]
    begin(home, "2013-12-01")
    shown = command("status")
    assert "1 file of prices, read under a layout or parameters that are other ones now" in shown.output, shown.output
    assert command("reread", "prices", "--yes").exit_code == 0
    assert days_of_quotes(home) == [OLD, LATER]


def test_a_first_day_of_a_layout_before_that_of_the_home_is_told(home: Home) -> None:
    path = left(home)
    layout = home.root.parent / "old.yaml"
    layout.write_text(
        "name: old\nfiles: '*'\ncolumns: {retailer: store, collected_at: timestamp, item_id: ons_item_no,"
        " product: product_name, price: item_price_num}\nconstants: {currency: GBP}\nzone: UTC\nfirst_day: 1900-01-01\n"
        'time_formats: ["%Y-%m-%d %H:%M:%S%.f"]\n'
    )
    shown = command("layout", "check", path, "--source", "prices", "--layout", layout)
    assert "the first day of this installation is 2014-01-01: calendar.first_day sets an earlier one" in shown.output


def test_a_first_day_with_more_partitions_than_can_be_shown_is_refused(home: Home) -> None:
    begin(home, "1900-01-01")
    with pytest.raises(BadSettings, match=r"calendar\.first_day"):
        load_settings(home.root)


QUOTES = (
    "name: early\nfiles: '*'\ncolumns: {retailer: store, collected_at: timestamp, item_id: ons_item_no,"
    " product: product_name, price: item_price_num, currency: {constant: GBP}}\nzone: UTC\n"
    'time_formats: ["%Y-%m-%d %H:%M:%S%.f"]\n'
)
POSITIONS = "name: early\nfiles: '*.csv'\ncolumns: {user: u, time: t, latitude: la, longitude: lo}\nzone: UTC\n"
EVENTS = (
    "name: early\nfiles: '*.csv'\ncolumns: {operator: o, device: d, time_utc: t, cell_id: c}\nzone: UTC\n"
    'time_formats: ["%Y-%m-%d %H:%M:%S"]\n'
)


def status_of(day: date) -> bytes:
    return line(status(datetime(day.year, day.month, day.day, 12, tzinfo=UTC)))


SOURCES = {
    "quotes": (QuoteFiles, QUOTES, lambda *days: run(*(each for day in days for each in day_of(day, quotes=1)))),
    "positions": (
        TweetFiles,
        POSITIONS,
        lambda *days: "\n".join(["u,t,la,lo", *(f"7,{day} 12:00:00,55.858,-4.258" for day in days), ""]).encode(),
    ),
    "tweets of the API": (TweetFiles, None, lambda *days: b"".join(map(status_of, days))),
    "events of phones": (
        EventFiles,
        EVENTS,
        lambda *days: "\n".join(["o,d,t,c", *(f"north,7,{day} 12:00:00,1" for day in days), ""]).encode(),
    ),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_an_old_row_of_any_source_with_days_goes_to_quarantine_and_blocks_nobody(tmp_path: Path, kind: str) -> None:
    source, layout, content = SOURCES[kind]
    bench = Workbench.at(tmp_path)
    bench.source, bench.table = source.of(bench.settings), CATALOGUE[source.table]
    if layout is not None:
        (bench.home.layouts / source.name).mkdir(parents=True, exist_ok=True)
        (bench.home.layouts / source.name / "early.yaml").write_text(f"{layout}first_day: 2000-01-01\n")
    ending = "json" if layout is None else "csv"
    first = bench.register(f"old.{ending}", content(OLD, LATER))
    second = bench.register(f"new.{ending}", content(date(2014, 1, 4)))
    assert (first.parsed_rows, first.quarantined_rows, second.quarantined_rows) == (2, 1, 0)
    assert "1 row: day is before 2014-01-01" in str(first.reason)
    outcome = bench.ingest()
    assert (outcome.rows, outcome.refusals) == (2, [])
    assert set(bench.statuses().values()) == {"accepted"}
    bench.check_books()
    said = () if layout is None else ("the layout early says first_day 2000-01-01, and the first day of this ",)
    assert [each.startswith(said) for each in bench.source.remarks] == [True] * len(said)


def test_status_tells_of_layouts_that_promise_earlier_days(home: Home) -> None:
    command("ingest", left(home), "--source", "prices")
    (home.layouts / "prices" / "early.yaml").write_text(f"{QUOTES}first_day: 1990-01-01\n")
    said = "of prices, the layout early says first_day 1990-01-01, and the first day of this installation is 2014-01-01"
    assert said in command("status").output
    begin(home, "1990-01-01")
    assert said not in command("status").output
