"""Pages as shops write them, each in a small made-up form: what is read, and what is refused rather than guessed."""

import gzip
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.collectors.prices import markup, pages
from ons_assets.collectors.prices.amounts import UnitPrice, amount, unit_price
from ons_assets.collectors.prices.pages import Page
from ons_assets.collectors.prices.quotes import quotes_of
from ons_assets.collectors.prices.shops import Directory, Pages, Quotes, Shop

ADDRESS = "https://www.shop.example/bread?page=1"
BASE: dict[str, Any] = {
    "retailer": "shop",
    "address": "https://www.shop.example/",
    "contact": "prices@office.example",
    "currency": "GBP",
    "items": [{"item_id": 1, "item": "Bread", "address": "/bread"}],
}
PRODUCT = '{"@type": "Product", "name": "Loaf 800G", "offers": {"price": "1.20", "priceCurrency": "GBP"}}'


def shop(**more: Any) -> Shop:
    return Shop.model_validate({**BASE, **more})


def script(text: str) -> str:
    return f'<script type="application/ld+json">{text}</script>'


def prices(text: str, **more: Any) -> list[tuple[str, Decimal]]:
    quotes, _ = quotes_of(Page(ADDRESS, text.encode()), shop(**more))
    return [(each.product, each.price) for each in quotes]


def faults(text: str, **more: Any) -> list[str]:
    return quotes_of(Page(ADDRESS, text.encode()), shop(**more))[1]


LOAF = [("Loaf 800G", Decimal("1.20"))]
SCRIPTS = {
    "as it should be": PRODUCT,
    "an array": f"[{PRODUCT}]",
    "a graph": f'{{"@context": "https://schema.org", "@graph": [{{"@type": "WebPage"}}, {PRODUCT}]}}',
    "a comma too many": PRODUCT.removesuffix("}") + ",}",
    "a comment": f"// price list\n{PRODUCT} /* end */",
    "a semicolon": f"{PRODUCT};",
    "CDATA": f"//<![CDATA[\n{PRODUCT}\n//]]>",
    "an HTML comment": f"<!-- {PRODUCT} -->",
    "entities for quotes": PRODUCT.replace('"', "&quot;"),
    "a byte-order mark": f"\ufeff{PRODUCT}",
    "a line break inside of a text": PRODUCT.replace("Loaf ", "Loaf\n"),
    "another object behind it": f'{PRODUCT}{{"@type": "WebSite"}}',
    "a list of items": f'{{"@type": "ItemList", "itemListElement": [{{"@type": "ListItem", "item": {PRODUCT}}}]}}',
    "the main thing of a page": f'{{"@type": "ItemPage", "mainEntity": {PRODUCT}}}',
    "a full address as its type": PRODUCT.replace('"Product"', '"http://schema.org/Product"'),
    "two types": PRODUCT.replace('"Product"', '["Product", "Book"]'),
    "entities in its name": PRODUCT.replace("Loaf", "&#76;oaf"),
    "a number": PRODUCT.replace('"1.20"', "1.20"),
    "a sign in its price": PRODUCT.replace('"1.20"', '"£1.20"'),
    "no currency": PRODUCT.replace(', "priceCurrency": "GBP"', ""),
    "a list of offers that agree": PRODUCT.replace('{"price"', '[{"price": 1.2}, {"price"').replace(
        '"GBP"}', '"GBP"}]'
    ),
    "an aggregate of one price": PRODUCT.replace('"price": "1.20"', '"lowPrice": 1.2, "highPrice": "1.20"'),
    "a specification": PRODUCT.replace('"price": "1.20"', '"priceSpecification": {"price": 1.2}'),
    "a struck price beside": PRODUCT.replace(
        '"price": "1.20"',
        '"priceSpecification": [{"price": 1.5, "priceType": "https://schema.org/ListPrice"}, {"price": 1.2}]',
    ),
}


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_json_ld_is_read_as_shops_write_it(text: str) -> None:
    assert prices(script(text)) == LOAF


