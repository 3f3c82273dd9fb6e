"""How a page of each retailer becomes the rows of a run file.

The files of the pilot have one layout and differ by the website of the shop: in how the shelf is named,
how prices and unit prices are written, and which columns the scraper could fill.
"""

import polars as pl

from ons_assets.simulate.prices import tables
from ons_assets.simulate.prices.assortment import Assortment
from ons_assets.simulate.prices.faults import Spell
from ons_assets.simulate.prices.paths import PROMOTIONS
from ons_assets.simulate.prices.tables import Recipe, Retailer, Website

COLUMNS = (
    "timestamp",
    "store",
    "ons_item_no",
    "ons_item_name",
    "product_type",
    "search_string",
    "product_name",
    "item_price_str",
    "item_price_num",
    "volume_price",
    "unit_price",
    "no_units",
    "units",
    "std_price",
    "std_unit",
    "promo",
    "offer",
    "ml_prediction",
    "single_class",
)
"""Columns of a run file, in order."""

_BASES = pl.DataFrame(
    [
        # basis, grams, millilitres or pieces; units shown, times what; standard unit, times the shown one;
        # the basis that a wrong label names
        ("100g", 100.0, 100, "g", "kg", 10.0, "kg"),
        ("kg", 1000.0, 1, "kg", "kg", 1.0, "100g"),
        ("100ml", 100.0, 100, "ml", "l", 10.0, "l"),
        ("l", 1000.0, 1, "l", "l", 1.0, "100ml"),
        ("75cl", 750.0, 75, "cl", "l", 1 / 0.75, "l"),
        ("each", 1.0, 1, "each", "each", 1.0, None),
    ],
    schema=["basis", "basis_quantity", "no_units", "units", "std_unit", "std_factor", "wrong_basis"],
    orient="row",
)

UNIT_PRICE_BASES = {
    basis: (quantity, shown, unit)
    for basis, quantity, shown, unit in _BASES.select("basis", "basis_quantity", "no_units", "units").iter_rows()
}
"""By the name of a basis: grams, millilitres or pieces that a unit price is for, and what is shown of it."""

WINE_WITHOUT_UNIT_PRICE = 2
"""On the pages of the `shelf_path` website every second wine shows no unit price."""


def shelf_of(recipe: Recipe, retailer: Retailer) -> str:
    """Return how the run files of a retailer write the shelf of an item."""
    aisle, section, shelf = recipe.shelf
    if retailer.website == "shelf_address":
        path = "/".join(_slug(part) for part in (aisle, shelf))
        return f"http://www.{retailer.name}.example/shop/groceries/{path}"
    if retailer.website == "shelf_path":
        return f"{section}/{shelf}".replace(" ", "_") if aisle == "Fresh Food" else shelf.replace(" ", "_")
    renamed = tables.rename()
    return section if (retailer.name, section) == (renamed.retailer, renamed.section) else shelf


def _slug(text: str) -> str:
    return text.lower().replace(",", "").replace(" and ", "-").replace(" ", "-")


def page_table(assortment: Assortment, retailer: Retailer) -> pl.DataFrame:
    """Return what the pages of a retailer always show of each product, one row a product of the assortment.

    Rows are in the order of the assortment and keep its row number in ``row``.
    """
    recipes = tables.recipes()
    shelves = pl.DataFrame(
        [
            (
                item_id,
                shelf_of(recipe, retailer),
                recipe.search if retailer.website != "shelf_name" else recipe.search.strip(),
                recipe.basis,
            )
            for item_id, recipe in recipes.items()
        ],
        schema={"item_id": pl.String, "product_type": pl.String, "search_string": pl.String, "basis": pl.String},
        orient="row",
    )
    piece = pl.col("pack_unit") == "each"
    unpriced_wine = (
        (pl.col("basis") == "75cl") & (pl.col("row") % WINE_WITHOUT_UNIT_PRICE == 0)
        if retailer.website == "shelf_path"
        else pl.lit(False)
    )
    wrong = _BASES.select(
        wrong_basis="basis",
        wrong_no_units="no_units",
        wrong_units="units",
        wrong_std_unit="std_unit",
        wrong_std_factor="std_factor",
    )
    return (
        assortment.products.with_row_index("row")
        .filter(retailer=retailer.name)
        .join(shelves, on="item_id", maintain_order="left")
        .with_columns(basis=pl.when(piece).then(pl.lit("each")).otherwise("basis"))
        .join(_BASES, on="basis", how="left", maintain_order="left")
        .join(wrong, on="wrong_basis", how="left", maintain_order="left")
        .select(
            "row",
            "item_id",
            "product_id",
            "product_name",
            "product_type",
            "no_units",
            "units",
            "std_unit",
            "std_factor",
            "wrong_no_units",
            "wrong_units",
            "wrong_std_unit",
            "wrong_std_factor",
            store=pl.lit(retailer.name.upper()),
            ons_item_name=pl.col("item_id").replace_strict(
                retailer.item_spellings, default=pl.col("item"), return_dtype=pl.String
            ),
            search_string=pl.when(pl.col("search_string") != "").then("search_string"),
            # Pence times this is pounds for the unit that the page shows.
            unit_factor=pl.when(~unpriced_wine).then(
                pl.col("basis_quantity") / (pl.col("pack_count") * pl.col("pack_size")) / 100
            ),
        )
    )


