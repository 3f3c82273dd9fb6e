"""A draft of a layout is one that its source can use, once what it marks is completed."""

from pathlib import Path

import pytest
import yaml

from ons_assets.definitions import RAW
from ons_assets.intake.drafting import check, draft
from ons_assets.intake.layouts import Layout
from ons_assets.intake.source import Source
from ons_assets.lakehouse.home import Home
from ons_assets.settings import Settings
from tests.intake.samples import SAMPLES

NAMES = sorted(SAMPLES)
# Read by a decoder of their own; no layout says what they hold.
NO_TABLES = {"meters", "tweets", "areas"}
# Their samples are of suppliers that use words of their own.
OTHER_WORDS = {"aggregated_flows", "area_codes", "meter_questionnaire"}


@pytest.fixture
def source(name: str, tmp_path: Path) -> Source:
    settings = Settings(home=Home(tmp_path / "home").ensure().root)
    return next(made for raw in RAW if (made := raw.source(settings)).name == name)


@pytest.fixture
def file(name: str, tmp_path: Path) -> Path:
    path = tmp_path / SAMPLES[name].name
    path.write_bytes(SAMPLES[name].make("word"))
    return path


@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_draft_leaves_open_is_said_in_a_sentence(source: Source, file: Path) -> None:
    layout = Layout.model_validate(yaml.safe_load(draft(source, file)))
    checked = check(source, file, layout)
    assert checked.accepted or checked.sentences


@pytest.mark.parametrize("name", sorted(set(NAMES) - NO_TABLES - OTHER_WORDS))
def test_columns_that_are_called_as_the_source_calls_them_are_found(source: Source, file: Path) -> None:
    text = draft(source, file)
    needs, _ = source.said_fields
    open_fields = [name for name in needs if f"# {name}: ?" in text]
    layout = Layout.model_validate(yaml.safe_load(text))
    lack = source.lack_of(layout)
    # What stands for an item is for a person to say, and the currency of the pilot's files was known.
    expected = {"currency"} if source.name == "prices" else set()
    assert set(open_fields) == expected
    assert lack is None or source.name == "prices"


@pytest.mark.parametrize("name", ["prices"])
def test_what_is_completed_under_optional_counts(source: Source, tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("datum;filiale;artikel;preis\n28.11.2026;Wien 1;Milch 1L;1,29\n28.11.2026;Wien 1;Brot;2,49\n")
    text = draft(source, path)
    for name, value in (("retailer", "{constant: spar}"), ("currency", "{constant: EUR}"), ("category", "artikel")):
        text = "\n".join(f"  {name}: {value}" if f"# {name}: ?" in line else line for line in text.split("\n"))
    text = text.replace("# time_formats: ['%d/%m/%Y %H:%M']", "time_formats: ['%d.%m.%Y']").replace("# zone", "zone")
    text += 'items: {Milch 1L: {item_id: "211709", item: Milk}}\n'
    checked = check(source, path, Layout.model_validate(yaml.safe_load(text)))
    assert (checked.accepted, checked.rejected) == (1, 1), checked.sentences


@pytest.mark.parametrize("name", ["prices"])
@pytest.mark.parametrize("word", ["off", "no", "null", "2016", "0x1f", "1e3", "a: b", "# a", "-", "*a", "long " * 60])
def test_a_draft_is_a_layout_whatever_the_file_and_its_columns_are_called(
    source: Source, tmp_path: Path, word: str
) -> None:
    path = tmp_path / f"{word[:20]}.csv"
    path.write_text(f"date;{word};price\n2026-11-28;{word};1\n2026-11-28;b;2\n")
    layout = Layout.model_validate(yaml.safe_load(draft(source, path)))
    assert layout.name