def test_a_damaged_script_takes_no_other_with_it() -> None:
    assert prices(script('{"@type": "Product", "name": "the "best" loaf"}') + script(PRODUCT)) == LOAF


def test_what_is_not_clear_is_not_guessed() -> None:
    a_range = PRODUCT.replace('"price": "1.20"', '"lowPrice": 1.2, "highPrice": 2')
    assert faults(script(a_range)) == ["several prices"]
    assert faults(script(PRODUCT.replace('"1.20"', '"from £1 to £2"'))) == ["price is no single amount"]
    assert faults(script(PRODUCT.replace("GBP", "EUR"))) == ["price in another currency"]
    assert faults(script(PRODUCT.replace('"1.20"', '"1.20 €"').replace(', "priceCurrency": "GBP"', ""))) == [
        "price in another currency"
    ]
    assert faults(script(PRODUCT.replace('"1.20"', "0"))) == ["price is not positive"]
    sold = PRODUCT.replace('"GBP"', '"GBP", "availability": "https://schema.org/OutOfStock"')
    assert faults(script(sold)) == ["cannot be bought"]
    assert prices(script(sold), quotes={"keep_unavailable": True}) == LOAF
    like_it = f'{{"@type": "Product", "name": "Other", "isSimilarTo": {PRODUCT}}}'
    assert faults(script(like_it)) == ["no price"]


def test_unit_prices_and_sizes_of_schema_org() -> None:
    whole = (
        '{"@type": "Product", "name": "Loaf", "weight": {"value": 800, "unitCode": "GRM"}, "gtin13": "5000000000001",'
        ' "offers":'
        ' {"price": 1.2, "priceSpecification": {"@type": "UnitPriceSpecification", "price": 0.15, "referenceQuantity":'
        ' {"value": 100, "unitCode": "GRM"}}}}'
    )
    [quote], _ = quotes_of(Page(ADDRESS, script(whole).encode()), shop())
    assert (quote.product, quote.price, quote.sku) == ("Loaf 800g", Decimal("1.2"), "5000000000001")
    assert (quote.unit_price, quote.unit_quantity, quote.unit) == (Decimal("0.15"), Decimal(100), "g")


def test_variants_of_a_group_are_products() -> None:
    group = (
        '{"@type": "ProductGroup", "name": "Cola", "hasVariant": [{"@type": "Product", "sku": "1", "offers":'
        ' {"price": 1}},'
        ' {"@type": "Product", "name": "Cola 2L", "offers": {"price": 2}}]}'
    )
    assert prices(script(group)) == [("Cola", Decimal(1)), ("Cola 2L", Decimal(2))]


MICRODATA = """
<div itemscope itemtype="http://schema.org/Product"><b itemprop="name">Loaf 800G</b>
  <div itemprop="offers" itemscope itemtype="http://schema.org/Offer"><i itemprop="price" content="1.20">1,20</i></div>
</div>"""
RDFA = """
<div vocab="http://schema.org/" typeof="Product"><b property="name">Loaf 800G</b>
  <div property="offers" typeof="Offer"><i property="price" content="1.20">£1.20</i></div>
</div>"""
CATALOGUE = """
<div itemscope itemtype="http://schema.org/OfferCatalog">
  <div itemprop="itemListElement" itemscope itemtype="http://schema.org/Offer"><i itemprop="price" content="1.20"></i>
    <div itemprop="itemOffered" itemscope itemtype="http://schema.org/Product"><b itemprop="name">Loaf 800G</b></div>
  </div>
</div>"""


@pytest.mark.parametrize(
    "text", [MICRODATA, RDFA, script('{"@type": "WebSite"}') + MICRODATA], ids=["microdata", "RDFa", "both"]
)
def test_microdata_and_rdfa(text: str) -> None:
    assert prices(text) == LOAF


def test_an_offer_may_hold_its_product() -> None:
    assert prices(CATALOGUE) == LOAF


