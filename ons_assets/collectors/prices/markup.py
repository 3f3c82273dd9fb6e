"""Products that a page says in schema.org's words: JSON-LD, microdata or RDFa.

Pages of shops hold these words for search engines, and hold them with errors that search engines forgive. Each script
of JSON-LD is read by itself, so that a damaged one takes no other with it, and is mended where it is clear what was
meant: a semicolon or a second object behind it, comments, CDATA, entities in place of quotes, a byte-order mark.
"""

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ons_assets.collectors.prices.amounts import Mark, currency_of, plain_amount, unit_price
from ons_assets.collectors.prices.found import Found

Node = Mapping[str, Any]

SCRIPT = "//script[translate(@type, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')='application/ld+json']"
WRAPPINGS = re.compile(r"^\s*(?://\s*)?<!\[CDATA\[|(?://\s*)?\]\]>\s*$|^\s*<!--|-->\s*$|^\ufeff")
OPENING = re.compile(r"[{\[]")
PRODUCTS = ("Product", "ProductGroup", "IndividualProduct", "ProductModel")
# Where products stand inside of something else; what is only like a product is none of these.
WITHIN = ("@graph", "itemListElement", "item", "mainEntity", "hasVariant", "itemOffered", "offers", "hasPart")
OFFERS = ("Offer", "OfferForPurchase", "AggregateOffer")
DEPTH = 12
# Codes of UN/CEFACT, by which schema.org says units.
UNIT_CODES = {"KGM": "kg", "GRM": "g", "LTR": "l", "MLT": "ml", "CLT": "cl", "C62": "each", "EA": "each", "H87": "each"}
OTHER_PRICES = ("listprice", "srp", "msrp", "strikethroughprice", "minimumadvertisedprice", "regularprice")


def products(text: str, address: str, decimal: Mark = ".") -> list[Found]:
    """Return the products of a page, as the first of JSON-LD, microdata and RDFa says them that knows a price.

    Parameters
    ----------
    text
        Of the page, HTML.
    address
        Of the page, from which its addresses are completed.
    decimal
        Mark before decimals where a price is no plain number, against schema.org's rules.
    """
    best: list[Found] = []
    for read in (_json_ld, _microdata, _rdfa):
        found = _once(each for node in read(text, address) for each in _found(node, decimal))
        if any(each.price is not None for each in found):
            return found
        best = best or found
    return best


def _json_ld(text: str, _: str) -> Iterator[Node]:
    from lxml import etree
    from lxml import html as parser

    try:
        tree = parser.fromstring(text.encode(), parser=parser.HTMLParser(encoding="utf-8"))
    except (etree.ParserError, ValueError):
        return
    for script in tree.xpath(SCRIPT):
        yield from json_in("".join(script.itertext()))


def json_in(script: str) -> list[Node]:
    """Return the objects that a script of JSON-LD holds; none, if it is not clear what was meant.

    >>> json_in('{"@type": "Product",};  // made by hand')
    [{'@type': 'Product'}]
    """
    if "{" not in script:
        return []
    if not script.count('"') and "&quot;" in script:
        script = html.unescape(script)
    return _objects(WRAPPINGS.sub("", script))


def _objects(script: str) -> list[Node]:
    """Objects that follow each other, whatever is between them; strict JSON first, which cannot be misread."""
    import jstyleson

    found: list[Node] = []
    for text in (script, jstyleson.dispose(script)):
        decoder, place, found = json.JSONDecoder(strict=False), 0, []
        while (begin := OPENING.search(text, place)) is not None:
            try:
                value, place = decoder.raw_decode(text, begin.start())
            except (ValueError, RecursionError):
                break
            found += value if isinstance(value, list) else [value]
        else:
            return [each for each in found if isinstance(each, Mapping)]
    return []


def _microdata(text: str, address: str) -> Iterator[Node]:
    if "itemscope" in text:
        yield from _extracted(text, address, "microdata")


def _rdfa(text: str, address: str) -> Iterator[Node]:
    """RDFa is a graph: what a node names is put where it is named."""
    if "typeof" not in text:
        return
    nodes = {str(each.get("@id")): each for each in _extracted(text, address, "rdfa")}

    def put(node: Node, depth: int) -> dict[str, Any]:
        plain: dict[str, Any] = {"@type": [_name(each) for each in _list(node.get("@type"))]}
        for word, values in node.items():
            if not word.startswith("@"):
                plain[_name(word)] = [_value_of(each, depth) for each in _list(values)]
        return plain

    def _value_of(value: Any, depth: int) -> Any:
        if not isinstance(value, Mapping) or "@value" in value:
            return value.get("@value") if isinstance(value, Mapping) else value
        named = nodes.get(str(value.get("@id")))
        return put(named, depth + 1) if named is not None and depth < DEPTH else value.get("@id")

    for node in nodes.values():
        if _is(node, PRODUCTS):
            yield put(node, 0)


def _extracted(text: str, address: str, syntax: str) -> list[Node]:
    import extruct

    found = extruct.extract(text, base_url=address, syntaxes=[syntax], errors="ignore", uniform=syntax == "microdata")
    return list(found.get(syntax, []))


def _name(word: str) -> str:
    return re.split(r"[/#:]", word)[-1]


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


def _is(node: Node, kinds: tuple[str, ...]) -> bool:
    return any(_name(str(each)) in kinds for each in _list(node.get("@type")))


