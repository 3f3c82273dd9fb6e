"""Products through time: packs that change under the same name, lineages, and products that come back.

A product is a name of a retailer under an item, without its punctuation. Where the displayed unit price shows
that the pack behind a name changed for good, the name is another product from then on.
"""

import polars as pl

from ons_assets.parameters.prices import PackParameters
from ons_assets.prices.history import PRODUCT
from ons_assets.prices.packs import LARGEST_QUANTITY, LEAST_QUANTITY, pack_table, plain, standard_quantity

NAME = ("retailer", "item_id", "name")


def add_packs(quotes: pl.DataFrame) -> pl.DataFrame:
    """Add what the pack of each quote holds, by its name and by its displayed unit price.

    Parameters
    ----------
    quotes
        ``product``, ``price``, ``unit_price``, ``unit_quantity``, ``unit`` as displayed.

    Returns
    -------
    DataFrame
        With ``name`` (plain), ``stem``, ``pack_count``, ``named_quantity``, ``named_unit``, ``pack_lowest`` and
        ``pack_highest`` of a range, ``containers`` and ``container``; ``shown_number``,
        price / unit_price · unit_quantity in the displayed unit; the same in kg, l or each, ``shown_quantity`` and
        ``shown_unit``, null where the displayed unit is none.
    """
    packs = (
        pack_table(quotes["product"].unique())
        .with_columns(name=pl.col("product").map_elements(plain, return_dtype=pl.String))
        .rename({"pack_quantity": "named_quantity", "pack_unit": "named_unit"})
    )
    quantity, unit = standard_quantity(pl.col("unit_quantity"), pl.col("unit"))
    units = pl.when(pl.col("unit_price") > 0).then(pl.col("price") / pl.col("unit_price"))
    return quotes.join(packs, on="product", maintain_order="left").with_columns(
        shown_number=units * pl.col("unit_quantity"), shown_quantity=units * quantity, shown_unit=unit
    )


