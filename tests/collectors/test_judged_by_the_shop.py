"""Some mornings in shops where much goes wrong: the log of the shop is the judge, and the truth of its shelves."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ons_assets.intake.ledger import Ledger
from ons_assets.lakehouse.home import Home
from ons_assets.prices.sources import QuoteFiles
from ons_assets.simulate.prices.web_pages import UNIT_PRICE_BASES
from ons_assets.simulate.shops import Faults
from tests.collectors.shop_worlds import DELAY_SECONDS, SHOPS, Street, broken_manners, shown, street

# Hangs are rare, because they are waited for: longer than a busy machine takes to answer.
KINDS = (*("busy", "unavailable", "error", "broken", "refused", "layout", "moved") * 2, "hang")
FAULTS = Faults(rate=0.25, kinds=KINDS, seed=4, hang_seconds=3.0)
PAGE_SIZE = 3
Mornings = tuple[Street, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def mornings(tmp_path_factory: pytest.TempPathFactory, truth: Path) -> Any:
    """Two mornings in three shops; on the second, one of them has no robots.txt to give."""
    folder = tmp_path_factory.mktemp("street")
    with street(folder / "home", truth, FAULTS, page_size=PAGE_SIZE) as opened:
        first, second = opened.stock.days[:2]
        opened.servers["larkmere"].faults = replace(FAULTS, seed=5, no_robots=(second,))
        yield opened, [each for day in (first, second) for each in opened.collect(day)]


def test_manners_are_never_broken(mornings: Mornings) -> None:
    opened, _ = mornings
    for server in opened.servers.values():
        assert len(server.log) > 20
        assert broken_manners(server.log, DELAY_SECONDS) == []


def test_every_kind_of_fault_came(mornings: Mornings) -> None:
    """Otherwise the other tests would say little."""
    opened, _ = mornings
    met = {each.fault for server in opened.servers.values() for each in server.log}
    assert met >= {"busy", "unavailable", "error", "hang", "broken", "refused", "layout", "moved", None}
    assert any(each.status == 304 for server in opened.servers.values() for each in server.log)


def test_quotes_are_the_truth_of_the_pages_that_were_answered(mornings: Mornings) -> None:
    opened, manifests = mornings
    compared = 0
    for said in manifests:
        server = opened.servers[said["retailer"]]
        log = [each for each in server.log if each.day.isoformat() == said["day"] and each.articles]
        assert all(each.status in (200, 304) for each in log)
        truth = {row for each in log for row in shown(opened.stock, said["retailer"], each, PAGE_SIZE)}
        if said["file"] is None:
            assert truth == set()
            continue
        rows = opened.rows(said).select("item_id", "product", "price").rows()
        assert sorted((item, name, Decimal(price)) for item, name, price in rows) == sorted(truth)
        compared += len(truth)
    assert compared > 150


def test_unit_prices_are_those_of_the_pages_and_for_the_units_of_the_files(mornings: Mornings) -> None:
    """Pages that show another unit than the files of other days would look as if the shelves had changed."""
    opened, manifests = mornings
    bases = {(shown, unit) for _, shown, unit in UNIT_PRICE_BASES.values()}
    met = set()
    for said in manifests:
        if said["file"] is None:
            continue
        day = date.fromisoformat(said["day"])
        for item, name, price, quantity, unit in (
            opened.rows(said).select("item_id", "product", "unit_price", "unit_quantity", "unit").rows()
        ):
            [article] = [each for each in opened.stock.articles(said["retailer"], item, day) if each.name == name][:1]
            assert (Decimal(quantity), unit) == (article.unit_quantity, article.unit)
            assert abs(Decimal(price) - article.unit_price) <= Decimal("0.01")
            met.add((int(Decimal(quantity)), unit))
    assert met <= bases
    assert len(met) > 3


def test_failures_are_all_in_the_manifest(mornings: Mornings) -> None:
    """A page whose last answer shows no shelf is named as a failure, or its shelf says what is wrong with it."""
    opened, manifests = mornings
    named = 0
    for said in manifests:
        server = opened.servers[said["retailer"]]
        last = {each.target: each for each in server.log if each.day.isoformat() == said["day"]}
        failures = {
            each["address"].removeprefix(server.address.rstrip("/")): each["reason"] for each in said["failures"]
        }
        for target, each in last.items():
            if each.fault in (None, "layout"):
                assert target not in failures or "robots" in failures[target]
            else:
                assert target in failures, (target, each)
                named += 1
        shelves = [each["reason"] for each in said["shelves"] if each["state"] != "collected"]
        assert (said["status"] == "complete") == (not failures and not shelves)
    assert named > 5


def test_a_shop_without_robots_is_left_alone(mornings: Mornings) -> None:
    opened, manifests = mornings
    second = opened.stock.days[1]
    [said] = [each for each in manifests if each["retailer"] == "larkmere" and each["day"] == second.isoformat()]
    asked = [each.target for each in opened.servers["larkmere"].log if each.day == second]
    assert set(asked) == {"/robots.txt"}
    assert said["status"] == "failed"
    assert said["file"] is None
    assert "robots.txt was answered with status 503" in said["reason"]


def test_files_are_read_by_the_way_in(mornings: Mornings) -> None:
    """Every line is a quote: nothing that a collector writes is refused."""
    opened, manifests = mornings
    source = QuoteFiles.of(opened.settings)
    for said in manifests:
        if said["file"] is None:
            continue
        path = opened.settings.home / "drops" / "prices" / said["file"]
        read = source.whole(path, path.name, datetime.now(UTC))
        rows = opened.rows(said)
        assert len(read.accepted) == said["quotes"] == len(rows)
        assert read.accepted["retailer"].unique().to_list() == [said["retailer"]]
        assert read.accepted["run"].unique().to_list() == [said["run"]]
        assert read.accepted["collected_on"].cast(str).unique().to_list() == [said["day"]]
        assert read.accepted["unit_price"].null_count() == 0


def test_collectors_write_drops_and_their_own_folder_only(mornings: Mornings) -> None:
    opened, _ = mornings
    home = Home(opened.settings.home)
    assert Ledger(home).drops("prices") == []
    assert list(home.lake.iterdir()) == []
    for name in SHOPS:
        folder: Path = home.root / "collections" / "prices" / name
        assert folder.stat().st_mode & 0o077 == 0
        assert all(each.stat().st_mode & 0o077 == 0 for each in folder.glob("pages/*/*.gz"))
        assert b"visit=1" not in b"".join(each.read_bytes() for each in folder.glob("runs/*/*.json*"))