def _found(node: Any, decimal: Mark, depth: int = 0) -> Iterator[Found]:
    """Products of a node and of what it holds; a group of variants is its variants, which may lack a name."""
    if not isinstance(node, Mapping) or depth > DEPTH:
        return
    variants = [each for each in _list(node.get("hasVariant")) if isinstance(each, Mapping)]
    if _is(node, PRODUCTS) and not variants:
        yield product(node, decimal)
        return
    for word in WITHIN:
        for each in _list(node.get(word)):
            if word == "hasVariant" and isinstance(each, Mapping) and not each.get("name"):
                each = {**each, "name": node.get("name")}
            if word == "itemOffered" and _is(node, OFFERS) and isinstance(each, Mapping) and not each.get("offers"):
                each = {**each, "offers": {key: value for key, value in node.items() if key != "itemOffered"}}
            yield from _found(each, decimal, depth + 1)


def _once(found: Iterator[Found]) -> list[Found]:
    """Products in their order, those that a page says twice in the same words once."""
    return list(dict.fromkeys(found))


def product(node: Node, decimal: Mark) -> Found:
    """Return what schema.org's words say of one product.

    Parameters
    ----------
    node
        Of type Product.
    decimal
        See `products`.
    """
    offers = [each for each in _list(node.get("offers")) if isinstance(each, Mapping)]
    said = [each for offer in offers for each in _prices(offer)]
    prices = {plain_amount(text, decimal) for text, _ in said}
    fault = "several prices" if len(prices) > 1 else "price is no single amount" if None in prices else None
    currencies = [currency or currency_of(text) for text, currency in said]
    per_unit = next((each for offer in offers for each in _unit_prices(offer)), None)
    return Found(
        name=_text(node.get("name")),
        price=prices.pop() if len(prices) == 1 else None,
        currency=next((each for each in currencies if each), None),
        unit_price=unit_price(per_unit) if per_unit else None,
        size=_size(node),
        sku=next((text for word in SKUS if (text := _text(node.get(word)))), None),
        availability=next((_name(text) for each in offers if (text := _text(each.get("availability")))), None),
        promotion=next((text for each in offers if (text := _text(each.get("description")))), None),
        address=_text(node.get("url")) or next((text for each in offers if (text := _text(each.get("url")))), None),
        fault=fault,
    )


SKUS = ("gtin", "gtin13", "gtin14", "gtin12", "gtin8", "sku", "productID")


def _prices(offer: Node) -> Iterator[tuple[str, str | None]]:
    """Prices of an offer with their currencies; of an offer of many, if the lowest is the highest."""
    currency = _text(offer.get("priceCurrency"))
    if (price := _text(offer.get("price"))) is not None:
        yield price, currency
        return
    specified = [each for each in _list(offer.get("priceSpecification")) if isinstance(each, Mapping)]
    plain = [each for each in specified if not _is_per_unit(each) and not _is_other_price(each)]
    if plain:
        yield from (
            (text, _text(each.get("priceCurrency")) or currency) for each in plain if (text := _text(each.get("price")))
        )
        return
    low, high = _text(offer.get("lowPrice")), _text(offer.get("highPrice"))
    if low is not None or high is not None:
        yield from ((text, currency) for text in (low, high) if text is not None)
        return
    for each in _list(offer.get("offers")):
        if isinstance(each, Mapping):
            yield from _prices(each)


def _is_other_price(specification: Node) -> bool:
    kind = _text(specification.get("priceType"))
    return kind is not None and _name(kind).lower() in OTHER_PRICES


def _is_per_unit(specification: Node) -> bool:
    quantity = next(iter(_list(specification.get("referenceQuantity"))), None)
    return isinstance(quantity, Mapping) or (
        _is(specification, ("UnitPriceSpecification",)) and _text(specification.get("unitCode")) is not None
    )


def _unit_prices(offer: Node) -> Iterator[str]:
    """Unit prices of an offer, written as pages show them."""
    for each in _list(offer.get("priceSpecification")):
        if not isinstance(each, Mapping) or not _is_per_unit(each) or (price := _text(each.get("price"))) is None:
            continue
        quantity = next(iter(_list(each.get("referenceQuantity"))), None)
        said = quantity if isinstance(quantity, Mapping) else each
        unit = _unit(said)
        if unit is not None:
            yield f"{price}/{_text(said.get('value')) or '1'} {unit}"


def _unit(said: Node) -> str | None:
    code = _text(said.get("unitCode"))
    return UNIT_CODES.get(code.upper(), code) if code else _text(said.get("unitText"))


def _size(node: Node) -> str | None:
    """Size of the pack, as a text or as a quantity."""
    for word in ("size", "weight", "netContent", "net_content"):
        for each in _list(node.get(word)):
            if isinstance(each, Mapping):
                value, unit = _text(each.get("value")), _unit(each)
                if value is not None:
                    return f"{value}{unit or ''}"
            elif (text := _text(each)) is not None:
                return text
    return None


def _text(value: Any) -> str | None:
    """The first text or number of a value, blanks folded, without entities and tags; None if there is none."""
    value = next(iter(_list(value)), None)
    if isinstance(value, Mapping):
        value = value.get("@value", value.get("@id"))
    if value is None or isinstance(value, bool | Mapping | list):
        return None
    text = f"{value:.10g}" if isinstance(value, float) else str(value)
    return " ".join(html.unescape(text).split()) or None