SHOWN = {"each": "li", "product": "b", "price": ".now", "unit_price": ".per"}
TILE = '<li><b>Loaf  800G</b><s class="was">£1.50</s><span class="now">£1.20</span><i class="per">15p / 100g</i></li>'


def test_what_is_shown_is_read_where_there_are_no_words_of_schema_org() -> None:
    [quote], _ = quotes_of(Page(ADDRESS, TILE.encode()), shop(quotes=SHOWN))
    assert (quote.product, quote.price) == LOAF[0]
    assert (quote.unit_price, quote.unit_quantity, quote.unit) == (Decimal("0.15"), Decimal(100), "g")


def test_what_is_shown_completes_the_words_and_its_price_counts() -> None:
    stale = script(PRODUCT.replace("1.20", "1.50"))
    [quote], _ = quotes_of(Page(ADDRESS, (stale + TILE).encode()), shop(quotes=SHOWN))
    assert (quote.price, quote.unit_price) == (Decimal("1.20"), Decimal("0.15"))


def test_words_that_name_a_few_of_many_products_do_not_hide_the_rest() -> None:
    bun = TILE.replace("Loaf  800G", "Bun").replace("£1.20", "£0.30")
    featured = script(PRODUCT.replace('"name"', '"sku": "1", "name"'))
    quotes, _ = quotes_of(Page(ADDRESS, (featured + TILE + bun).encode()), shop(quotes=SHOWN))
    assert [(each.product, each.price, each.sku) for each in quotes] == [
        ("Loaf 800G", Decimal("1.20"), "1"),
        ("Bun", Decimal("0.30"), None),
    ]


def test_json_by_itself_and_inside_of_a_page() -> None:
    listed = '{"products": [{"title": "Loaf 800G", "price": {"now": 1.2}}, {"title": "Bun", "price": null}]}'
    how = {"each": {"json": "products[]"}, "product": {"json": "title"}, "price": {"json": "price.now"}}
    assert prices(listed, quotes=how) == [("Loaf 800G", Decimal("1.2"))]
    assert faults(listed, quotes=how) == ["no price"]
    inside = f'<script id="data" type="application/json">{listed}</script>'
    assert prices(inside, quotes={**how, "document": "#data::text"}) == [("Loaf 800G", Decimal("1.2"))]


def test_a_page_that_scripts_fill_shows_nothing() -> None:
    assert quotes_of(Page(ADDRESS, b"<html><div id='root'></div><script src='/app.js'></script></html>"), shop()) == (
        [],
        [],
    )


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("£1.20", ".", "1.20"),
        ("85p", ".", "0.85"),
        ("£.50", ".", "0.50"),
        ("£1,299.00", ".", "1299.00"),
        ("1.299,00 €", ",", "1299.00"),
        ("1 299,50 €", ",", "1299.50"),
        ("4,-", ",", "4"),
        ("1,20", ".", None),
        ("Was £2 Now £1", ".", None),
        ("free", ".", None),
        ("", ".", None),
    ],
)
def test_amounts(text: str, decimal: Any, value: str | None) -> None:
    assert amount(text, decimal) == (None if value is None else Decimal(value))


