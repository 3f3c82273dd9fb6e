"""The first day of an installation is a setting: history may begin before 2014."""

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from ons_assets import cli
from ons_assets.catalogue import CATALOGUE
from ons_assets.definitions import DATED, build_definitions
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.settings import BadSettings, load_settings
from tests.test_layout_commands import command
from tests.workbench import day_of, run

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


def test_partitions_begin_with_the_first_day_of_the_home(home: Home) -> None:
    begin(home, "1985-02-01")
    for spec in build_definitions(load_settings(home.root)).resolve_all_asset_specs():
        days = spec.partitions_def
        assert (days is not None) == (spec.key in DATED)
        if days is not None:
            assert isinstance(days, dg.DailyPartitionsDefinition)
            assert days.get_first_partition_key() == "1985-02-01"


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
