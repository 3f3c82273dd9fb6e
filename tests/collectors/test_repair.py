"""A shelf is renamed in the morning, recognised, accepted, and the day made good; and mornings that nobody came."""

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from ons_assets import cli, operations
from ons_assets.collectors.descriptions import BadDescription
from ons_assets.collectors.prices import shops
from ons_assets.collectors.prices.mornings import NOBODY
from ons_assets.collectors.prices.runs import NotCollected, Runs, finish
from ons_assets.lakehouse.home import Home
from ons_assets.operations import collecting
from ons_assets.prices.sources import QuoteFiles
from ons_assets.simulate.shops import Faults
from ons_assets.simulate.shops.stock import Renaming
from tests.collectors.shop_worlds import Street, street

SHOP, SHELF, BECOMES = "pellworth", "Bread rolls and wraps", "Bread and cakes"
ITEMS = ("210111", "210113")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, truth: Path) -> Any:
    """Two mornings in one shop; before the second a shelf got another name, and products that are new to it."""
    folder = tmp_path_factory.mktemp("repair")
    first = pl.read_parquet(truth / "prices.parquet")["day"].min()
    assert isinstance(first, date)
    renaming = Renaming(SHOP, SHELF, BECOMES, first + timedelta(1), also=("212360",))
    with street(folder / "home", truth, Faults(), (renaming,), page_size=4) as opened:
        before, lost = (opened.collect(day, (SHOP,))[0] for day in opened.stock.days[:2])
        file = opened.rows(lost)
        asked = len(opened.servers[SHOP].log)
        with pytest.raises(NotCollected, match="proposes nothing for 999999"):
            collecting.accept(opened.settings, SHOP, "A. Statistician", "999999")
        [good] = collecting.accept(opened.settings, SHOP, "A. Statistician")
        yield opened, before, lost, file, good, asked


def test_a_renamed_shelf_is_proposed_with_evidence(story: Any) -> None:
    _, before, lost, file, _, _ = story
    assert (before["status"], before["proposals"]) == ("complete", [])
    assert lost["status"] == "partial"
    assert [each["item_id"] for each in lost["proposals"]] == list(ITEMS)
    for each in lost["proposals"]:
        assert (each["shelf"], each["becomes"]) == (SHELF, BECOMES)
        assert each["shared"] >= 0.5 * each["smaller"]
        assert f"{BECOMES} has {each['shared']} of {each['smaller']} of its products" in each["evidence"]
    assert file.filter(pl.col("item_id").is_in(ITEMS)).is_empty()
    assert not file.is_empty()


def test_the_day_is_made_good_without_asking_again(story: Any) -> None:
    opened, _, lost, file, good, asked = story
    assert len(opened.servers[SHOP].log) == asked
    assert (good["run"], good["file"], good["status"]) == (lost["run"], lost["file"], "complete")
    now = opened.rows(good)
    assert now.join(file, on=now.columns, how="semi", nulls_equal=True).height == file.height
    day = opened.stock.days[1]
    for item in ITEMS:
        rows = now.filter(item_id=item)
        assert rows["shelf"].unique().to_list() == [BECOMES]
        truth = sorted((each.name, each.price) for each in opened.stock.articles(SHOP, item, day))
        assert sorted((name, Decimal(price)) for name, price in rows.select("product", "price").iter_rows()) == truth


def test_the_file_takes_the_place_of_the_first_one(story: Any, tmp_path: Path) -> None:
    """Both are the same batch to the way in, which a later file of it replaces."""
    opened, _, _, file, good, _ = story
    first = tmp_path / good["file"]
    first.write_bytes(file.write_csv().encode())
    source = QuoteFiles.of(opened.settings)
    paths = (first, opened.settings.home / "drops" / "prices" / good["file"])
    read = [source.whole(path, path.name, datetime.now(UTC)).accepted for path in paths]
    batches = [rows.select(source.batch).unique().rows() for rows in read]
    assert batches == [[(SHOP, good["run"])]] * 2
    assert [set(ITEMS) <= set(rows["item_id"]) for rows in read] == [False, True]