@given(
    st.integers(1, 10**8),
    st.sampled_from([("£{whole:,}.{rest:02}", "."), ("{whole}.{rest:02}", "."), ("{whole},{rest:02} €", ",")]),
)
def test_amounts_come_back_from_how_they_are_written(pence: int, form: tuple[str, Any]) -> None:
    written, decimal = form
    assert amount(written.format(whole=pence // 100, rest=pence % 100), decimal) == Decimal(pence) / 100


def test_unit_prices() -> None:
    assert unit_price("£2.40/kg") == UnitPrice(Decimal("2.40"), Decimal(1), "kg")
    assert unit_price("(12.5p per 100g)") == UnitPrice(Decimal("0.125"), Decimal(100), "g")
    assert unit_price("1,20 € / 100 ml", ",") == UnitPrice(Decimal("1.20"), Decimal(100), "ml")
    assert unit_price("20p each") == UnitPrice(Decimal("0.2"), Decimal(1), "each")
    assert unit_price("£1.20") is None


@settings(max_examples=30)
@given(st.text())
def test_no_text_makes_a_page_raise(text: str) -> None:
    markup.products(script(text) + text, ADDRESS)
    quotes_of(Page(ADDRESS, text.encode("utf-8", "replace")), shop(quotes=SHOWN))


def test_the_next_page() -> None:
    linked = Page(ADDRESS, b'<a rel="next" href="/bread?page=2#list">next</a>')
    by_link = Pages.model_validate({"next": "a[rel=next]::attr(href)"})
    assert pages.next_page(linked, by_link, 12) == "https://www.shop.example/bread?page=2"
    assert pages.next_page(Page(ADDRESS, b"<p>"), by_link, 12) is None
    counted = Pages.model_validate({"parameter": "page"})
    assert pages.next_page(linked, counted, 12) == "https://www.shop.example/bread?page=2"
    assert pages.next_page(linked, counted, 0) is None
    assert (
        pages.next_page(Page("https://www.shop.example/bread", b""), counted, 1)
        == "https://www.shop.example/bread?page=2"
    )


def test_a_directory_names_shelves() -> None:
    page = Page(
        "https://www.shop.example/",
        b'<nav><a href="/a">Bread</a><a href="javascript:x()">No</a><a href="/b">Bread</a></nav>',
    )
    how = Directory.model_validate({"address": "/", "each": "nav a", "name": "::text", "link": "::attr(href)"})
    assert pages.directory(page, how) == {"Bread": "https://www.shop.example/a"}


SITEMAP = (
    b'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc> https://www.shop.example/p/1?a=1&amp;b=2'
    b" </loc></url><url><loc><![CDATA[https://www.shop.example/p/2]]></loc></url></urlset>"
)


def test_sitemaps() -> None:
    addresses = ["https://www.shop.example/p/1?a=1&b=2", "https://www.shop.example/p/2"]
    assert pages.sitemap(Page(ADDRESS, SITEMAP), 10_000) == (addresses, False)
    assert pages.sitemap(Page(ADDRESS, gzip.compress(SITEMAP)), 10_000) == (addresses, False)
    assert pages.sitemap(Page(ADDRESS, b"https://www.shop.example/p/2\n"), 10_000) == (addresses[1:], False)
    assert pages.sitemap(Page(ADDRESS, SITEMAP.replace(b"urlset", b"sitemapindex")), 10_000)[1]
    with pytest.raises(pages.NotUnpacked, match="larger than 100 bytes"):
        pages.sitemap(Page(ADDRESS, gzip.compress(SITEMAP)), 100)
    with pytest.raises(pages.NotUnpacked, match="ends too early"):
        pages.sitemap(Page(ADDRESS, gzip.compress(SITEMAP)[:-12]), 10_000)


def test_locations_that_are_never_closed_are_passed_over_at_once() -> None:
    """Each was looked for to the end of the page: 80 kB took 47 seconds, in which no other shop was asked either."""
    body = b"<urlset>" + b"<loc>" * 100_000 + b"<loc> <![CDATA[/p/1]]>\n</loc>" + b"<loc><![CDATA[" * 100_000
    began = time.process_time()
    assert pages.sitemap(Page(ADDRESS, body), 10_000) == (["https://www.shop.example/p/1"], False)
    assert time.process_time() - began < 5


def test_the_encoding_is_the_one_that_is_said() -> None:
    text = "<b>Crème brûlée</b>"
    assert Page(ADDRESS, text.encode("latin-1"), "text/html; charset=ISO-8859-1").text == text
    declared = '<meta charset="windows-1252">' + text
    assert Page(ADDRESS, declared.encode("cp1252")).text == declared
    assert Page(ADDRESS, text.encode(), "text/html; charset=unheard-of").text == text


def test_fields_of_the_description_are_those_of_a_product() -> None:
    assert Quotes().markup
    assert pages.asks_for_a_person(Page(ADDRESS, b'<div class="g-recaptcha"></div>'))
