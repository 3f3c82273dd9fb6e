"""Changes of price that look like errors and are none: the price stays, it was there before, or it was announced."""

import polars as pl

from ons_assets.parameters.prices import CheckParameters
from ons_assets.prices.history import PRODUCT, daily_prices

DAY = [*PRODUCT, "collected_on"]


def announced_prices(quotes: pl.DataFrame) -> pl.DataFrame:
    """List the prices of single packs that the texts of offers give, or from which a regular price follows.

    Parameters
    ----------
    quotes
        ``retailer``, ``item_id``, ``product_id``, ``collected_on``, ``price``, and ``regular_price``, ``named_price``
        and ``named_paid`` of `promotions.promotions`.

    Returns
    -------
    DataFrame
        ``retailer``, ``item_id``, ``product_id``, ``announced_on``, ``announced`` (currency) and ``is_named``: whether
        the text gives the sum, or it follows from the displayed price, which may be wrong.
    """
    named = [
        quotes.select(*PRODUCT, announced_on="collected_on", announced=name, is_named=pl.lit(True))
        for name in ("named_price", "named_paid")
    ]
    cut = pl.col("regular_price") > pl.col("price")
    implied = quotes.filter(cut, pl.col("named_price").is_null()).select(
        *PRODUCT, announced_on="collected_on", announced="regular_price", is_named=pl.lit(False)
    )
    return pl.concat([*named, implied]).drop_nulls("announced").unique()


def were_announced(suspect: pl.DataFrame, announced: pl.DataFrame, parameters: CheckParameters) -> pl.DataFrame:
    """Return the suspect prices that the text of an offer explains.

    It does if a text of the product, at most `reference_days` away, names the price; if the price is the regular one of
    an offer of another day; or if the product is on offer at that price and the regular one is what it cost before.

    Parameters
    ----------
    suspect
        ``retailer``, ``item_id``, ``product_id``, ``collected_on``, ``price``, ``reference`` (held against it).
    announced
        Result of `announced_prices`.
    parameters
        Bounds.

    Returns
    -------
    DataFrame
        The explained ones, without ``reference``.
    """
    apart = (pl.col("announced_on") - pl.col("collected_on")).dt.total_days()
    is_price = _same("announced", "price", parameters)
    starts = _same("announced", "reference", parameters) & (apart == 0)
    return (
        suspect.join(announced, on=PRODUCT)
        .filter(
            apart.abs() <= parameters.reference_days,
            (is_price & (pl.col("is_named") | (apart != 0))) | (starts & (pl.col("price") < pl.col("announced"))),
        )
        .select(*DAY, "price")
        .unique()
    )


def levels(daily: pl.DataFrame, parameters: CheckParameters) -> pl.DataFrame:
    """Divide the days of each product into levels: days in a row of which each price is near the one before it.

    Parameters
    ----------
    daily
        Result of `history.daily_prices`.
    parameters
        Bounds.

    Returns
    -------
    DataFrame
        `daily` with ``level`` (number within the product), ``level_days`` (collected days) ``level_price`` (median).
    """
    moved = ((pl.col("price") / pl.col("price").shift()).log().abs() > _slack(parameters)).over(PRODUCT)
    level = [*PRODUCT, "level"]
    return (
        daily.sort(DAY)
        .with_columns(level=moved.fill_null(False).cast(pl.Int64).cum_sum().over(PRODUCT))
        .with_columns(level_days=pl.len().over(level), level_price=pl.col("price").median().over(level))
    )


def unexplained(
    suspect: pl.DataFrame, quotes: pl.DataFrame, announced: pl.DataFrame, parameters: CheckParameters
) -> pl.DataFrame:
    """Return the outliers that nothing explains.

    A price that stays for `level_days` collected days is a change of price, unless its decimal point is displaced:
    pounds for pence may stay. One at a level that the product had before for as long came back. The text of an offer
    announces others (`were_announced`). A day with several prices, of runs before and after a change, is explained if
    each of them is, or is the usual one.

    Parameters
    ----------
    suspect
        ``retailer``, ``item_id``, ``product_id``, ``collected_on``, ``reference``; other columns are kept.
    quotes
        The quotes that were judged, with ``retailer``, ``item_id``, ``product_id``, ``collected_on``, ``price``.
    announced
        Result of `announced_prices`.
    parameters
        Bounds.
    """
    if suspect.is_empty():
        return suspect
    of_products = quotes.join(suspect, on=PRODUCT, how="semi")
    prices = suspect.select(*DAY, "reference").join(of_products.select(*DAY, "price").unique(), on=DAY)
    found = levels(daily_prices(of_products), parameters)
    here = prices.join(found.select(*DAY, "level"), on=DAY)
    lasting = found.filter(pl.col("level_days") >= parameters.level_days)
    lasting = lasting.select(*PRODUCT, other="level", other_price="level_price").unique()
    # Before: it came back. This one or the next, where the runs of this day lie on both sides of the change: it stays.
    near = here.join(lasting, on=PRODUCT).filter(
        _same("other_price", "price", parameters),
        (pl.col("other") < pl.col("level")) | ((pl.col("other") <= pl.col("level") + 1) & ~_displaced(parameters)),
    )
    usual = prices.filter(_same("reference", "price", parameters))
    said = were_announced(prices, announced, parameters)
    explained = pl.concat([each.select(*DAY, "price") for each in (near, usual, said)]).unique()
    wrong = prices.join(explained, on=[*DAY, "price"], how="anti")
    return suspect.join(wrong, on=DAY, how="semi", maintain_order="left")


def _displaced(parameters: CheckParameters) -> pl.Expr:
    ratio = (pl.col("price") / pl.col("reference")).log10()
    return (ratio.round() != 0) & ((ratio - ratio.round()).abs() <= parameters.typo_decimal_slack)


def _slack(parameters: CheckParameters) -> pl.Expr:
    # Prices that differ by just the factor count as near.
    return pl.lit(parameters.same_level).log() + 1e-9


def _same(one: str, other: str, parameters: CheckParameters) -> pl.Expr:
    return (pl.col(one) / pl.col(other)).log().abs() <= _slack(parameters)
