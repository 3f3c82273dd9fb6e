from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from ons_assets.settings import FIRST_DAY, Settings, load_settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_home_is_the_argument_then_the_environment_then_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().home == tmp_path / "data"
    monkeypatch.setenv("ONS_ASSETS_HOME", str(tmp_path / "other"))
    assert load_settings().home == tmp_path / "other"
    assert load_settings(tmp_path / "third").home == tmp_path / "third"


def test_an_empty_variable_is_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONS_ASSETS_HOME", "")
    assert load_settings().home == tmp_path / "data"


def test_the_file_in_the_home_sets_parameters_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ons-assets.toml").write_text("[prices]\nmax_price = 500\n[drops]\nsettle_seconds = 1\n")
    settings = load_settings(tmp_path)
    assert (settings.prices.max_price, settings.drops.settle_seconds) == (500, 1)
    assert settings.drops.max_line_bytes == 1 << 20
    monkeypatch.setenv("ONS_ASSETS_PRICES__MAX_PRICE", "600")
    settings = load_settings(tmp_path)
    assert (settings.prices.max_price, settings.drops.settle_seconds) == (600, 1)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[prices]\nmax_price = -1\n", "greater than 0"),
        ('[prices]\nfrequencies = ["year"]\n', "'day', 'week' or 'month'"),
        ("prices_max_price = 5\n", "Extra inputs are not permitted"),
        ("[prices]\nmax_prize = 5\n", "Extra inputs are not permitted"),
        ("[drops]\nsettle_seconds = 'soon'\n", "valid number"),
    ],
)
def test_a_mistyped_or_impossible_parameter_is_an_error(tmp_path: Path, toml: str, message: str) -> None:
    (tmp_path / "ons-assets.toml").write_text(toml)
    with pytest.raises(ValidationError, match=message):
        load_settings(tmp_path)


def test_settings_survive_the_way_to_another_process(tmp_path: Path) -> None:
    (tmp_path / "ons-assets.toml").write_text(
        '[prices]\nmax_price = 500\nindex_methods = [{method = "jevons", chain = "chained"}]\n'
    )
    settings = load_settings(tmp_path)
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


def test_the_suites_of_the_project_are_the_default(tmp_path: Path) -> None:
    assert (load_settings(tmp_path).expectations / "prices" / "raw_quotes.json").is_file()
    assert date(2014, 1, 1) == FIRST_DAY
