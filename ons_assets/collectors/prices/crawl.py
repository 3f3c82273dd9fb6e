"""The way through a shop: which pages a run wants, one after the other, and what it finds on them.

The way is a generator: it yields an address, is sent the answer, and returns what was collected. It does not know where
answers come from. The first time they come from the shop, by `asking`; when a run that was killed goes on, or a day is
made good after a shelf was renamed, from the pages that are kept.
"""

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ons_assets.collectors.prices import pages
from ons_assets.collectors.prices.answers import Answer
from ons_assets.collectors.prices.pages import Page
from ons_assets.collectors.prices.quotes import Quote, quotes_of
from ons_assets.collectors.prices.shops import Shelf, Shop

# collected: it has quotes. gone: the directory or the shop does not know it any more. empty: its page shows no product.
State = Literal["collected", "gone", "empty", "failed"]
SITEMAPS = 50
NOTHING_SHOWN = "a page of it shows no product: the layout changed, it is filled by scripts, or the shelf is empty"
PERSON = "the shop asks for a proof that one is a person, and nothing more is asked"

Way = Generator[str, Answer, "Collected"]
# A part of the way, which returns the quotes of one shelf.
Part = Generator[str, Answer, "Walked"]


@dataclass(frozen=True)
class Row:
    """A quote, and where and when it was found."""

    shelf: Shelf
    quote: Quote
    asked_utc: datetime
    sha256: str


@dataclass
class Walked:
    """What a shelf showed.

    Parameters
    ----------
    found
        Quotes with the answers that they are from.
    faults
        Products that are no quotes, by the reason.
    pages
        Pages that were answered.
    state, reason
        How it went; the reason is None if all went well.
    """

    found: list[tuple[Quote, Answer]] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)
    pages: int = 0
    state: State = "empty"
    reason: str | None = None

    @property
    def products(self) -> list[str]:
        """Different products, in their order."""
        return list(dict.fromkeys(quote.product for quote, _ in self.found))


@dataclass(frozen=True)
class Known:
    """What the run before showed, by which a shelf that is gone is known again.

    Parameters
    ----------
    products
        Products of each shelf, by item and name of the shelf.
    directory
        Names of the shelves that the shop named; None if it names none.
    """

    products: Mapping[tuple[str, str], tuple[str, ...]]
    directory: frozenset[str] | None = None


@dataclass
class Collected:
    """What a run found.

    Parameters
    ----------
    shelves
        What each shelf of the description showed, in its order.
    directory
        Names of the shelves that the shop names, with their addresses; None if the description asks for none.
    new_shelves
        Products of shelves that were looked at for one that is gone, by name and what refines it.
    """

    shelves: list[tuple[Shelf, Walked]] = field(default_factory=list)
    directory: dict[str, str] | None = None
    new_shelves: dict[tuple[str, str | None], tuple[str, ...]] = field(default_factory=dict)

    @property
    def rows(self) -> list[Row]:
        """Every quote, in the order in which it was found."""
        return [
            Row(shelf, quote, answer.asked_utc, answer.sha256)
            for shelf, walked in self.shelves
            for quote, answer in walked.found
            if answer.asked_utc is not None and answer.sha256 is not None
        ]


def crawl(shop: Shop, known: Known | None = None) -> Way:
    """Go through a shop.

    Parameters
    ----------
    shop
        Its description.
    known
        What the run before showed; without it nothing is looked for that is gone.
    """
    collected = Collected()
    why_no_directory: str | None = None
    if shop.shelves is not None:
        answer = yield shop.absolute(shop.shelves.address)
        if answer.page is not None:
            collected.directory = pages.directory(answer.page, shop.shelves)
        why_no_directory = answer.reason
        if collected.directory == {}:
            why_no_directory = "the page that names the shelves names none"
    asks_for_a_person = False
    for shelf in shop.items:
        if asks_for_a_person:
            walked = Walked(state="failed", reason=PERSON)
        else:
            walked = yield from _shelf(shop, shelf, collected.directory, why_no_directory)
        collected.shelves.append((shelf, walked))
        asks_for_a_person = walked.reason == PERSON
    if known is not None and not asks_for_a_person:
        yield from _new_shelves(shop, known, collected)
    return collected


def _shelf(shop: Shop, shelf: Shelf, directory: Mapping[str, str] | None, why: str | None) -> Part:
    if shelf.sitemap is not None:
        return (yield from _by_sitemap(shop, shelf))
    if shelf.address is not None:
        return (yield from _pages(shop, pages.refined(shop.absolute(shelf.address), shelf.refine)))
    if not directory:
        return Walked(state="failed", reason=f"the shelves of the shop are not known: {why}")
    if shelf.name not in directory:
        return Walked(state="gone", reason="the shop names no shelf of this name any more")
    return (yield from _pages(shop, pages.refined(directory[shelf.name], shelf.refine)))


