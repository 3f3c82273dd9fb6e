r"""Descriptions of shops: a small YAML file each in `<home>/collectors/prices/`, and no code.

    retailer: pellworth
    address: https://www.pellworth.example/
    contact: prices@office.example
    currency: GBP
    delay_seconds: 5
    shelves: {address: /shop, each: "nav a.shelf", name: "::text", link: "::attr(href)"}
    pages: {next: "a[rel=next]::attr(href)"}
    items:
      - {item_id: 210102, item: Large loaf white sliced, shelf: White bread}

What a page says in schema.org's words (JSON-LD, microdata, RDFa) is read without a word here; `quotes` says with CSS
or JSON paths where things stand on pages that have none, or that say less in those words than they show.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urljoin, urlsplit

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from ons_assets.collectors import descriptions
from ons_assets.collectors.descriptions import WEB, Part, is_json_path, reaches_somebody
from ons_assets.lakehouse.home import Home
from ons_assets.parameters.geography import known_zone

EXAMPLE = Path(__file__).with_name("example.yaml")
# As the patterns of the run files have it, by which a file that is empty is known.
RETAILER = r"^[a-z]+$"


def _as_text(given: Any) -> Any:
    """YAML reads 210102 as a number."""
    return str(given) if isinstance(given, int) and not isinstance(given, bool) else given


Text = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=str | int)]


class Place(Part):
    """Where something stands: exactly one of `css`, `json` and `constant` says it; `pattern` may go beside."""

    css: str | None = Field(None, description="CSS selector, with Scrapy's ::text and ::attr(name)")
    json_path: str | None = Field(None, alias="json", description="JMESPath expression")
    constant: Text | None = Field(None, description="the same for all")
    pattern: str | None = Field(None, description="regular expression; its group is the part that counts")

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @field_validator("css")
    @classmethod
    def _is_selector(cls, given: str | None) -> str | None:
        if given is not None:
            from parsel import csstranslator

            try:
                csstranslator.HTMLTranslator().css_to_xpath(given)
            except Exception as error:
                raise ValueError(f"{given!r} is no CSS selector ({error})") from None
        return given

    @field_validator("json_path")
    @classmethod
    def _is_expression(cls, given: str | None) -> str | None:
        return given if given is None else is_json_path(given)

    @field_validator("pattern")
    @classmethod
    def _is_pattern(cls, given: str | None) -> str | None:
        import re

        if given is not None:
            try:
                groups = re.compile(given).groups
            except re.error as error:
                raise ValueError(f"{given!r} is not a regular expression ({error})") from None
            if not groups:
                raise ValueError(f"{given!r} needs a group in round brackets: what it holds is the value")
        return given

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Place":
        said = [each for each in (self.css, self.json_path, self.constant) if each is not None]
        if len(said) != 1:
            raise ValueError(
                f"says {'nothing' if not said else 'several things'}; one of css, json, constant is needed"
            )
        return self


def _as_place(given: Any) -> Any:
    return {"css": given} if isinstance(given, str) else given


PlaceOrCss = Annotated[Place, BeforeValidator(_as_place, json_schema_input_type=str | Place)]


class Directory(Part):
    """Where the shop names its shelves; a shelf that is renamed is found again there."""

    address: str = Field(description="of the page, as it is or from the address of the shop on")
    each: PlaceOrCss = Field(description="each shelf")
    name: PlaceOrCss = Field(description="its name, inside")
    link: PlaceOrCss = Field(description="its address, inside")


class Pages(Part):
    """How one comes from a page of a shelf to the next."""

    next: PlaceOrCss | None = Field(None, description="address of the next page, if there is one")
    parameter: str | None = Field(None, description="of the address, which counts pages, until one has no product")
    first: int = Field(1, ge=0, description="number of the first page")
    empty_ends: bool = Field(
        True, description="whether a counted page without a product is the end; false where the shop says there is none"
    )
    products: PlaceOrCss | None = Field(
        None, description="addresses of the pages of products, where a shelf does not say what counts"
    )

    @model_validator(mode="after")
    def _pages_one_way(self) -> "Pages":
        if self.next is not None and self.parameter is not None:
            raise ValueError("says next and parameter; one of them is how the shop pages")
        return self


class Quotes(Part):
    """Where things stand that a page does not say in schema.org's words."""

    markup: bool = Field(True, description="whether schema.org's words are read, first of all")
    document: PlaceOrCss | None = Field(None, description="JSON inside a page of HTML; else the page is the JSON")
    each: PlaceOrCss | None = Field(None, description="each product of the page")
    product: PlaceOrCss | None = Field(None, description="its name")
    price: PlaceOrCss | None = Field(None, description="of the pack, as it is shown")
    unit_price: PlaceOrCss | None = Field(None, description="as it is shown, with its unit: £1.20/kg, 12.5p per 100g")
    size: PlaceOrCss | None = Field(None, description="of the pack; it is put behind a name that does not hold it")
    promotion: PlaceOrCss | None = Field(None, description="text of the offer")
    availability: PlaceOrCss | None = Field(None, description="text that says whether one can buy it")
    sku: PlaceOrCss | None = Field(None, description="number of the product, such as a GTIN")
    unavailable: tuple[str, ...] = Field(
        ("outofstock", "soldout", "discontinued", "out of stock", "sold out", "unavailable"),
        description="texts that mean that nobody can buy it, in small letters",
    )
    keep_unavailable: bool = Field(False, description="whether a product that nobody can buy is a quote all the same")
    decimal: Literal[".", ","] = Field(".", description="mark before decimals in what is shown")

    @model_validator(mode="after")
    def _says_enough(self) -> "Quotes":
        if self.each is not None and (self.product is None or self.price is None):
            raise ValueError("each needs product and price, inside")
        if self.each is None and not self.markup:
            raise ValueError("says neither markup: true nor each: nothing could be read")
        if self.each is None and any(getattr(self, name) is not None for name in FIELDS):
            raise ValueError("fields stand inside of each product: say each")
        return self


