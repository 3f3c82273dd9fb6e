"""Prices that stand still for longer than prices do."""

import polars as pl

from ons_assets.parameters.collection import CollectionParameters
from ons_assets.prices.collection.counts import DAY, RUN


def stuck_runs(items: pl.DataFrame, chosen: pl.DataFrame, parameters: CollectionParameters) -> pl.DataFrame:
    """Find the days that end a streak of identical runs too long to be chance.

    Two collected days are identical when their chosen runs have the same set of (item, product, price). With a
    share p of identical neighbouring days before the streak, a streak of L days has chance p^(L-1); p is estimated
    as (identical + 1/2) / (pairs + 1), the mean under the Jeffreys prior [1]_, so that "never seen" is not
    "impossible". p is of the days up to two windows before the streak, however long it lasts: a fault that goes on is
    not what is usual.

    Parameters
    ----------
    items : DataFrame
        Result of `counts.count_items`.
    chosen : DataFrame
        Result of `counts.choose_runs`.
    parameters : CollectionParameters
        Window, least history, least streak and chance.

    Returns
    -------
    DataFrame
        `retailer`, `run`, `day`, `finding`, `evidence`.

    References
    ----------
    .. [1] L. D. Brown, T. T. Cai and A. DasGupta, "Interval estimation for a binomial proportion", Statistical
       Science 16(2), 101-133, 2001.
    """
    window = parameters.window_days

    def first_row_within(days: int) -> pl.Expr:
        return pl.col("row").rolling_min_by("day", window_size=f"{days}d").over("retailer")

    def same_as_before(column: str) -> pl.Expr:
        return (pl.col(column) == pl.col(column).shift().over("retailer")).fill_null(False)

    return (
        items.join(chosen, on=[*DAY, "run"])
        .group_by(*RUN, "day")
        .agg(pl.col("prices").sum(), fingerprint=pl.struct("item_id", "fingerprint").hash().bitwise_xor())
        .sort("retailer", "day")
        .with_columns(
            row=pl.int_range(pl.len(), dtype=pl.Int64),
            same=same_as_before("prices") & same_as_before("fingerprint"),
        )
        .with_columns(
            start=pl.when(~pl.col("same")).then("row").forward_fill(),
            past_start=first_row_within(2 * window),
            same_so_far=pl.col("same").cast(pl.Int64).cum_sum(),
        )
        .with_columns(past_start=pl.col("past_start").gather(pl.col("start")))
        .with_columns(
            streak=pl.col("row") - pl.col("start") + 1,
            pairs=pl.col("start") - pl.col("past_start"),
            identical=pl.col("same_so_far").gather(pl.col("start"))
            - pl.col("same_so_far").gather(pl.col("past_start")),
        )
        .with_columns(still=(pl.col("identical") + 0.5) / (pl.col("pairs") + 1))
        .filter(
            pl.col("streak") >= parameters.stuck_days,
            pl.col("pairs") >= parameters.minimum_history_days,
            pl.col("still") ** (pl.col("streak") - 1) <= parameters.stuck_chance,
        )
        .select(
            *RUN,
            "day",
            finding=pl.lit("stuck"),
            evidence=pl.format(
                "The same {} prices on {} collected days in a row; {} of {} days before kept their prices.",
                "prices",
                "streak",
                "identical",
                "pairs",
            ),
        )
    )
