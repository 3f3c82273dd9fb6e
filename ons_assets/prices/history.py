"""Prices held against the product's own past and future: typos, prices that stand still too long, clearance."""

import polars as pl

from ons_assets.prices.indices.numbers import as_floats

PRODUCT = ("retailer", "item_id", "product_id")


def daily_prices(quotes: pl.DataFrame) -> pl.DataFrame:
    """Return one price a product and day: the median of its quotes, which one typo of three does not move.

    Parameters
    ----------
    quotes
        ``retailer``, ``item_id``, ``product_id``, ``collected_on``, ``price``.

    Returns
    -------
    DataFrame
        ``retailer``, ``item_id``, ``product_id``, ``collected_on``, ``price``, sorted.
    """
    return (
        as_floats(quotes, "price")
        .group_by(*PRODUCT, "collected_on")
        .agg(pl.col("price").median())
        .sort(*PRODUCT, "collected_on")
    )


def typical_prices(daily: pl.DataFrame, *, days_around: int) -> pl.DataFrame:
    """Add what the product usually costs around each day, and on the days next to it.

    Parameters
    ----------
    daily
        Result of `daily_prices`.
    days_around
        Calendar days before and after the day whose prices count.

    Returns
    -------
    DataFrame
        With ``typical`` (median over the days around and the day itself; null with fewer than three prices),
        ``before`` and ``after`` (the prices of the collected days next to it).
    """
    around = (
        daily.sort(*PRODUCT, "collected_on")
        .rolling(
            "collected_on",
            period=f"{2 * days_around + 1}d",
            offset=f"-{days_around + 1}d",
            group_by=PRODUCT,
        )
        .agg(typical=pl.col("price").median(), around=pl.len())
    )
    return (
        daily.join(around, on=[*PRODUCT, "collected_on"])
        .sort(*PRODUCT, "collected_on")
        .with_columns(
            pl.when(pl.col("around") >= 3).then("typical").alias("typical"),
            before=pl.col("price").shift().over(PRODUCT),
            after=pl.col("price").shift(-1).over(PRODUCT),
        )
        .drop("around")
    )


def is_typo(*, factor: float, decimal_slack: float, returns_within: float) -> pl.Expr:
    """Return whether ``price`` is a mistyped one, given ``typical``, ``before`` and ``after``.

    It is, when it is at least `factor` times what the product costs on the days around (or as many times less)
    and either its decimal point is displaced (the ratio is within `decimal_slack` of a power of ten, in
    decimal logarithms) or the prices on both sides of it are within `returns_within` of the usual one:
    a price that stays is a change of price, not a typo.

    Parameters
    ----------
    factor
        How many times the usual price makes a price suspect, up or down.
    decimal_slack
        Distance from a power of ten, in decimal logarithms, at which the decimal point counts as displaced.
    returns_within
        How many times the usual price the prices before and after may be, up or down, to count as usual.
    """
    ratio = (pl.col("price") / pl.col("typical")).log10()
    displaced = (ratio.round() != 0) & ((ratio - ratio.round()).abs() <= decimal_slack)

    def usual(column: str) -> pl.Expr:
        return (pl.col(column) / pl.col("typical")).log().abs() <= pl.lit(returns_within).log()

    far = ratio.abs() >= pl.lit(factor).log10()
    return (far & (displaced | (usual("before") & usual("after")))).fill_null(False)


def stuck_prices(daily: pl.DataFrame, *, chance: float, least_pairs: int, least_changes: int) -> pl.DataFrame:
    """Flag the days on which a price has stood still for longer than the product's own past allows.

    With a share p of unchanged neighbouring days before the streak, a streak of L days has chance p^(L-1);
    p is (unchanged + 1/2) / (pairs + 1), the mean under the Jeffreys prior.

    Parameters
    ----------
    daily
        Result of `daily_prices`.
    chance
        Streaks less likely than this are flagged, from the day on which they become so.
    least_pairs, least_changes
        Neighbouring days before the streak, and changes of price among them, without which nothing is flagged.

    Returns
    -------
    DataFrame
        ``retailer``, ``item_id``, ``product_id``, ``collected_on``, ``streak`` (collected days) of the flagged days.
    """
    changed = (pl.col("price") != pl.col("price").shift()).over(PRODUCT).fill_null(True)
    return (
        daily.sort(*PRODUCT, "collected_on")
        .with_columns(day_number=pl.int_range(pl.len()).over(PRODUCT), changed=changed)
        .with_columns(
            streak_start=pl.when("changed").then("day_number").forward_fill().over(PRODUCT),
            # The first price of a product is no change.
            changes=(pl.col("changed").cast(pl.Int64).cum_sum() - 1).over(PRODUCT),
        )
        .with_columns(
            streak=pl.col("day_number") - pl.col("streak_start") + 1,
            # Pairs up to the change that began the streak; that change was a choice of the data, not a trial.
            pairs=pl.col("streak_start") - 1,
            past_changes=pl.col("changes") - 1,
        )
        .with_columns(still=(pl.col("pairs") - pl.col("past_changes") + 0.5) / (pl.col("pairs") + 1.0))
        .filter(
            pl.col("pairs") >= least_pairs,
            pl.col("past_changes") >= least_changes,
            pl.col("still") ** (pl.col("streak") - 1) <= chance,
        )
        .select(*PRODUCT, "collected_on", "streak")
    )