FIELDS = ("product", "price", "unit_price", "size", "promotion", "availability", "sku")


class Shelf(Part):
    """Where the products of one consumer price item stand."""

    item_id: Text = Field(min_length=1, description="consumer price item")
    item: str = Field(min_length=1, description="its name")
    shelf: Text | None = Field(None, description="as the directory of the shop names it, and the files of quotes")
    address: str | None = Field(None, description="of its first page, where the directory does not lead to it")
    refine: str | None = Field(
        None,
        pattern="^[^&=]+=[^&]*(&[^&=]+=[^&]*)*$",
        description="put behind the addresses of the shelf, where the shop shows a part of it so, such as kind=white",
    )
    sitemap: str | None = Field(None, description="address of a sitemap, of which `matching` chooses the pages")
    matching: str | None = Field(None, description="regular expression of addresses in the sitemap")

    @model_validator(mode="after")
    def _can_be_found(self) -> "Shelf":
        if self.shelf is None and self.address is None and self.sitemap is None:
            raise ValueError("says neither shelf, address nor sitemap: nobody can find it")
        if (self.sitemap is None) != (self.matching is None):
            raise ValueError("sitemap and matching go together")
        if self.address is not None and self.sitemap is not None:
            raise ValueError("says address and sitemap; one of them is where it begins")
        return self

    @property
    def name(self) -> str:
        """What the files of quotes call the shelf."""
        return self.shelf or self.address or f"{self.sitemap}"


class Hours(Part):
    """Between which times of the local clock the shop may be asked."""

    first: time = Field(time(0), description="from then on")
    last: time = Field(time(23, 59), description="until then")

    @model_validator(mode="after")
    def _are_of_one_day(self) -> "Hours":
        if self.last <= self.first:
            raise ValueError("last is to be later than first")
        return self


