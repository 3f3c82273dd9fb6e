"""What a page says: products, the way to the next page, shelves, addresses of a sitemap. Nothing is asked here."""

import gzip
import html
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from ons_assets.collectors.prices import markup
from ons_assets.collectors.prices.amounts import amount, currency_of, unit_price
from ons_assets.collectors.prices.found import Found
from ons_assets.collectors.prices.shops import FIELDS, Directory, Pages, Place, Quotes

if TYPE_CHECKING:
    from parsel import Selector

GZIP = b"\x1f\x8b"
CHARSET = re.compile(r"charset=[\"']?([\w-]+)", re.IGNORECASE)
DECLARED = re.compile(rb"<meta[^>]+charset=[\"']?([\w-]+)", re.IGNORECASE)
# No address holds "<": a location that is never closed must not be looked for to the end of the page, for each anew.
LOCATION = re.compile(r"<(?:\w+:)?loc>\s*+((?:<!\[CDATA\[)?[^<]*+)</(?:\w+:)?loc>")
# What a page of a proof that one is a person says of itself.
CHALLENGES = ("cf-challenge", "g-recaptcha", "h-captcha", "hcaptcha.com", "captcha-delivery", "are you a robot")


class NotUnpacked(ValueError):
    """What was answered cannot be unpacked; the message is one sentence."""


@dataclass(frozen=True)
class Page:
    """A page as it was answered.

    Parameters
    ----------
    address
        In full; where it led to, if it led elsewhere.
    body
        As it was answered, after decompression.
    content_type
        As the shop says it.
    """

    address: str
    body: bytes
    content_type: str = ""

    @property
    def text(self) -> str:
        """Its text, in the encoding that is said, else in UTF-8."""
        said = CHARSET.search(self.content_type)
        declared = DECLARED.search(self.body[:2048])
        encoding = said[1] if said else declared[1].decode("ascii", "replace") if declared else "utf-8"
        try:
            return self.body.decode(encoding, "replace").removeprefix("\ufeff")
        except LookupError:
            return self.body.decode("utf-8", "replace").removeprefix("\ufeff")

    def selector(self) -> "Selector":
        """Return what CSS and JSON paths are tried on."""
        from parsel import Selector

        text = self.text
        return Selector(text=text, type="json" if text.lstrip()[:1] in ("{", "[") else "html", base_url=self.address)


def products(page: Page, how: Quotes) -> list[Found]:
    """Return the products of a page: in schema.org's words, else where the description of the shop says they stand.

    Where both say something, the list is the one with more prices, since words may name a few products of a long page.
    Of a product of one name the other fills in what it leaves out, and the price that is shown counts: that is what a
    customer pays.

    Parameters
    ----------
    page
        As it was answered.
    how
        What the description says.
    """
    said = markup.products(page.text, page.address, how.decimal) if how.markup else []
    shown = list(_shown(page, how)) if how.each is not None else []
    if not said or not shown:
        return said or shown
    if sum(each.price is not None for each in said) < sum(each.price is not None for each in shown):
        in_words = {_folded(each.name): each for each in said if each.name}
        return [_completed(each, in_words.get(_folded(each.name))) for each in shown]
    on_page = {_folded(each.name): each for each in shown if each.name}
    return [_filled(each, on_page.get(_folded(each.name))) for each in said]


def _folded(text: str | None) -> str:
    return " ".join((text or "").split()).casefold()


def _completed(known: Found, other: Found | None) -> Found:
    """What is known of a product, and what only the other says of it; a fault stays."""
    if other is None:
        return known
    names = [each.name for each in fields(Found) if each.name != "fault" and getattr(known, each.name) is None]
    return replace(known, **{name: getattr(other, name) for name in names})


def _filled(said: Found, shown: Found | None) -> Found:
    """What words say of a product, with the price that is shown."""
    if shown is None or shown.price is None:
        return _completed(said, shown)
    return replace(_completed(said, shown), price=shown.price, fault=None)


def _shown(page: Page, how: Quotes) -> Iterator[Found]:
    assert how.each is not None, "asked only where it is said"
    root = page.selector()
    if how.document is not None:
        from parsel import Selector

        text = value(root, how.document)
        if not text:
            return
        try:
            json.loads(text)
        except ValueError:
            return
        root = Selector(text=text, type="json")
    for each in select(root, how.each):
        yield _as_found({name: place and value(each, place) for name in FIELDS for place in [getattr(how, name)]}, how)


def _as_found(said: Mapping[str, str | None], how: Quotes) -> Found:
    """What is shown of a product, its amounts as numbers."""
    price = said["price"]
    value_of = amount(price, how.decimal) if price else None
    per = said["unit_price"]
    return Found(
        name=said["product"],
        price=value_of,
        currency=currency_of(price) if price else None,
        unit_price=unit_price(per, how.decimal) if per else None,
        size=said["size"],
        promotion=said["promotion"],
        sku=said["sku"],
        availability=said["availability"],
        fault="price is no single amount" if price and value_of is None else None,
    )


