"""The demonstration: a home of its own days and areas, and the files of all sources of one country."""

import logging
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from ons_assets import cli, demo, operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.cli import terminal
from ons_assets.demo import harvesting
from ons_assets.demo.figure import Figure
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.runs import Outcome
from ons_assets.parameters.area_prices import AreaPriceParameters
from ons_assets.settings import Settings, load_settings
from ons_assets.simulate.country import SCALES
from ons_assets.simulate.meters import scales as meters
from ons_assets.simulate.mobile import scales as mobile
from ons_assets.simulate.tweets import scales as tweets


def test_a_new_home_is_told_of_which_days_and_areas_it_is(tmp_path: Path) -> None:
    settings = demo.prepared(load_settings(tmp_path / "home"))
    assert settings.tweets.locating.area_level == "district"
    assert settings.calendar.first_day <= SCALES["small"].first_day
    assert load_settings(tmp_path / "home") == settings
    assert demo.prepared(settings) == settings


def test_a_home_that_says_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "ons-assets.toml"
    file.write_text("[calendar]\nfirst_day = 2010-01-01\n")
    with pytest.raises(ValueError, match=r"first_day is 2010-01-01, and tweets.locating.area_level is not set"):
        demo.prepared(load_settings(tmp_path))
    assert file.read_text() == "[calendar]\nfirst_day = 2010-01-01\n"


def test_a_home_with_files_of_its_own_is_left_as_it_is(tmp_path: Path) -> None:
    """Its first day would become another, and its tables those of two countries."""
    settings = load_settings(tmp_path / "home")
    file = tmp_path / "areas.csv"
    file.write_text("not read yet\n")
    operations.open_home(settings)
    assert operations.take(settings, [file], "areas", lambda _: None).drops
    with pytest.raises(ValueError, match="has files of its own"):
        demo.prepared(settings)
    assert not (settings.home / "ons-assets.toml").exists()
    (settings.home / "simulated").mkdir()
    assert demo.prepared(settings).calendar.first_day <= SCALES["small"].first_day, "of an earlier demonstration"


def test_every_source_of_the_country_has_a_folder_and_the_truth_lies_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    size = replace(SCALES["small"], people=1_000)
    for scales, less in ((meters, {"homes": 16}), (mobile, {"days": 3}), (tweets, {"users": 100})):
        monkeypatch.setitem(scales.IN_COUNTRY, "small", replace(scales.IN_COUNTRY["small"], **less))
    summary = demo.simulate_country(tmp_path / "drops", tmp_path / "truth", size, 3, told.append)
    assert told == ["simulating a country", *(f"simulating {name}" for name in demo.PILOTS)]
    assert "people of one country" in summary
    assert {path.name for path in (tmp_path / "drops").iterdir()} >= {
        "areas", "addresses", "population", "dwellings", "commuting_flows", "migration_estimates", "prices", "tweets",
        "meters", "meter_areas", "phone_events", "phone_market",
        "retailer_shares",
    }  # fmt: skip
    assert {path.name for path in (tmp_path / "truth").iterdir()} == {"country", *demo.PILOTS}
    months = set(pl.read_parquet(tmp_path / "truth" / "country" / "area_months.parquet")["month"])
    quotes = pl.read_parquet(tmp_path / "truth" / "prices" / "runs.parquet")["day"].dt.month_start()
    assert set(quotes) <= months
    served = set(pl.read_csv(tmp_path / "drops" / "retailer_shares" / "household_survey.csv")["retailer"])
    assert served <= set(pl.read_parquet(tmp_path / "truth" / "prices" / "runs.parquet")["retailer"])
    weights = pl.read_csv(tmp_path / "drops" / "item_weights" / "item_weights.csv", schema_overrides={"item_id": str})
    few = AreaPriceParameters(samples=20)
    true = demo.prices.true_area_indices(tmp_path / "truth" / "prices", tmp_path / "truth" / "country", weights, few)
    assert set(pl.read_csv(tmp_path / "drops" / "retailer_shares" / "household_survey.csv")["area"]) <= set(
        true["area"]
    )
    assert true["index"].null_count() == 0


def test_a_day_from_a_stream_says_of_located_tweets_what_its_file_says(tmp_path: Path) -> None:
    """Else the report of the demonstration tells of a fault that nobody planted."""
    drops = tmp_path / "drops"
    demo.tweets.simulate(drops, tmp_path / "truth", replace(tweets.SCALES["small"], users=60), 3)
    [*_, day] = sorted(each for each in (drops / "tweets").iterdir() if each.suffix in (".gz", ".parquet"))
    content = day.read_bytes()
    settings = load_settings(tmp_path / "streamed")
    home = operations.open_home(settings)
    harvesting.harvest(settings, drops / "tweets", lambda _: None)
    assert not day.exists()
    told = {"streamed": located(settings, harvesting.files(home, "tweets"))}
    day.write_bytes(content)
    by_file = load_settings(tmp_path / "by_file")
    operations.open_home(by_file)
    told["by_file"] = located(by_file, [day])
    assert len(told["by_file"]) > 5
    assert told["streamed"].equals(told["by_file"])


def located(settings: Settings, files: list[Path]) -> pl.DataFrame:
    """What a home says of the tweets with a point that some files hold; pseudonyms are its own."""
    operations.take(settings, files, "tweets", lambda _: None)
    operations.read_waiting(settings, lambda _: None)
    rows = lake.read(Home(settings.home), CATALOGUE["tweets/raw_tweets"]).collect()
    columns = ("tweet_id", "event", "created_utc", "latitude", "longitude", "place_type", "application")
    return rows.filter(position="point").select(columns).sort("tweet_id")


NOTE = "24 flows of codes of another year, taken under the current ones."


@pytest.mark.parametrize("verbose", [False, True])
def test_the_demonstration_ends_with_one_screen_and_tells_notes_only_if_asked(
    verbose: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a method notes while it works comes from a logger, of which Python would print it at once."""
    made = tuple(f"{domain}/{number}" for domain in ("governance", *demo.PILOTS) for number in range(12))
    outcome = Outcome("", made, {}, {}, {"governance/disclosure_audit": "late"}, ())

    def make(*_: object) -> list[Outcome]:
        for _again in range(2):
            logging.getLogger("ons_assets.mobile.assets").warning(NOTE)
        return [outcome]

    figures = {name: [Figure(f"A figure of {name}", "1,006", "1,006")] for name in demo.PILOTS}
    for name, instead in {
        "simulate": lambda *_: None,
        "collect": lambda *_: None,
        "harvest": lambda *_: None,
        "ingest": lambda *_: [],
        "materialize": make,
        "results": lambda *_: {},
        "figures": lambda *_: figures,
    }.items():
        monkeypatch.setattr(demo, name, instead)
    for console in (terminal.console, terminal.errors):
        monkeypatch.setattr(console, "_width", 80)
    # A short path, as a home has in which somebody works.
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        cli.main(["demo", "--home", "data", *(["--verbose"] if verbose else [])])
    assert not ended.value.code
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.count(NOTE) == verbose
    lines = said.out.splitlines()
    assert verbose or len(lines) <= 40
    assert verbose or all(len(line) <= 80 for line in lines if str(tmp_path) not in line)
    assert all(
        each in said.out for each in ("60 tables made", "A figure of tweets", "What was found", "ons-assets status")
    )
