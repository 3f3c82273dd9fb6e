"""From log index levels to the table that every method returns."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ons_assets.prices.indices.panel import FloatArray, IntArray, Panel

NO_PRICE = "no positive price in this period"
NO_MATCH_WITH_BASE = "no product matched with the base period"
NO_MATCH_WITH_PREVIOUS = "no product matched with the previous period"
NO_CHAIN = "no chain of matched products from the base period"
NOT_IDENTIFIED = "features and prices do not determine this period against the base period"
NOT_IN_BASKET = "no product of the base year's basket has a price in this period"
NO_BASE = "no index in the base period"
TOO_FEW_MATCHED = "fewer matched products than the minimum"


@dataclass(frozen=True)
class Levels:
    """Levels of an index on a logarithmic scale, before the base is set to 100.

    Attributes
    ----------
    log_level : (T,)
        Logarithm of the index up to a constant; NaN where there is none.
    matched : (T,)
        Number of products that link the period; each method says with what.
    undefined : str
        Why a period with prices has no level.
    rebase : bool
        False where the levels are not a series (period on period): they are then ratios already.
    """

    log_level: FloatArray
    matched: IntArray
    undefined: str
    rebase: bool = True


def base_position(panel: Panel, base: Any, name: str = "base") -> int | None:
    """Return the number of the base period: the one asked for, else the first that has a price.

    Parameters
    ----------
    panel
        Quotes, laid out by product and period.
    base
        A period, or None.
    name
        What the period is called where it is asked for.

    Raises
    ------
    ValueError
        If the base asked for is not a period of the quotes.
    """
    if base is None:
        with_price = np.flatnonzero(panel.products_in_period)
        return int(with_price[0]) if len(with_price) else None
    position = panel.periods.index_of(base)
    if position is None:
        raise ValueError(f"{name} {base!r} is not a period of the quotes")
    return position


def to_frame(panel: Panel, levels: Levels, base: int | None, min_matched: int) -> pl.DataFrame:
    """Set the base to 100 and give every missing value its reason.

    Parameters
    ----------
    panel
        Quotes, laid out by product and period.
    levels
        Log level of each period, its matched products, and why a level is missing.
    base
        Number of the period that is 100; None leaves everything that needs one null.
    min_matched
        Products in common below which an index is null, except at the base.

    Returns
    -------
    Frame with ``period``, ``index`` (100 at the base, null where undefined), ``matched_products`` and
    ``reason`` (null where there is an index).
    """
    too_few = (levels.matched < min_matched) & (np.arange(panel.n_periods) != base)
    log_level = np.where(too_few, np.nan, levels.log_level)
    origin = 0.0
    if levels.rebase:
        origin = np.nan if base is None else log_level[base]
    index = 100 * np.exp(log_level - origin)
    reason = np.select(
        [
            np.isfinite(index),
            panel.products_in_period == 0,
            np.isnan(levels.log_level),
            too_few,
        ],
        ["", NO_PRICE, levels.undefined, TOO_FEW_MATCHED],
        default=NO_BASE,
    )
    return pl.DataFrame(
        {
            "period": panel.periods,
            "index": pl.Series(index).fill_nan(None),
            "matched_products": pl.Series(levels.matched).cast(pl.Int64),
            "reason": pl.Series(reason.tolist(), dtype=pl.String).replace("", None),
        }
    )