def select(root: "Selector", place: Place) -> list["Selector"]:
    """Return everything that stands at a place.

    Parameters
    ----------
    root
        Page, or part of one.
    place
        A CSS selector or a JSON path; on a page of the other kind there is nothing.
    """
    try:
        if place.css is not None:
            return list(root.css(place.css)) if root.type != "json" else []
        return list(root.jmespath(place.json_path)) if place.json_path is not None and root.type == "json" else []
    except ValueError:
        return []


def value(root: "Selector", place: Place) -> str | None:
    """Return the text that stands at a place, blanks folded; None if there is none.

    Parameters
    ----------
    root
        Page, or part of one.
    place
        Where; of several, the first that says something counts.
    """
    if place.constant is not None:
        return place.constant
    for text in _texts(root, place):
        folded = " ".join(text.split())
        if place.pattern is not None:
            found = re.search(place.pattern, folded)
            folded = (found[1] or "").strip() if found else ""
        if folded:
            return folded
    return None


def _texts(root: "Selector", place: Place) -> Iterator[str]:
    for each in select(root, place):
        got = each.get()
        if root.type == "json":
            if not isinstance(got, dict | list | bool) and got is not None:
                yield f"{got:.10g}" if isinstance(got, float) else str(got)
        elif place.css is not None and "::" not in place.css:
            yield " ".join(each.css("*::text").getall())
        else:
            yield str(got)


def next_page(page: Page, how: Pages, found: int) -> str | None:
    """Return the address of the page that follows; None if there is none.

    Parameters
    ----------
    page
        Of a shelf.
    how
        What the description says.
    found
        Products on this page: where pages are counted, one without a product is the last.
    """
    if how.next is not None:
        address = value(page.selector(), how.next)
        return joined(page.address, address) if address else None
    if how.parameter is not None and found:
        parts = urlsplit(page.address)
        said = dict(parse_qsl(parts.query, keep_blank_values=True))
        number = said.get(how.parameter, str(how.first))
        if number.isdecimal():
            said[how.parameter] = str(int(number) + 1)
            return urlunsplit(parts._replace(query=urlencode(said)))
    return None


def refined(address: str, refine: str | None) -> str:
    """Return the address of a part of a shelf.

    >>> refined("http://shop.example/bread?sort=name", "kind=white")
    'http://shop.example/bread?sort=name&kind=white'
    """
    parts = urlsplit(address)
    return urlunsplit(parts._replace(query="&".join(each for each in (parts.query, refine) if each)))


def product_pages(page: Page, how: Pages) -> list[str]:
    """Return the addresses of the pages of products that a page of a shelf leads to."""
    if how.products is None:
        return []
    return _addresses(page, select(page.selector(), how.products))


def directory(page: Page, how: Directory) -> dict[str, str]:
    """Return the shelves that the shop names, with their addresses; of two of one name the first."""
    named: dict[str, str] = {}
    for each in select(page.selector(), how.each):
        name, link = value(each, how.name), value(each, how.link)
        if name and link and (address := joined(page.address, link)) is not None:
            named.setdefault(name, address)
    return named


def sitemap(page: Page, most_bytes: int) -> tuple[list[str], bool]:
    """Return the addresses of a sitemap, and whether they are those of further sitemaps.

    Parameters
    ----------
    page
        XML, or a plain list; also packed by gzip.
    most_bytes
        That it may have when unpacked.

    Raises
    ------
    NotUnpacked
        If it is damaged, or too large.
    """
    body = page.body
    if body.startswith(GZIP):
        unpacker = zlib.decompressobj(wbits=31)
        try:
            body = unpacker.decompress(body, most_bytes)
        except zlib.error:
            raise NotUnpacked("is a damaged gzip") from None
        if unpacker.unconsumed_tail:
            raise NotUnpacked(f"is larger than {most_bytes:,} bytes when unpacked")
        if not unpacker.eof:
            raise NotUnpacked("is a gzip that ends too early")
    text = replace(page, body=body).text
    places = [html.unescape(re.sub(r"<!\[CDATA\[|\]\]>", "", each)).strip() for each in LOCATION.findall(text)]
    if not places and "<" not in text:
        places = text.split()
    addresses = [full for each in places if (full := joined(page.address, each)) is not None]
    return list(dict.fromkeys(addresses)), "<sitemapindex" in text


def asks_for_a_person(page: Page) -> bool:
    """Return whether a page asks for a proof that one is a person; a collector gives none, and goes."""
    text = page.text.lower()
    return any(each in text for each in CHALLENGES)


def joined(base: str, address: str) -> str | None:
    """Return an address in full, without what follows a hash; None if it is none of the web.

    >>> joined("http://shop.example/a/b", "../c?p=2#top")
    'http://shop.example/c?p=2'
    """
    try:
        parts = urlsplit(urljoin(base, address.strip()))
    except ValueError:
        return None
    return urlunsplit(parts._replace(fragment="")) if parts.scheme in ("http", "https") and parts.netloc else None


def _addresses(page: Page, found: Sequence["Selector"]) -> list[str]:
    return list(dict.fromkeys(full for each in found if (full := joined(page.address, str(each.get()))) is not None))


def packed(body: bytes) -> bytes:
    """Return a page as it is kept: the same page is the same bytes."""
    return gzip.compress(body, compresslevel=6, mtime=0)