def number_packs(packed: pl.DataFrame, parameters: PackParameters | None = None) -> pl.DataFrame:
    """Tell the packs apart that share a name, and find the unit prices that name a wrong unit.

    Where the name does not give the pack, the displayed unit price does: a bottle and a crate of the same beer
    have one name and two quantities. Quantities that differ by less than the rounding of the unit price are one
    pack. Another quantity is a wrong unit, and no pack, if it comes alone (not on the days of another), at
    the price of the usual one, and if the usual one comes back or it has not lasted for `least_days` yet.

    Parameters
    ----------
    packed
        Result of `add_packs`, with ``retailer``, ``item_id``, ``collected_on``.
    parameters
        None for the defaults.

    Returns
    -------
    DataFrame
        The quotes with ``pack_number`` (1, 2, ... under a name, in order of appearance), ``pack_quantity`` and
        ``pack_unit`` (kg, l, each), ``pack_source`` ("name", "unit price", "range" or null), ``unit_conflict``. Of a
        name that gives a range the unit price says where in it the pack lies; without one it is the middle.
    """
    parameters = parameters or PackParameters()
    loose = (1 + 4 * parameters.rounding / pl.col("unit_price")).clip(parameters.same_pack, parameters.most_rounding)
    is_pack = pl.col("shown_quantity").is_between(LEAST_QUANTITY, LARGEST_QUANTITY).fill_null(False)
    only_shown = pl.col("named_quantity").is_null() & is_pack
    bounds = _packs_of_names(
        packed.filter(only_shown).select(*NAME, "collected_on", "shown_unit", "shown_quantity", "price", loose=loose),
        parameters,
    )
    named = pl.col("named_quantity").is_not_null()
    first_pack = bounds.filter(pl.col("pack_number") == 1, ~pl.col("wrong_unit")).select(
        *NAME, first_quantity="level_quantity", first_unit="shown_unit"
    )
    joined = (
        packed.with_columns(looked_up=pl.when(only_shown).then("shown_quantity"))
        .sort("looked_up", nulls_last=True, maintain_order=True)
        .join_asof(
            bounds.sort("lowest"),
            left_on="looked_up",
            right_on="lowest",
            by=[*NAME, "shown_unit"],
            strategy="backward",
            check_sortedness=False,
        )
        .join(first_pack, on=NAME, how="left", maintain_order="left")
        .with_columns(
            pack_number=pl.col("pack_number").fill_null(1),
            pack_quantity=pl.coalesce("named_quantity", "level_quantity", "first_quantity"),
            pack_unit=pl.when(named).then("named_unit").otherwise(pl.coalesce("level_unit", "first_unit")),
        )
    )
    ratio = (pl.col("shown_quantity") / pl.col("pack_quantity")).log().abs()
    same_unit = pl.col("shown_unit") == pl.col("pack_unit")
    # Pieces have a weight too ("4 PACK", per kg); weight and volume exclude each other.
    excluded = ~same_unit & (pl.col("shown_unit") != "each") & (pl.col("pack_unit") != "each")
    beyond = ratio > pl.max_horizontal(pl.lit(parameters.conflict), loose).log()
    # "per 100NA": the number is known and the unit is not. It is kg, l, cl, g, ml, pieces or packs, or wrong; of
    # packs that the name counts nothing is known, because 80 tea bags may be priced by weight.
    unknown = pl.col("shown_number").is_not_null() & pl.col("shown_unit").is_null() & (pl.col("pack_unit") != "each")
    no_unit_fits = pl.all_horizontal(
        (pl.col("shown_number") / amount).log().abs() > pl.max_horizontal(pl.lit(parameters.conflict), loose).log()
        for amount in (*(pl.col("pack_quantity") * parts for parts in (1, 100, 1000)), pl.col("pack_count"), pl.lit(1))
    )
    ranges = pl.col("pack_lowest").is_not_null()
    within = ranges & same_unit & pl.col("shown_quantity").is_between(*_slack("pack_lowest", "pack_highest", loose))
    contradicts = (same_unit & beyond & ~within) | excluded | (unknown & no_unit_fits)
    return joined.with_columns(
        pack_quantity=pl.when(within).then("shown_quantity").otherwise("pack_quantity"),
        pack_source=pl.when(within)
        .then(pl.lit("unit price"))
        .when(ranges)
        .then(pl.lit("range"))
        .when(named)
        .then(pl.lit("name"))
        .when(pl.col("pack_quantity").is_not_null())
        .then(pl.lit("unit price")),
        unit_conflict=pl.when(named).then(contradicts).otherwise(pl.col("wrong_unit")).fill_null(False),
    ).drop(
        "looked_up",
        "lowest",
        "level_quantity",
        "level_unit",
        "first_quantity",
        "first_unit",
        "wrong_unit",
        "pack_lowest",
        "pack_highest",
    )


