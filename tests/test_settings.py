from pathlib import Path

import pytest

from ons_assets.settings import BadSettings, Settings, load_settings, origins


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
    (tmp_path / "ons-assets.toml").write_text("[prices.quotes]\nmax_price = 500\n[drops]\nsettle_seconds = 1\n")
    settings = load_settings(tmp_path)
    assert (settings.prices.quotes.max_price, settings.drops.settle_seconds) == (500, 1)
    assert settings.drops.max_line_bytes == 1 << 20
    monkeypatch.setenv("ONS_ASSETS_PRICES__QUOTES__MAX_PRICE", "600")
    settings = load_settings(tmp_path)
    assert (settings.prices.quotes.max_price, settings.drops.settle_seconds) == (600, 1)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[prices.quotes]\nmax_price = -1\n", "prices.quotes.max_price: is to be more than 0, not -1"),
        ('[prices.indices]\nfrequencies = ["year"]\n', "'day', 'week' or 'month'"),
        ("prices_max_price = 5\n", "no parameter prices_max_price"),
        (
            "[prices.quotes]\nmax_prize = 5\n",
            r"no parameter prices.quotes.max_prize; did you mean prices.quotes.max_price\?",
        ),
        ("[prices]\nmax_price = 5\n", r"no parameter prices.max_price; did you mean prices.quotes.max_price\?"),
        ("[tweets]\neps_m = 5\n", r"did you mean tweets.clustering.eps_m\?"),
        ("[tweets]\nfewest_tweets = 5\n", r"tweets.users.fewest_tweets or tweets.flows.fewest_tweets\?"),
        ("[meters]\nimpute = 'both'\n", r"did you mean meters.imputation.method\?"),
        (
            "[prices]\naggregation = 'complete'\n",
            "prices.aggregation is a group of parameters: prices.aggregation.rule",
        ),
        ("[prices.classification]\nreview_between = [0.6, 0.8]\n", "must hold 0.5"),
        ("[drops]\nsettle_seconds = 'soon'\n", "is to be a number, not 'soon'"),
        ("[drops\n", "ons-assets.toml cannot be read as TOML"),
    ],
)
def test_a_mistyped_or_impossible_parameter_is_an_error(tmp_path: Path, toml: str, message: str) -> None:
    (tmp_path / "ons-assets.toml").write_text(toml)
    with pytest.raises(BadSettings, match=message):
        load_settings(tmp_path)


def test_settings_survive_the_way_to_another_process(tmp_path: Path) -> None:
    (tmp_path / "ons-assets.toml").write_text(
        '[prices.indices]\nmethods = [{method = "jevons", chain = "chained"}]\n[mobile]\npreset = "multimno"\n'
    )
    settings = load_settings(tmp_path)
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("TWEETS__FASTEST_M_S", "50", r"no parameter tweets.fastest_m_s; did you mean tweets.users.fastest_m_s\?"),
        ("TWEET__EPS_M", "50", r"did you mean tweets.clustering.eps_m\?"),
        ("NONSENSE", "1", "ons-assets parameters shows what there is"),
        (
            "PRICES__AGGREGATION",
            "complete",
            "PRICES__AGGREGATION must hold JSON: prices.aggregation is a table or a list",
        ),
        ("METERS__CALENDAR__HOLIDAYS", "2014-12-25", "HOLIDAYS must hold JSON"),
        ("TWEETS__USERS__FASTEST_M_S", "-1", "tweets.users.fastest_m_s: is to be more than 0"),
    ],
)
def test_a_wrong_variable_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(f"ONS_ASSETS_{variable}", value)
    with pytest.raises(BadSettings, match=message):
        load_settings(tmp_path)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TWEETS__USERS__FASTEST_M_S", "50"),
        ("tweets__users__fastest_m_s", "50"),
        ("TWEETS__USERS", '{"fastest_m_s": 50}'),
    ],
)
def test_a_group_is_set_in_part_or_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(f"ONS_ASSETS_{variable}", value)
    users = load_settings(tmp_path).tweets.users
    assert (users.fastest_m_s, users.fewest_tweets) == (50, 20)


def test_a_rule_of_one_item_is_set_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONS_ASSETS_PRICES__CHECKING__OUTLIERS_OF_ITEM__212720__METHOD", "quartile")
    settings = load_settings(tmp_path)
    assert settings.prices.checking.outliers_of_item["212720"].method == "quartile"
    sources = {each.parameter.path: each.source for each in origins(settings)}
    assert sources["prices.checking.outliers_of_item"].endswith("OUTLIERS_OF_ITEM__212720__METHOD")


def test_it_is_known_where_a_value_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ons-assets.toml").write_text(
        '[tweets.clustering]\neps_m = 30\nmin_tweets = 4\n[mobile]\npreset = "multimno"\n[mobile.release]\nk = 20\n'
    )
    monkeypatch.setenv("ONS_ASSETS_TWEETS__CLUSTERING__EPS_M", "25")
    found = {each.parameter.path: each for each in origins(load_settings(tmp_path))}
    sources = {path: (found[path].parameter.value, found[path].source) for path in found}
    assert sources["tweets.clustering.eps_m"] == ("25", "environment variable ONS_ASSETS_TWEETS__CLUSTERING__EPS_M")
    assert sources["tweets.clustering.min_tweets"] == ("4", "ons-assets.toml")
    assert sources["tweets.users.fastest_m_s"] == ("300", "default")
    assert sources["mobile.permanence.night_start"] == ("18", "preset multimno")
    assert sources["mobile.release.k"] == ("20", "ons-assets.toml")
    assert sources["mobile.workers.full_week_share"] == ("0.7", "default")


def test_the_suites_of_the_project_are_the_default(tmp_path: Path) -> None:
    assert (load_settings(tmp_path).expectations / "prices" / "raw_quotes.json").is_file()


@pytest.mark.parametrize(
    "address",
    [
        "sc://host/;token=s3cret",
        "sc://host/;authorization=s3cret",
        "sc://me:s3cret@host",
        "http://host",
        "sc:host",
        "local it",
    ],
)
def test_an_address_of_spark_holds_no_secret_and_none_is_repeated(address: str, tmp_path: Path) -> None:
    tmp_path.joinpath("ons-assets.toml").write_text(f'[engine]\nspark = "{address}"\n')
    with pytest.raises(BadSettings, match=r"engine\.spark: .*SPARK_CONNECT_AUTHENTICATE_TOKEN") as raised:
        load_settings(tmp_path)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    "address",
    ["sc://host", "sc://host:15002/;use_ssl=true", "spark://a:7077,b:7077", "k8s://https://h:6443", "yarn", "local[*]"],
)
def test_an_address_of_spark_is_taken(address: str, tmp_path: Path) -> None:
    tmp_path.joinpath("ons-assets.toml").write_text(f'[engine]\nspark = "{address}"\n')
    assert load_settings(tmp_path).engine.spark == address


def test_an_option_of_spark_is_no_secret(tmp_path: Path) -> None:
    said = '[engine.spark_options]\n"spark.connect.authenticate.token" = "s3cret"\n'
    tmp_path.joinpath("ons-assets.toml").write_text(said)
    with pytest.raises(BadSettings, match=r"spark\.connect\.authenticate\.token is a secret by its name") as raised:
        load_settings(tmp_path)
    assert "s3cret" not in str(raised.value)