def with_renamed_shelf(pages: pl.DataFrame) -> pl.DataFrame:
    """Return the pages with the renamed shelf under its new name."""
    renamed = tables.rename()
    return pages.with_columns(pl.col("product_type").replace(renamed.section, renamed.becomes))


def can_be_mislabelled(pages: pl.DataFrame, spells: dict[int, Spell]) -> dict[int, Spell]:
    """Keep the wrong units of products whose pages show a unit."""
    shown = pages.filter(pl.col("wrong_units").is_not_null(), pl.col("unit_factor").is_not_null())["row"]
    return {row: spells[row] for row in shown.to_list() if row in spells}


def _pounds(pence: pl.Expr) -> pl.Expr:
    return pl.format("£{}.{}", pence // 100, (pence % 100).cast(pl.String).str.zfill(2))


def _pence_or_pounds(pence: pl.Expr, *, whole: bool = False) -> pl.Expr:
    pounds = _pounds(pence)
    if whole:
        pounds = pl.when(pence % 100 == 0).then(pl.format("£{}", pence // 100)).otherwise(pounds)
    return pl.when(pence < 100).then(pl.format("{}p", pence)).otherwise(pounds)


def render(rows: pl.DataFrame, website: Website) -> pl.DataFrame:
    """Write rows as the run files have them.

    Parameters
    ----------
    rows
        Columns of ``page_table``, and ``timestamp`` (as text), ``price_pence`` (as shown, typing errors
        included), ``true_pence``, ``regular_pence``, ``promotion`` (code) and ``mislabelled``.
    website
        How the website of the retailer says things.

    Returns
    -------
    polars.DataFrame
        The ``COLUMNS``; empty fields are null.
    """
    wrong = pl.col("mislabelled")
    labelled = rows.with_columns(
        no_units=pl.when(wrong).then("wrong_no_units").otherwise("no_units"),
        units=pl.when(wrong).then("wrong_units").otherwise("units"),
        std_unit=pl.when(wrong).then("wrong_std_unit").otherwise("std_unit"),
        std_factor=pl.when(wrong).then("wrong_std_factor").otherwise("std_factor"),
        exact_unit_price=pl.col("price_pence") * pl.col("unit_factor"),
    )
    filled = _UNIT_PRICES[website](labelled)
    return filled.with_columns(
        pl.col("item_id").alias("ons_item_no"),
        item_price_num=(pl.col("price_pence") / 100).round(2),
        ml_prediction=pl.lit(1, pl.Int8),
        single_class=pl.lit(1, pl.Int8),
        **_OFFERS[website](),
    ).select(COLUMNS)


def _unit_prices_by_name(rows: pl.DataFrame) -> pl.DataFrame:
    unit_price = pl.col("exact_unit_price").round(2)
    count = pl.when(pl.col("no_units") > 1).then(pl.col("no_units").cast(pl.String)).otherwise(pl.lit(""))
    return rows.with_columns(
        unit_price=unit_price,
        item_price_str=_pounds(pl.col("price_pence")),
        volume_price=pl.format("({}/{}{})", _pounds((unit_price * 100).round().cast(pl.Int64)), count, pl.col("units")),
        std_price=(unit_price * pl.col("std_factor")).round(4),
        no_units=pl.col("no_units").cast(pl.String),
    )


def _unit_prices_by_address(rows: pl.DataFrame) -> pl.DataFrame:
    # The scraper could not read the unit on these pages: NA, and no standard price.
    unit_price = pl.col("exact_unit_price").round(2)
    space = pl.when(pl.col("no_units") == 1).then(pl.lit(" ")).otherwise(pl.lit(""))
    return rows.with_columns(
        unit_price=unit_price,
        item_price_str=pl.format("{}/unit", _pounds(pl.col("price_pence"))),
        volume_price=pl.format(
            "{} / {}{}NA", _pounds((unit_price * 100).round().cast(pl.Int64)), pl.col("no_units"), space
        ),
        no_units=pl.col("no_units").cast(pl.String),
        units=pl.lit("na"),
        std_price=pl.lit(0.0),
        std_unit=pl.lit("unknown"),
    )


def _unit_prices_by_path(rows: pl.DataFrame) -> pl.DataFrame:
    exact = pl.col("exact_unit_price")
    below_a_pound = exact.round(3) < 1
    unit_price = pl.when(below_a_pound).then(exact.round(3)).otherwise(exact.round(2))
    tenths = (unit_price * 1000).round().cast(pl.Int64)
    pence = (
        pl.when(tenths % 10 == 0)
        .then(pl.format("{}p", tenths // 10))
        .otherwise(pl.format("{}.{}p", tenths // 10, tenths % 10))
    )
    pounds = _pence_or_pounds((unit_price * 100).round().cast(pl.Int64), whole=True)
    units = pl.col("units").replace("l", "litre")
    label = (
        pl.when(pl.col("units") == "each")
        .then(pl.lit("each"))
        .when(pl.col("no_units") == 1)
        .then(pl.format("/ {}", units))
        .otherwise(pl.format("/ {}{}", pl.col("no_units"), units))
    )
    shown = exact.is_not_null()
    return rows.with_columns(
        unit_price=unit_price,
        item_price_str=_pence_or_pounds(pl.col("price_pence")),
        volume_price=pl.format("({} {})", pl.when(below_a_pound).then(pence).otherwise(pounds), label),
        std_price=(unit_price * pl.col("std_factor")).round(4),
        no_units=pl.when(shown).then(
            pl.when(pl.col("no_units") == 1).then(pl.lit("1.0")).otherwise(pl.col("no_units").cast(pl.String))
        ),
        units=pl.when(shown).then(units),
        std_unit=pl.when(shown).then("std_unit"),
    )


def _by_promotion(texts: dict[str, pl.Expr]) -> pl.Expr:
    """Choose a text by the kind of the promotion; null where there is none."""
    kinds = pl.col("promotion").replace_strict(
        {code: promotion.kind for code, promotion in enumerate(PROMOTIONS)}, return_dtype=pl.String
    )
    return pl.coalesce(pl.when(kinds == kind).then(text) for kind, text in texts.items())


_VALUE = pl.col("promotion").replace_strict(
    {code: promotion.value for code, promotion in enumerate(PROMOTIONS)}, return_dtype=pl.Int64
)
_SAVED = (pl.col("regular_pence") - pl.col("true_pence")).cast(pl.Int64)
_REGULAR, _NOW = pl.col("regular_pence").cast(pl.Int64), pl.col("true_pence").cast(pl.Int64)
# A multibuy takes about 15 per cent off, to the next 10p.
_BUNDLE = ((_VALUE * _REGULAR * 0.85 / 10).ceil() * 10).cast(pl.Int64)


def _offers_by_name() -> dict[str, pl.Expr]:
    saving = pl.format("Save {} Was {} Now {}", _pence_or_pounds(_SAVED), _pounds(_REGULAR), _pounds(_NOW))
    six = pl.format("{}% off when you buy 6 or more bottles of wine", _VALUE)
    bundle = pl.format("Any {} for {}", _VALUE, _pence_or_pounds(_BUNDLE))
    return {
        "promo": _by_promotion(
            {
                "cut": pl.format("{} - all products for this offer", saving),
                "multibuy": pl.lit("All products available for this offer"),
                "six_bottles": pl.format("{} - all products for this offer", six),
            }
        ),
        "offer": _by_promotion({"cut": saving, "multibuy": bundle, "six_bottles": six}),
    }


def _offers_by_address() -> dict[str, pl.Expr]:
    offer = _by_promotion(
        {
            "cut": pl.format("Only {}: Save {}", _pence_or_pounds(_NOW), _pence_or_pounds(_SAVED)),
            "multibuy": pl.format("Buy {} for {}", _VALUE, _pounds(_BUNDLE)),
            "six_bottles": pl.format("Buy any 6 or more save {}%", _VALUE),
        }
    )
    return {"promo": offer, "offer": offer}


def _offers_by_path() -> dict[str, pl.Expr]:
    cut = (
        pl.when(_VALUE == 50)
        .then(pl.lit("Half Price"))
        .when(_VALUE == 33)
        .then(pl.lit("Save 1/3"))
        .when(_VALUE == 10)
        .then(pl.format("save {}", _pence_or_pounds(_SAVED)))
        .otherwise(pl.format("{}% Off", _VALUE))
    )
    offer = _by_promotion(
        {
            "cut": cut,
            "multibuy": pl.format("Add {} for {}", _VALUE, _pence_or_pounds(_BUNDLE, whole=True)),
            "six_bottles": pl.format("{}% Off 6 or more", _VALUE),
            "badge": pl.lit("Price Check Promise"),
        }
    )
    return {"promo": offer, "offer": offer}


_UNIT_PRICES = {
    "shelf_name": _unit_prices_by_name,
    "shelf_address": _unit_prices_by_address,
    "shelf_path": _unit_prices_by_path,
}
_OFFERS = {
    "shelf_name": _offers_by_name,
    "shelf_address": _offers_by_address,
    "shelf_path": _offers_by_path,
}