def _slack(lowest: str, highest: str, loose: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """The ends of a range, as far beyond as the unit price is rounded."""
    return pl.col(lowest) / loose, pl.col(highest) * loose


def _packs_of_names(shown: pl.DataFrame, parameters: PackParameters) -> pl.DataFrame:
    """The quantities under each name: ``lowest`` of those taken as one, and the pack that they stand for."""
    level = [*NAME, "shown_unit", "level"]
    starts = pl.col("shown_quantity") > pl.col("shown_quantity").shift() * pl.col("loose")
    grouped = shown.sort(*NAME, "shown_unit", "shown_quantity", "collected_on", "price", "loose").with_columns(
        level=starts.fill_null(False).cast(pl.Int64).cum_sum().over(*NAME, "shown_unit")
    )
    levels_of_day = pl.struct("shown_unit", "level").n_unique().over(*NAME, "collected_on")
    levels = (
        grouped.with_columns(alone=levels_of_day == 1)
        .group_by(level)
        .agg(
            lowest=pl.col("shown_quantity").min(),
            level_quantity=pl.col("shown_quantity").median(),
            level_price=pl.col("price").median(),
            days=pl.col("collected_on").n_unique(),
            first_day=pl.col("collected_on").min(),
            last_day=pl.col("collected_on").max(),
            alone=pl.col("alone").all(),
        )
        .sort(*NAME, "days", "lowest", "shown_unit", descending=[False, False, False, True, False, False])
        .with_columns(
            pl.col("level_price", "level_quantity", "first_day", "last_day", "shown_unit")
            .first()
            .over(NAME)
            .name.prefix("usual_")
        )
    )
    usual_price = (pl.col("level_price") / pl.col("usual_level_price")).log().abs() <= pl.lit(
        parameters.same_price
    ).log()
    comes_back = pl.col("last_day").is_between("usual_first_day", "usual_last_day")
    is_usual = pl.int_range(pl.len()).over(NAME) == 0
    wrong = ~is_usual & pl.col("alone") & usual_price & (comes_back | (pl.col("days") < parameters.least_days))
    packs = levels.with_columns(wrong_unit=wrong).sort(*NAME, "first_day", "lowest", "shown_unit")
    number = (~pl.col("wrong_unit")).cast(pl.Int64).cum_sum().over(NAME)
    usual_number = number.filter(~pl.col("wrong_unit")).get(pl.col("days").filter(~pl.col("wrong_unit")).arg_max())
    return packs.with_columns(
        pack_number=pl.when("wrong_unit").then(usual_number.over(NAME)).otherwise(number),
        level_quantity=pl.when("wrong_unit").then("usual_level_quantity").otherwise("level_quantity"),
        level_unit=pl.when("wrong_unit").then("usual_shown_unit").otherwise("shown_unit"),
    ).select(*NAME, "shown_unit", "lowest", "pack_number", "level_quantity", "level_unit", "wrong_unit")


def add_identity(packed: pl.DataFrame) -> pl.DataFrame:
    """Add ``product_id``: the plain name, and from the second pack behind it on, the number of the pack."""
    number = pl.col("pack_number")
    return packed.with_columns(
        product_id=pl.when(number > 1).then(pl.format("{} (pack {})", "name", number)).otherwise("name")
    )


def products_of(packed: pl.DataFrame) -> pl.DataFrame:
    """Return one row a product: its stem, container and pack, first and last day, first and last price.

    Parameters
    ----------
    packed
        Quotes with ``retailer``, ``item_id``, ``product_id``, ``collected_on``, ``price``, ``stem``,
        ``pack_quantity``, ``pack_unit``, ``containers``, ``container``, without those that are known to be wrong.
    """
    return (
        packed.sort("collected_on", "price", "stem", "pack_unit", "containers", "container")
        .group_by(PRODUCT, maintain_order=True)
        .agg(
            pl.col("stem", "pack_unit", "containers", "container").first(),
            pl.col("pack_quantity").median(),
            first_day=pl.col("collected_on").first(),
            last_day=pl.col("collected_on").last(),
            first_price=pl.col("price").first(),
            last_price=pl.col("price").last(),
        )
        .sort(PRODUCT)
    )


def lineages(products: pl.DataFrame, replaced: pl.DataFrame) -> pl.DataFrame:
    """Return ``lineage_id`` of every product: the first product of the chain of relaunches that it belongs to.

    Parameters
    ----------
    products
        Result of `products_of`.
    replaced
        Result of `relaunches.relaunches`.
    """
    before = {tuple(row[:3]): (*row[:2], row[3]) for row in replaced.select(*PRODUCT, "replaces").iter_rows()}

    def first(product: tuple[str, ...]) -> str:
        while product in before:  # ends: what is replaced was first seen earlier
            product = before[product]
        return product[2]

    keys = products.select(PRODUCT)
    return keys.with_columns(lineage_id=pl.Series([first(row) for row in keys.iter_rows()], dtype=pl.String))


def reentries(daily: pl.DataFrame, *, gap_days: int) -> pl.DataFrame:
    """Return the days on which a product was seen again after it was absent, with ``days_away``.

    Parameters
    ----------
    daily
        ``retailer``, ``item_id``, ``product_id``, ``collected_on``; one row a product and day.
    gap_days
        More than so many days on which its item was collected from its retailer, but without it: a day on
        which nothing was collected says nothing of a product.
    """
    shelf = ["retailer", "item_id", "collected_on"]
    days = daily.select(shelf).unique().sort(shelf).with_columns(day=pl.int_range(pl.len()).over(shelf[:2]))
    return (
        daily.join(days, on=shelf)
        .sort(*PRODUCT, "collected_on")
        .with_columns(days_away=pl.col("day").diff().over(PRODUCT) - 1)
        .filter(pl.col("days_away") > gap_days)
        .select(*PRODUCT, "collected_on", "days_away")
    )
