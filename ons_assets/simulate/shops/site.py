"""The pages of the simulated shops: JSON-LD in one, microdata in another, plain HTML in the third.

Each has a page that names its shelves, pages of shelves that lead to the next one, and places that robots.txt forbids,
to which links lead all the same.
"""

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from html import escape
from urllib.parse import parse_qsl, quote, urlsplit

from ons_assets.simulate.shops.stock import Article, Stock

PAGE_SIZE = 12
# Of UN/CEFACT.
UNIT_CODES = {"g": "GRM", "kg": "KGM", "ml": "MLT", "cl": "CLT", "l": "LTR", "each": "C62"}
FORBIDDEN = ("/basket", "/account", "/offers/")
ROBOTS = "\ufeff" + "".join(
    f"{line}\n" for line in ("User-agent: *", *(f"Disallow: {path}" for path in FORBIDDEN), "Allow: /")
)


class NoSuchPage(LookupError):
    """A shop has no page at an address."""


def robots(delay_seconds: float) -> str:
    """Return the robots.txt of a shop, with a byte-order mark before its first rule, as some have it."""
    return ROBOTS + (f"Crawl-delay: {delay_seconds:g}\n" if delay_seconds else "")


def page(stock: Stock, retailer: str, day: date, target: str, *, size: int = PAGE_SIZE) -> str:
    """Return a page of a shop.

    Parameters
    ----------
    stock
        What is on the shelves.
    retailer, day
        Which shop, and when.
    target
        Path and query of the address.
    size
        Products on a page.

    Raises
    ------
    NoSuchPage
        If there is none.
    """
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query))
    if parts.path == "/":
        return _framed(retailer, "Shop", directory(stock, retailer, day))
    item_id = _item_at(stock, retailer, day, parts.path, query.get("kind"))
    articles = stock.articles(retailer, item_id, day)
    number = int(query.get("page", "1")) if query.get("page", "1").isdecimal() else 0
    shown = articles[(number - 1) * size : number * size] if number >= 1 else []
    if not shown and number != 1:
        raise NoSuchPage(target)
    more = number * size < len(articles)
    kind = f"kind={quote(query['kind'])}&" if "kind" in query else ""
    following = f"{parts.path}?{kind}page={number + 1}" if more else None
    return _framed(retailer, stock.shelf(retailer, item_id, day), LISTS[retailer](shown, following))


def path_of(stock: Stock, retailer: str, item_id: str, day: date) -> str:
    """Return the path of the first page of the shelf of an item, without what refines it.

    Parameters
    ----------
    stock
        What is on the shelves.
    retailer, item_id, day
        Which shelf, and when.
    """
    shelf = stock.shelf(retailer, item_id, day)
    if shelf.startswith("http"):
        return urlsplit(shelf).path
    return "/shelf/" + quote("".join(each if each.isalnum() else "-" for each in shelf.lower()))


def refinement(stock: Stock, retailer: str, item_id: str, day: date) -> str | None:
    """Return what shows the part of a shelf that an item stands on, where several items share it.

    Parameters
    ----------
    stock
        What is on the shelves.
    retailer, item_id, day
        Which shelf, and when.
    """
    shelf = stock.shelf(retailer, item_id, day)
    return (
        f"kind={item_id}"
        if [stock.shelf(retailer, each, day) for each in stock.items(retailer)].count(shelf) > 1
        else None
    )


def directory(stock: Stock, retailer: str, day: date) -> str:
    """Return the list of the shelves of a shop, and links to where nobody is to go.

    Parameters
    ----------
    stock
        What is on the shelves.
    retailer, day
        Which shop, and when.
    """
    named = {stock.shelf(retailer, each, day): path_of(stock, retailer, each, day) for each in stock.items(retailer)}
    shelves = "".join(
        f'<li><a class="shelf" data-path="{escape(name)}" href="{escape(path)}">{escape(name)}</a></li>'
        for name, path in named.items()
    )
    return f'<nav><ul>{shelves}</ul><a href="/basket?add=1">Basket</a><a href="/offers/today">Offers</a></nav>'


