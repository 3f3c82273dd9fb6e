"""The way through a shop, and the repair of a renamed shelf, on shops that are dictionaries."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from ons_assets.collectors.prices import repair
from ons_assets.collectors.prices.answers import Answer
from ons_assets.collectors.prices.crawl import Collected, Known, crawl
from ons_assets.collectors.prices.pages import Page
from ons_assets.collectors.prices.repair import Acceptance
from tests.collectors.test_pages import shop

HOME = "https://www.shop.example"
SHELVES = {"address": "/", "each": "nav a", "name": "::text", "link": "::attr(href)"}
NEXT = {"next": "a[rel=next]::attr(href)"}
SHOWN = {"each": "li", "product": "b", "price": "i"}


def tiles(*names: str, following: str | None = None) -> str:
    link = f'<a rel="next" href="{following}">next</a>' if following else ""
    return "".join(f"<li><b>{name}</b><i>£1.00</i></li>" for name in names) + link


def directory(**shelves: str) -> str:
    return "<nav>" + "".join(f'<a href="{path}">{name}</a>' for name, path in shelves.items()) + "</nav>"


def walk(there: Mapping[str, str | Answer], known: Known | None = None, /, **said: Any) -> tuple[Collected, list[str]]:
    """Go through a shop; return what was found, and which paths were wanted."""
    way, asked = crawl(shop(**{"quotes": SHOWN, "pages": NEXT, **said}), known), []
    try:
        address = next(way)
        while True:
            path = address.removeprefix(HOME)
            asked.append(path)
            said_of = there.get(path, Answer(address, "gone", "there is no such page (status 404)"))
            if isinstance(said_of, str):
                page = Page(address, said_of.encode())
                said_of = Answer(address, "page", None, datetime(2026, 11, 30, tzinfo=UTC), page, "0" * 64)
            address = way.send(said_of)
    except StopIteration as end:
        return end.value, asked


def items(*shelves: str) -> list[dict[str, Any]]:
    return [{"item_id": number, "item": f"Item {number}", "shelf": name} for number, name in enumerate(shelves, 1)]


def test_pages_follow_each_other_and_circles_end() -> None:
    pages = {
        "/bread": tiles("A", "B", following="/bread?p=2"),
        "/bread?p=2": tiles("C", following="/bread?p=3"),
        "/bread?p=3": tiles("D", following="/bread"),
    }
    collected, asked = walk(pages)
    assert asked == ["/bread", "/bread?p=2", "/bread?p=3"]
    [(_, walked)] = collected.shelves
    assert (walked.products, walked.state, walked.reason) == (["A", "B", "C", "D"], "collected", None)


def test_counted_pages_end_where_there_is_none_or_the_last_comes_again() -> None:
    counted = {"parameter": "p"}
    missing = {"/bread": tiles("A"), "/bread?p=2": tiles("B")}
    collected, asked = walk(missing, pages=counted)
    assert asked == ["/bread", "/bread?p=2", "/bread?p=3"]
    assert collected.shelves[0][1].state == "collected"
    for last in (tiles("B"), "<p>no more</p>"):
        collected, _ = walk({**missing, "/bread?p=3": last}, pages=counted)
        assert collected.shelves[0][1].products == ["A", "B"]
        assert collected.shelves[0][1].reason is None
    collected, _ = walk({**missing, "/bread?p=3": "<p>"}, pages={**counted, "empty_ends": False})
    assert collected.shelves[0][1].state == "failed"


def test_what_is_lost_of_a_shelf_is_told() -> None:
    failed = Answer(f"{HOME}/bread?p=2", "failed", "answered with status 500")
    collected, _ = walk({"/bread": tiles("A", following="/bread?p=2"), "/bread?p=2": failed})
    [(_, walked)] = collected.shelves
    assert (walked.products, walked.state) == (["A"], "failed")
    assert walked.reason == "page 2 of it: answered with status 500"
    collected, _ = walk({"/bread": tiles("A", following="/bread?p=2"), "/bread?p=2": "<div id=root>"})
    assert "shows no product" in str(collected.shelves[0][1].reason)


def test_what_a_page_does_to_a_library_stays_with_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr("ons_assets.collectors.prices.pages.markup.products", broken)
    collected, _ = walk({"/bread": tiles("A")})
    assert collected.shelves[0][1].faults == {"the page cannot be read (RecursionError)": 1}


def test_pages_of_products() -> None:
    listed = '<a class="p" href="/p/1">1</a><a class="p" href="/p/2">2</a><a class="p" href="/p/3">3</a>'
    itself = '{"@type": "Product", "name": "A", "url": "/p/1", "offers": {"price": 1}}'
    other = '{"@type": "Product", "name": "Others bought", "url": "/p/9", "offers": {"price": 9}}'
    pages = {
        "/bread": listed,
        "/p/1": f'<script type="application/ld+json">[{other}, {itself}]</script>',
        "/p/2": "<p>nothing</p>",
    }
    collected, asked = walk(pages, pages={"products": "a.p::attr(href)"}, quotes={})
    assert asked == ["/bread", "/p/1", "/p/2", "/p/3"]
    [(_, walked)] = collected.shelves
    assert walked.products == ["A"]
    assert sorted(walked.faults) == [
        "page of a product: shows no product",
        "page of a product: there is no such page (status 404)",
    ]


def test_sitemaps_lead_to_pages_of_products() -> None:
    pages = {
        "/sitemap.xml": f"<sitemapindex><sitemap><loc>{HOME}/s1.xml</loc></sitemap></sitemapindex>",
        "/s1.xml": f"<urlset><url><loc>{HOME}/bread/1</loc></url><url><loc>{HOME}/milk/1</loc></url></urlset>",
        "/bread/1": tiles("A"),
    }
    one = {"item_id": 1, "item": "Bread", "sitemap": "/sitemap.xml", "matching": "/bread/"}
    collected, asked = walk(pages, items=[one])
    assert asked == ["/sitemap.xml", "/s1.xml", "/bread/1"]
    assert collected.shelves[0][1].products == ["A"]
    collected, _ = walk(pages, items=[{**one, "matching": "/cheese/"}])
    assert collected.shelves[0][1].state == "gone"


def test_a_proof_that_one_is_a_person_ends_the_way() -> None:
    pages = {"/": directory(Bread="/bread", Milk="/milk"), "/bread": '<div class="g-recaptcha">', "/milk": tiles("M")}
    collected, asked = walk(pages, shelves=SHELVES, items=items("Bread", "Milk"))
    assert asked == ["/", "/bread"]
    assert [walked.state for _, walked in collected.shelves] == ["failed", "failed"]


BEFORE = Known({("1", "Rolls"): ("A", "B", "C", "D"), ("2", "Milk"): ("M",)}, frozenset({"Rolls", "Milk", "Ham"}))
RENAMED = {
    "/": directory(**{"Bread and cakes": "/cakes", "Milk": "/milk", "Ham": "/ham", "Toys": "/toys"}),
    "/milk": tiles("M"),
    "/ham": tiles("A", "B", "C"),
    "/cakes": tiles("A", "B", "C", "Cake", following="/cakes?p=2"),
    "/cakes?p=2": tiles("Bun"),
    "/toys": tiles("Bear"),
}


def test_a_renamed_shelf_is_recognised_among_new_ones() -> None:
    collected, asked = walk(RENAMED, BEFORE, shelves=SHELVES, items=items("Rolls", "Milk"))
    # Ham is no new shelf, whatever is on it.
    assert asked == ["/", "/milk", "/cakes", "/cakes?p=2", "/toys"]
    [found] = repair.proposals(collected, BEFORE, 0.5)
    assert (found.item_id, found.shelf, found.becomes, found.shared, found.smaller) == (
        "1",
        "Rolls",
        "Bread and cakes",
        3,
        4,
    )
    assert "has 3 of 4 of its products (75 %)" in found.sentence
    assert repair.proposals(collected, BEFORE, 0.8) == []


def test_nothing_is_looked_for_without_need() -> None:
    whole = {"/": directory(Rolls="/rolls", Milk="/milk", New="/new"), "/rolls": tiles("A"), "/milk": tiles("M")}
    _, asked = walk(whole, BEFORE, shelves=SHELVES, items=items("Rolls", "Milk"))
    assert asked == ["/", "/rolls", "/milk"]
    _, asked = walk(RENAMED, None, shelves=SHELVES, items=items("Rolls", "Milk"))
    assert asked == ["/", "/milk"]
    _, asked = walk(RENAMED, BEFORE, shelves=SHELVES, items=items("Rolls", "Milk"), most_new_shelves=1)
    assert asked == ["/", "/milk", "/cakes", "/cakes?p=2"]


def test_what_was_accepted_holds_from_its_day_on(tmp_path: Path) -> None:
    described = shop(shelves=SHELVES, items=items("Rolls", "Milk"))
    one = Acceptance("1", "Rolls", "Bread and cakes", date(2016, 9, 6), "A. Statistician", "75 %")
    then = Acceptance("1", "Bread and cakes", "Bakery", date(2016, 10, 1), "A. Statistician", "100 %")
    repair.accept(tmp_path, [one])
    repair.accept(tmp_path, [then])
    known = repair.accepted(tmp_path)
    assert known == [one, then]
    names = {
        day: [each.name for each in repair.renamed(described, known, day).items]
        for day in (date(2016, 9, 5), date(2016, 9, 6), date(2016, 10, 1))
    }
    assert list(names.values()) == [["Rolls", "Milk"], ["Bread and cakes", "Milk"], ["Bakery", "Milk"]]
    collected, _ = walk(RENAMED, BEFORE, shelves=SHELVES, items=items("Bread and cakes", "Milk"))
    assert collected.shelves[0][1].products == ["A", "B", "C", "Cake", "Bun"]