def test_what_is_not_accepted_is_proposed_still(story: Any, tmp_path: Path) -> None:
    """Though its shelf has not all of the products any more."""
    opened: Street = story[0]
    place = Path(shutil.copytree(opened.settings.home, tmp_path / "home"))
    settings = opened.settings.model_copy(update={"home": place})
    runs = Runs.of(Home(place), SHOP)
    (runs.folder / "accepted.json").unlink()
    _, journal, *later = runs.journals()
    for each in later:
        shutil.rmtree(each.folder)
    known = json.loads((journal.folder / "known.json").read_bytes())
    for _, _, names in known["products"]:
        names.append("A loaf that is sold no more")
    (journal.folder / "known.json").write_text(json.dumps(known))
    assert len(finish(Home(place), runs, journal, 0.5)["proposals"]) == len(ITEMS)
    [good] = collecting.accept(settings, SHOP, "A. Statistician", ITEMS[0])
    assert [each["item_id"] for each in good["proposals"]] == [ITEMS[1]]
    [good] = collecting.accept(settings, SHOP, "A. Statistician")
    assert (good["status"], good["proposals"]) == ("complete", [])


def test_the_next_morning_goes_to_the_new_shelf(story: Any) -> None:
    """And records the morning in between, on which the description could not be used."""
    opened, _, _, _, _, _ = story
    _, _, between, day = opened.stock.days
    path = opened.settings.home / "collectors" / "prices" / f"{SHOP}.yaml"
    whole = path.read_text()
    path.write_text("")
    with pytest.raises(BadDescription):
        opened.collect(between, (SHOP,))
    path.write_text(whole)
    [said] = opened.collect(day, (SHOP,))
    assert (said["status"], said["proposals"]) == ("complete", [])
    home = Home(opened.settings.home)
    missing = [each for each in Runs.of(home, SHOP).manifests() if each["status"] == "missing"]
    assert [(each["day"], each["reason"]) for each in missing] == [(between.isoformat(), f"{SHOP}.yaml is empty")]
    [row] = collecting.standing(opened.settings).filter(shop=SHOP).to_dicts()
    assert (row["status"], row["failed"], row["missing_mornings"]) == ("complete", 0, 1)
    with pytest.raises(NotCollected, match="proposes nothing"):
        collecting.accept(opened.settings, SHOP, "A. Statistician")