def _pages(shop: Shop, start: str) -> Part:
    """Go from page to page of one shelf."""
    walked, address, seen = Walked(), start, set[str]()
    before: list[str] | None = None
    while address not in seen:
        seen.add(address)
        answer = yield address
        if answer.page is None:
            if not (answer.kind == "gone" and walked.pages and shop.pages.parameter is not None):
                walked.reason = f"page {walked.pages + 1} of it: {answer.reason}"
                walked.state = "gone" if answer.kind == "gone" and not walked.pages else "failed"
                return walked
            break
        found, faults, products = yield from _page(shop, answer)
        # Where pages are counted, some shops show the last one for ever.
        if shop.pages.parameter is not None and before == products and walked.pages:
            break
        before = products
        walked.pages += 1
        walked.found += found
        for each in faults:
            walked.faults[each] = walked.faults.get(each, 0) + 1
        if not products and (walked.pages == 1 or shop.pages.parameter is None or not shop.pages.empty_ends):
            walked.reason = PERSON if pages.asks_for_a_person(answer.page) else NOTHING_SHOWN
            if walked.reason == PERSON or walked.pages > 1:
                walked.state = "failed"
            return walked
        address = pages.next_page(answer.page, shop.pages, len(products)) or address
    walked.state = "collected" if walked.found else "empty"
    if not walked.found:
        walked.reason = "none of its products is a quote"
    return walked


def _page(
    shop: Shop, answer: Answer
) -> Generator[str, Answer, tuple[list[tuple[Quote, Answer]], list[str], list[str]]]:
    """Quotes of a page, or of the pages of products that it leads to; faults; and what marks the page."""
    assert isinstance(answer.page, Page), "only pages come here"
    if shop.pages.products is None:
        quotes, faults = _read(answer.page, shop)
        marks = [each.product for each in quotes] + faults
        return [(each, answer) for each in quotes], faults, marks
    found: list[tuple[Quote, Answer]] = []
    faults = []
    links = pages.product_pages(answer.page, shop.pages)
    for link in links:
        of_product = yield link
        one, why = _of_one(shop, of_product)
        found += [(each, of_product) for each in one]
        faults += why
    return found, faults, links


def _read(page: Page, shop: Shop, *, one: bool = False) -> tuple[list[Quote], list[str]]:
    """Quotes of a page, and faults; what a page does to a library stays with the page."""
    try:
        return quotes_of(page, shop, one=one)
    except Exception as error:
        return [], [f"the page cannot be read ({type(error).__name__})"]


def _of_one(shop: Shop, answer: Answer) -> tuple[list[Quote], list[str]]:
    if answer.page is None:
        return [], [f"page of a product: {answer.reason}"]
    quotes, faults = _read(answer.page, shop, one=True)
    return quotes, faults or ([] if quotes else ["page of a product: shows no product"])


def _by_sitemap(shop: Shop, shelf: Shelf) -> Part:
    """Read the pages of products that a sitemap names."""
    assert shelf.sitemap is not None
    assert shelf.matching is not None, "they go together"
    walked = Walked()
    waiting, read, links = [shop.absolute(shelf.sitemap)], 0, dict[str, None]()
    while waiting and read < SITEMAPS:
        answer = yield waiting.pop(0)
        read += 1
        try:
            addresses, are_sitemaps = pages.sitemap(answer.page, shop.most_page_bytes) if answer.page else ([], False)
        except pages.NotUnpacked as error:
            return Walked(state="failed", reason=f"its sitemap {error}")
        if answer.page is None:
            return Walked(state="failed", reason=f"its sitemap: {answer.reason}")
        if are_sitemaps:
            waiting += addresses
        else:
            links |= dict.fromkeys(each for each in addresses if re.search(shelf.matching, each))
    for link in links:
        answer = yield link
        quotes, faults = _of_one(shop, answer)
        walked.pages += answer.page is not None
        walked.found += [(each, answer) for each in quotes]
        for each in faults:
            walked.faults[each] = walked.faults.get(each, 0) + 1
    walked.state = "collected" if walked.found else "empty" if links else "gone"
    if not walked.found:
        walked.reason = "none of its products is a quote" if links else "no address of its sitemap matches"
    return walked


def _new_shelves(shop: Shop, known: Known, collected: Collected) -> Generator[str, Answer, None]:
    """Look at shelves that the shop did not name before, if one that had products is gone."""
    lost = [
        shelf
        for shelf, walked in collected.shelves
        if walked.state in ("gone", "empty") and known.products.get((shelf.item_id, shelf.name))
    ]
    if not lost or not collected.directory or known.directory is None:
        return
    # Of a shelf of several items, one may be known under the new name, and the others not yet.
    used = {(shelf.item_id, shelf.name) for shelf in shop.items}
    new = {
        name: list(dict.fromkeys(each.refine for each in lost if (each.item_id, name) not in used))
        for name in collected.directory
        if name not in known.directory
    }
    for name in [name for name, wanted in new.items() if wanted][: shop.most_new_shelves]:
        for refine in new[name]:
            walked = yield from _pages(shop, pages.refined(collected.directory[name], refine))
            if walked.found:
                collected.new_shelves[name, refine] = tuple(walked.products)
