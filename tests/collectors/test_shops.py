"""Descriptions of shops: what is wrong with one is said in a sentence, and the schema takes what the program takes."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ons_assets.collectors.descriptions import ENDINGS, BadDescription
from ons_assets.collectors.prices import mornings, shops
from ons_assets.collectors.prices.runs import Runs
from ons_assets.lakehouse.home import Home
from tests.collectors.test_pages import BASE, shop

FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"adress": "x"}, "adress: is no word here; did you mean address"),
    ({"address": "ftp://shop.example/"}, "is no address of the web"),
    ({"address": "https://me:secret@shop.example/"}, "a collector never logs in"),
    ({"contact": "nobody"}, "reaches nobody"),
    ({"contact": None}, "contact: is to be a text"),
    ({"currency": "pounds"}, "currency: is to be as the pattern"),
    ({"delay_seconds": -1}, "delay_seconds: is to be at least 0, not -1"),
    ({"items": []}, "items: is to have at least 1 of them"),
    ({"items": [{"item_id": 1, "item": "Bread"}]}, "says neither shelf, address nor sitemap"),
    ({"items": [{"item_id": 1, "item": "Bread", "shelf": "Bread"}]}, "shelves does not say where the shop names them"),
    ({"items": [{"item_id": 1, "item": "Bread", "sitemap": "/s.xml"}]}, "sitemap and matching go together"),
    ({"items": [{"item_id": 1, "item": "Bread", "address": "https://other.example/"}]}, "is of another host"),
    ({"pages": {"next": "a", "parameter": "page"}}, "one of them is how the shop pages"),
    ({"pages": {"next": "a[["}}, "is no CSS selector"),
    ({"quotes": {"each": "li"}}, "each needs product and price"),
    ({"quotes": {"markup": False}}, "nothing could be read"),
    ({"quotes": {"price": "b"}}, "say each"),
    ({"quotes": {"each": {"json": "[["}, "product": "b", "price": "i"}}, "is no JMESPath expression"),
    (
        {"quotes": {"each": "li", "product": {"css": "b", "pattern": "x"}, "price": "i"}},
        "needs a group in round brackets",
    ),
    ({"quotes": {"each": "li", "product": {}, "price": "i"}}, "one of css, json, constant is needed"),
    ({"hours": {"first": "09:00", "last": "08:00"}}, "last is to be later than first"),
    ({"hours": {"first": "09:00", "last": "12:00"}}, "at 08:00 is outside of hours"),
    ({"hours": {"first": "07:00", "last": "08:05"}}, "is on some days outside of hours"),
    ({"zone": "Europe/Londn"}, "Europe/Londn"),
    ({"retailer": "Big Shop"}, "retailer: is to be as the pattern"),
]


@pytest.mark.parametrize(("said", "sentence"), FAULTS, ids=[each for _, each in FAULTS])
def test_faults_are_told_in_a_sentence(tmp_path: Path, said: dict[str, Any], sentence: str) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(yaml.safe_dump({**BASE, **said}))
    with pytest.raises(BadDescription) as error:
        shops.read(path)
    told = str(error.value)
    assert sentence in told
    assert told.startswith("shop.yaml")
    assert "\n" not in told


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "shop.yaml is empty"),
        ("- a", "says no word with its value"),
        ("a: [", "is not valid YAML in line 1"),
        ("a: \x00", "is not valid YAML"),
    ],
)
def test_files_that_describe_nothing(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(text)
    with pytest.raises(BadDescription, match=sentence.replace("[", r"\[")):
        shops.read(path)


def test_a_file_is_called_like_its_shop(tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(yaml.safe_dump(BASE))
    with pytest.raises(BadDescription, match=r"call it shop\.yaml"):
        shops.read(path)


def test_two_files_of_one_shop_are_one_too_many(tmp_path: Path) -> None:
    """Two schedules of one name would keep the whole service from starting."""
    for ending in ENDINGS:
        (tmp_path / f"{BASE['retailer']}{ending}").write_text(yaml.safe_dump(BASE))
    with pytest.raises(BadDescription, match="is of the same name; one of them has to go"):
        shops.read(tmp_path / f"{BASE['retailer']}.yaml")


def test_the_shipped_example_can_be_used_and_fits_the_schema(tmp_path: Path) -> None:
    path = tmp_path / "pellworth.yaml"
    path.write_text(shops.EXAMPLE.read_text())
    described = shops.read(path)
    jsonschema.validate(yaml.safe_load(shops.EXAMPLE.read_text()), shops.Shop.model_json_schema())
    assert shops.from_written(shops.written(described)) == described
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**BASE, "adress": "x"}, shops.Shop.model_json_schema())


def test_who_is_not_described_is_told_who_is(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(BadDescription, match="there are none"):
        shops.named(home, "shop")
    shops.folder(home).mkdir(parents=True)
    (shops.folder(home) / "shop.yaml").write_text(yaml.safe_dump(BASE))
    (shops.folder(home) / ".shop.yaml.swp").write_text("x")
    with pytest.raises(BadDescription, match="no shop 'shpo'; did you mean shop"):
        shops.named(home, "shpo")
    assert shops.named(home, "shop") == shop()


def test_runs_wait_as_long_as_they_may_and_not_alike() -> None:
    one, other = shop(), shop(retailer="other")
    days = [date(2026, 11, day) for day in range(1, 31)]
    waits = [mornings.wait_seconds(each, day) for each in (one, other) for day in days]
    assert len(set(waits)) == 60
    assert 0 <= min(waits) < 120 < 480 < max(waits) < 600
    assert mornings.wait_seconds(one, days[0]) == waits[0]


def test_a_late_run_is_made_up_by_the_clock_of_the_shop() -> None:
    described = shop(hours={"first": "07:00", "last": "12:00"})
    # Eight o'clock in London is seven in UTC until 25 October 2026.
    expected = {"06:59": False, "07:14": False, "07:15": True, "10:59": True, "11:00": False}
    for text, late in expected.items():
        now = datetime.fromisoformat(f"2026-10-24T{text}:00+00:00")
        assert mornings.is_late(described, now, "Europe/London") is late
        assert not mornings.is_late(described, now, "Pacific/Auckland")


def test_mornings_without_a_run_are_found() -> None:
    days = [date(2026, 3, 28), date(2026, 3, 30)]
    assert mornings.gone_by(days, date(2026, 4, 1)) == [date(2026, 3, 29), date(2026, 3, 31)]
    assert mornings.gone_by([], date(2026, 4, 1)) == []


def run_of(status: str, *failures: dict[str, Any], rules: int | None = 200, day: str = "2026-03-28") -> dict[str, Any]:
    return {"day": day, "run": "1", "status": status, "failures": list(failures), "robots": [{"status": rules}]}


def test_who_is_asked_again_on_a_day() -> None:
    day, described = date(2026, 3, 28), shop()
    out_of_reach = run_of("failed", {"kind": "failed", "status": None}, rules=None)
    assert not mornings.is_done(described, [], day)
    assert not mornings.is_done(described, [run_of("complete", day="2026-03-27")], day)
    assert mornings.is_done(described, [run_of("partial")], day)
    assert not mornings.is_done(described, [out_of_reach], day)
    assert mornings.is_done(described, [out_of_reach] * 3, day)
    assert not mornings.is_done(described, [run_of("failed", {"kind": "refused", "status": None}, rules=503)], day)
    # Who refuses is not asked again.
    assert mornings.is_done(described, [run_of("failed", {"kind": "refused", "status": 403})], day)
    assert mornings.is_done(described, [run_of("failed", {"kind": "refused", "status": None})], day)
    assert mornings.is_done(described, [run_of("failed", {"kind": "refused", "status": None}, rules=403)], day)


def test_late_shops_of_a_home_and_descriptions_that_cannot_be_used(tmp_path: Path) -> None:
    home = Home(tmp_path)
    shops.folder(home).mkdir(parents=True)
    for name in ("shop", "other"):
        (shops.folder(home) / f"{name}.yaml").write_text(yaml.safe_dump({**BASE, "retailer": name}))
    (shops.folder(home) / "bad.yaml").write_text("")
    Runs.of(home, "other").ensure().record_missing(date(2026, 3, 28), "a power cut", datetime.now(UTC))
    due, faults = mornings.shops_due(home, "Europe/London", datetime(2026, 3, 28, 10, tzinfo=UTC))
    # A morning that is only recorded as missing may have its run still.
    assert (due, faults) == (["other", "shop"], ["bad.yaml is empty"])
    assert mornings.shops_due(home, "Europe/London", datetime(2026, 3, 28, 7, tzinfo=UTC))[0] == []