def _item_at(stock: Stock, retailer: str, day: date, path: str, kind: str | None) -> str:
    here = [each for each in stock.items(retailer) if path_of(stock, retailer, each, day) == path]
    if kind is not None:
        here = [each for each in here if each == kind]
    if not here:
        raise NoSuchPage(path)
    return here[0]


def _framed(retailer: str, title: str, content: str) -> str:
    return (
        f'<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        f"<body><h1>{escape(retailer)}: {escape(title)}</h1>{content}</body></html>"
    )


def _next(following: str | None) -> str:
    return f'<a rel="next" class="next" href="{escape(following)}">Next page</a>' if following else ""


def json_ld(articles: Sequence[Article], following: str | None) -> str:
    """Return a list that says in JSON-LD what it holds, with a comma and a comment too many, as made by hand.

    Parameters
    ----------
    articles
        On this page.
    following
        Address of the next page.
    """
    listed = [
        {
            "@type": "ListItem",
            "position": place,
            "item": {
                "@type": "Product",
                "name": each.name,
                "sku": each.product_id,
                "offers": {
                    "@type": "Offer",
                    "price": f"{each.price}",
                    "priceCurrency": "GBP",
                    "availability": "https://schema.org/InStock",
                    **({"description": each.promotion} if each.promotion else {}),
                    "priceSpecification": {
                        "@type": "UnitPriceSpecification",
                        "price": float(each.unit_price),
                        "referenceQuantity": {
                            "@type": "QuantitativeValue",
                            "value": each.unit_quantity,
                            "unitCode": UNIT_CODES[each.unit],
                        },
                    },
                },
            },
        }
        for place, each in enumerate(articles, 1)
    ]
    whole = {"@context": "https://schema.org", "@graph": [{"@type": "ItemList", "itemListElement": listed}]}
    script = json.dumps(whole, ensure_ascii=False).removesuffix("}") + ", }; // list"
    tiles = "".join(f"<li>{escape(each.name)}</li>" for each in articles)
    broken = '<script type="application/ld+json">{"@type": "WebSite", "name": "made" "by hand"}</script>'
    return f'{broken}<script type="application/ld+json">{script}</script><ul>{tiles}</ul>{_next(following)}'


def microdata(articles: Sequence[Article], _following: str | None) -> str:
    """Return a list whose elements say in microdata what they hold; unit price and offer are only shown.

    The next page is not linked: the shop counts its pages.
    """
    return "".join(
        f'<div class="tile" itemscope itemtype="http://schema.org/Product"><h3 itemprop="name">{escape(each.name)}</h3>'
        f'<meta itemprop="sku" content="{each.product_id}">'
        '<div itemprop="offers" itemscope itemtype="http://schema.org/Offer">'
        f'<span class="price" itemprop="price" content="{each.price}">£{each.price}</span>'
        '<meta itemprop="priceCurrency" content="GBP"><link itemprop="availability" href="http://schema.org/InStock"></div>'
        f'<span class="per">£{each.unit_price} / {each.unit_quantity}{each.unit}</span>'
        f'<span class="offer">{escape(each.promotion or "")}</span></div>'
        for each in articles
    )


def plain(articles: Sequence[Article], following: str | None) -> str:
    """Return a list that only shows what it holds, prices below a pound in pence.

    Parameters
    ----------
    articles
        On this page.
    following
        Address of the next page.
    """
    tiles = "".join(
        f'<div class="product"><a class="name" href="/product/{each.product_id}">{escape(each.name)}</a>'
        f'<b class="now">{_pence(each.price)}</b><i>({_pence(each.unit_price)}/{each.unit_quantity}{each.unit})</i>'
        f'<em class="deal">{escape(each.promotion or "")}</em></div>'
        for each in articles
    )
    return f"<main>{tiles}</main>{_next(following)}"


def scripted() -> str:
    """Return a page in another layout: a script fills it, and it shows nothing by itself."""
    return '<!DOCTYPE html><html><body><div id="root"></div><script src="/app.js"></script></body></html>'


def _pence(amount: Decimal) -> str:
    return f"{(amount * 100).normalize():f}p" if amount < 1 else f"£{amount}"


LISTS = {"pellworth": json_ld, "thistlemoor": microdata, "larkmere": plain}