def test_the_report_is_the_health_of_a_collector(story: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of its last morning, and of what no other run of that day made good."""
    opened: Street = story[0]
    home = Home(opened.settings.home)
    manifests = Runs.of(home, SHOP).manifests()
    last = date.fromisoformat(manifests[-1]["day"])
    rows = [
        (last, SHOP, "shelf_renamed", False),
        (last, SHOP, "truncated", True),
        (last, SHOP, "none", False),
        (last - timedelta(1), SHOP, "empty", False),
        (last + timedelta(1), SHOP, "missing_run", False),
        (last, "larkmere", "stuck", False),
    ]
    report = pl.LazyFrame(rows, schema=["day", "retailer", "finding", "has_clean_run"], orient="row")
    said = collecting.standing(opened.settings).filter(shop=SHOP)["report"].to_list()
    assert said == ["no report yet"]
    home.table("prices/collection_report").mkdir(parents=True)
    monkeypatch.setattr(collecting.lake, "read", lambda *_: report)
    assert collecting.standing(opened.settings).filter(shop=SHOP)["report"].to_list() == ["shelf_renamed"]
    well = report.with_columns(finding=pl.lit("none"))
    monkeypatch.setattr(collecting.lake, "read", lambda *_: well)
    assert collecting.standing(opened.settings).filter(shop=SHOP)["report"].to_list() == ["all well"]


def test_a_run_of_an_earlier_day_is_finished_with_what_it_has(story: Any, tmp_path: Path) -> None:
    opened: Street = story[0]
    runs = Runs(tmp_path / SHOP).ensure()
    shop = shops.named(Home(opened.settings.home), SHOP)
    ahead = timedelta(days=-3)
    journal = runs.begin(shop, "ons-assets", "Europe/London", ahead)
    settings = opened.settings.model_copy(update={"home": tmp_path / "home"})
    home = operations.open_home(settings)
    again = collecting._run_of_today(settings, home, shop, runs, again=False, ahead=timedelta(0))
    assert again.plan.run != journal.plan.run
    said = runs.manifests()
    assert [each["status"] for each in said] == ["failed", "missing", "missing"]
    assert {each["reason"] for each in said[1:]} == {NOBODY}
    assert "ended from outside" in said[0]["reason"]


def test_outside_of_its_hours_a_shop_is_not_asked(story: Any, tmp_path: Path) -> None:
    opened: Street = story[0]
    now = datetime.now(UTC)
    shop = shops.named(Home(opened.settings.home), SHOP)
    night = shop.model_copy(update={"hours": shops.Hours(first="07:00", last="12:00")})
    ahead = now.replace(hour=20) - now
    with pytest.raises(NotCollected, match=f"at {SHOP}, which may be asked from 07:00 to 12:00"):
        Runs(tmp_path / SHOP).ensure().begin(night, "ons-assets", "UTC", ahead)


def test_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "collectors" / "prices"
    folder.mkdir(parents=True)
    (folder / "pellworth.yaml").write_text(shops.EXAMPLE.read_text())
    home = ["--home", str(tmp_path)]

    def run(*arguments: str) -> tuple[int, str]:
        code = 0
        try:
            cli.main([*arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return code, said.out + said.err

    assert run("collect", "check", *home) == (0, "pellworth: 2 places of items, at 08:00\n")
    page = tmp_path / "saved.html"
    page.write_text('<div class="product-tile"><h3>Loaf 800G</h3><b class="price-now">£1.20</b></div>')
    code, said = run("collect", "look", "pellworth", str(page), *home)
    assert code == 0
    assert "Loaf 800G" in said
    page.write_text("<p>nothing</p>")
    assert run("collect", "look", "pellworth", str(page), *home)[0] == 1
    assert run("collect", "example")[1] == shops.EXAMPLE.read_text()
    assert '"retailer"' in run("collect", "schema")[1]
    assert "never asked" in run("collect", "status", *home)[1]
    code, said = run("collect", "nobody", *home)
    assert code == 1
    assert "there is no shop 'nobody'; there are pellworth" in said
    code, said = run("collect", "accept", "pellworth", "--by", "me", *home)
    assert code == 1
    assert "proposes nothing" in said
    (folder / "pellworth.yaml").write_text(yaml.safe_dump({"retailer": "pellworth"}))
    code, said = run("collect", "check", *home)
    assert code == 1
    assert "address: is missing, and must be said" in said


def test_the_command_says_what_came_and_what_is_lacking(
    story: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened, before, lost, _, _, _ = story
    asked: list[Any] = []
    answers = {"complete": before, "partial": lost}

    def collect(settings: Any, names: list[str], _: Any, **options: bool) -> list[dict[str, Any]]:
        asked.append((settings.home, names, options))
        return [answers[each] for each in names]

    monkeypatch.setattr(collecting, "collect", collect)
    home = ["--home", str(opened.settings.home)]
    with pytest.raises(SystemExit) as end:
        cli.main(["collect", "complete", "--again", *home])
    assert not end.value.code
    assert asked == [(opened.settings.home, ["complete"], {"again": True, "wait": False})]
    assert f"drops/prices/{before['file']}" in capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        cli.main(["collect", "shops", "partial", "--wait", *home])
    said = capsys.readouterr()
    assert end.value.code == 1
    assert f"{BECOMES} has" in said.out
    assert "ons-assets collect accept pellworth --by NAME" in said.out
    assert "not everything was collected from pellworth (partial)" in said.err