class Shop(Part):
    """One shop: whose pages are asked, how politely, and what of them is a quote."""

    retailer: str = Field(pattern=RETAILER, description="as the files of quotes name it: small letters a to z")
    address: str = Field(description="of the shop; no page of another host is asked")
    contact: str = Field(
        min_length=5, description="mail or web address, told to the shop with every request, where it reaches somebody"
    )
    currency: str = Field(pattern="^[A-Z]{3}$", description="ISO 4217 code of its prices")
    zone: str | None = Field(None, description="time zone of its clock; the installation's, if not said")
    at: time = Field(time(8), description="local time of the run of every day")
    jitter_minutes: float = Field(
        10, ge=0, le=120, description="a run begins up to so much later, by another time every day"
    )
    hours: Hours = Field(Hours(), description="outside of which the shop is not asked")
    delay_seconds: float = Field(
        5, ge=0, description="between an answer and the next request; robots.txt may ask for more"
    )
    time_out_seconds: float = Field(30, gt=0, description="after which an answer is not waited for any more")
    attempts: int = Field(3, ge=1, le=10, description="how often a page is asked that was not answered")
    backoff_seconds: float = Field(10, ge=0, description="before the second attempt; twice as long before each further")
    longest_wait_seconds: float = Field(
        300, ge=0, description="if the shop asks to be left alone for longer, the run ends"
    )
    patience: int = Field(
        3, ge=1, description="pages in a row that were not answered, or refused, after which a run ends"
    )
    most_pages: int = Field(500, ge=1, description="requests of one run at most")
    most_page_bytes: int = Field(16 << 20, gt=0, description="of a page at most")
    most_new_shelves: int = Field(
        10, ge=0, description="new shelves of the directory that are looked at for one that is gone"
    )
    evidence_days: int = Field(35, ge=1, description="how long the pages are kept")
    shelves: Directory | None = Field(None, description="page on which the shop names its shelves")
    pages: Pages = Pages()
    quotes: Quotes = Quotes()
    items: tuple[Shelf, ...] = Field(min_length=1, description="consumer price items, and where they stand")

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, zone: str | None) -> str | None:
        return zone if zone is None else known_zone(zone)

    @field_validator("address")
    @classmethod
    def _is_web_address(cls, address: str) -> str:
        parts = urlsplit(address)
        if parts.scheme not in WEB or not parts.hostname:
            raise ValueError(f"{address!r} is no address of the web, such as https://www.shop.example/")
        if parts.username or parts.password:
            raise ValueError("holds a name or a password, and a collector never logs in")
        return address

    @field_validator("contact")
    @classmethod
    def _reaches_somebody(cls, contact: str) -> str:
        return reaches_somebody(contact)

    @model_validator(mode="after")
    def _can_find_its_shelves(self) -> "Shop":
        lost = [each.name for each in self.items if each.address is None and each.sitemap is None]
        if lost and self.shelves is None:
            raise ValueError(
                f"the shelf {lost[0]!r} has no address, and shelves does not say where the shop names them"
            )
        if not self.hours.first <= self.at < self.hours.last:
            raise ValueError(f"at {self.at:%H:%M} is outside of hours")
        day = date(2000, 1, 1)
        latest = datetime.combine(day, self.at) + timedelta(minutes=self.jitter_minutes)
        if latest >= datetime.combine(day, self.hours.last):
            raise ValueError(f"at {self.at:%H:%M}, and up to jitter_minutes later, is on some days outside of hours")
        foreign = [
            each for each in self.starts if urlsplit(self.absolute(each)).netloc != urlsplit(self.address).netloc
        ]
        if foreign:
            raise ValueError(f"{foreign[0]} is of another host than the address of the shop")
        return self

    @property
    def starts(self) -> list[str]:
        """Addresses that the description itself names."""
        own = [each.address or each.sitemap for each in self.items]
        return [each for each in (self.shelves.address if self.shelves else None, *own) if each is not None]

    def absolute(self, address: str) -> str:
        """Return an address in full, where it is written from the address of the shop on."""
        return urljoin(self.address, address)


def folder(home: Home) -> Path:
    """Return where the descriptions of a home lie."""
    return home.root / "collectors" / "prices"


def paths(home: Home) -> list[Path]:
    """Return the files of the descriptions of a home, by name."""
    return descriptions.paths(folder(home))


def read(path: Path) -> Shop:
    """Return the description of a shop.

    Raises
    ------
    BadDescription
        If it cannot be used.
    """
    shop = descriptions.read(path, Shop, PARTS)
    descriptions.has_name_of_file(path, shop.retailer)
    return shop


def named(home: Home, retailer: str) -> Shop:
    """Return the description of one shop of a home.

    Raises
    ------
    BadDescription
        If there is none, or it cannot be used.
    """
    return read(descriptions.named(folder(home), retailer, "shop"))


def written(shop: Shop) -> str:
    """Return a description as JSON, from which `from_written` makes it again."""
    return shop.model_dump_json(by_alias=True)


def from_written(text: str) -> Shop:
    """Return the description that was written by `written`."""
    return Shop.model_validate(json.loads(text))


PARTS: Mapping[str, type[Part]] = {
    "shelves": Directory,
    "pages": Pages,
    "quotes": Quotes,
    "items": Shelf,
    "hours": Hours,
}