def reference_prices(daily: pl.DataFrame, *, days: int) -> pl.DataFrame:
    """Add ``reference``: the median price of the product on the `days` before each day; null without any."""
    past = (
        daily.sort(*PRODUCT, "collected_on")
        .rolling("collected_on", period=f"{days}d", group_by=PRODUCT, closed="left")
        .agg(reference=pl.col("price").median())
    )
    return daily.join(past, on=[*PRODUCT, "collected_on"]).sort(*PRODUCT, "collected_on")


def dump_prices(
    daily: pl.DataFrame,
    *,
    share: float,
    last_days: int,
    gone_days: int,
    leaving_share: float,
) -> pl.DataFrame:
    """Find the clearance prices at which products leave the shelf.

    Without quantities the usual filter (price and turnover fall together) cannot be applied; what is known is
    that the product was not seen again.

    Parameters
    ----------
    daily
        Result of `daily_prices`.
    share
        A price of at most this share of the median price before the last days is a dump price ...
    last_days
        ... from some day on, of the last so many before the product was seen for the last time ...
    gone_days
        ... if its retailer's item was collected so much longer without it.
    leaving_share
        Where more than this share of an item's products, and more than two, were last seen on one day, the
        shelf was lost and not the products.

    Returns
    -------
    DataFrame
        ``retailer``, ``item_id``, ``product_id``, ``collected_on`` of the flagged days.

    References
    ----------
    .. [1] K. Van Loon and D. Roels, "Integrating big data in the Belgian CPI", UNECE 2018.
    .. [2] A. Chessa, J. Verburg and L. Willenborg, "A comparison of price index methods for scanner data", 2017.
    """
    last_seen = pl.col("collected_on").max().over(PRODUCT)
    products = daily.group_by(PRODUCT).agg(last=pl.col("collected_on").max())
    leaving = pl.len().over("retailer", "item_id", "last")
    lost = products.filter((leaving > 2) & (leaving > leaving_share * pl.len().over("retailer", "item_id")))
    ends = (
        daily.with_columns(
            last_seen=last_seen,
            collected_until=pl.col("collected_on").max().over("retailer", "item_id"),
            at_the_end=pl.col("collected_on") > last_seen - pl.duration(days=last_days),
        )
        .filter(pl.col("last_seen") + pl.duration(days=gone_days) <= pl.col("collected_until"))
        .join(lost, on=PRODUCT, how="anti")
    )
    return (
        ends.with_columns(
            usual=pl.col("price").filter(~pl.col("at_the_end")).median().over(PRODUCT),
            highest_from_here=pl.col("price").cum_max(reverse=True).over(PRODUCT, order_by="collected_on"),
        )
        .filter("at_the_end", pl.col("highest_from_here") <= share * pl.col("usual"))
        .select(*PRODUCT, "collected_on")
    )


def dump_prices_by_turnover(
    months: pl.DataFrame, *, price_falls_to: float = 0.6, turnover_falls_to: float = 0.2
) -> pl.DataFrame:
    """Find dump prices where quantities are known: price and turnover fall together from one period to the next.

    Parameters
    ----------
    months
        ``product``, ``period``, ``price``, ``quantity``; one row a product and period.
    price_falls_to, turnover_falls_to
        Shares of the period before at or below which both have to fall.

    Returns
    -------
    DataFrame
        ``product``, ``period`` of the flagged rows.
    """
    turnover = pl.col("price") * pl.col("quantity")
    return (
        as_floats(months, "price", "quantity")
        .sort("product", "period")
        .filter(
            (pl.col("price") <= price_falls_to * pl.col("price").shift()).over("product"),
            (turnover <= turnover_falls_to * turnover.shift()).over("product"),
        )
        .select("product", "period")
    )
