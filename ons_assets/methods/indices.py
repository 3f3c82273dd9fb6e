"""`price_index`: an index of prices by a named method."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from ons_assets.methods.arguments import held
from ons_assets.methods.frames import Frame, known, names, none_is, numbers, taken
from ons_assets.methods.periods import of_periods, sorted_in_time
from ons_assets.prices import indices
from ons_assets.prices.indices.hedonic import column_of
from ons_assets.prices.indices.registry import NEED_FEATURES
from ons_assets.wording import listed

QUOTES = "quotes"
NEEDED = ("period", "product", "price")
# Of what the index is made, and what it gives: neither can be a group as well.
NO_GROUPS = (*NEEDED, "quantity", "index", "matched_products", "reason")


def price_index(
    quotes: Frame,
    method: str,
    *,
    by: str | Sequence[str] | None = None,
    base: Any = None,
    window: int | None = None,
    splice: str | None = None,
    chain: str | None = None,
    periods: Sequence[Any] | pl.Series | None = None,
    weight_period: Any = None,
    carry: bool = False,
    min_matched: int = 1,
    features: Sequence[str] | None = None,
    sigma: float | None = None,
    order: float | None = None,
) -> pl.DataFrame:
    """Compute a price index by a named method: bilateral, multilateral, hedonic or of the pilot.

    Parameters
    ----------
    quotes
        A frame with the columns

        - ``period``: dates, or codes that sort in time, such as ``"2024-03"``; ``"Mar 2024"`` does not;
        - ``product``: what is followed from period to period;
        - ``price``: above 0, in any one currency;
        - ``quantity``, for weighted methods: units sold, 0 or more. A row of quantity 0 is left out.

        Several rows of a product in a period become one price: turnover divided by quantity where there are
        quantities, else the geometric mean.
    method
        Such as ``"jevons"``, ``"dutot"``, ``"carli"``, ``"fisher"``, ``"tornqvist"``, ``"geks-jevons"``,
        ``"geks-fisher"``, ``"geks-tornqvist"``, ``"tpd"``, ``"geary-khamis"`` or ``"clip"``; a name that is not
        known is refused, with those there are. ``"chained-"`` before a bilateral name is short for
        ``chain="chained"``.
    by
        Column or columns, such as ``"item"``, of whose every value an index of its own is made, over the periods of
        all of them; None for one index of all products.
    base
        Period whose index is 100; by default the first with a price.
    window
        Of multilateral methods: length of the rolling window, in periods. Without one all periods are compared at
        once, and a new period revises the whole series.
    splice
        Of multilateral methods: how the series is extended: ``"mean"`` (the default with a window), ``"movement"``,
        ``"window"``, ``"half"``, ``"window-published"``, ``"half-published"``, ``"mean-published"``,
        ``"fixed-base-moving"``; without a window ``"expanding"`` and ``"fixed-base-expanding"``.
    chain
        Of bilateral methods: ``"fixed-base"`` (the default), ``"chained"``, ``"period-on-period"`` or ``"january"``.
    periods
        All periods that the index must show; by default those of the quotes.
    weight_period
        Of ``"lowe"``, ``"young"``, ``"geometric-young"`` and ``"hybrid"``: the period whose quantities are the
        weights; by default the base.
    carry
        Fill the gaps between two prices of a product with the earlier one, at quantity 0.
    min_matched
        An index that rests on fewer matched products is left out.
    features
        Of ``"clip"`` and the hedonic methods: columns that describe the products; by default all others.
        ``"log(column)"`` is a logarithm.
    sigma
        Of ``"lloyd-moulton"``: elasticity of substitution.
    order
        Of ``"quadratic-mean"``: its order.

    Returns
    -------
    polars.DataFrame
        The columns of `by`, ``period``, ``index`` (100 in the base; null where it cannot be computed),
        ``matched_products`` and ``reason`` (why the index is null); a row for each period, sorted.

    Raises
    ------
    TypeError
        If `quotes` is no frame.
    ValueError
        If a column is missing, of the wrong type or not known in every row; if a price is not above 0 or a quantity
        below; if there are no rows; if periods do not sort in time; if an argument is not of its type, a name is
        unknown, or an option does not belong to the method.

    See Also
    --------
    docs/methods/price_indices.md : The methods, and what they were held against.

    References
    ----------
    Consumer Price Index Manual: Concepts and Methods (IMF and others, 2020), chapters 6 to 10.
    Ivancic, Diewert and Fox (2011), "Scanner data, time aggregation and the construction of price indexes", Journal
    of Econometrics 161, for GEKS with a rolling window.

    Examples
    --------
    >>> import ons_assets
    >>> import polars as pl
    >>> quotes = pl.DataFrame({
    ...     "period": ["2024-01", "2024-01", "2024-02", "2024-02"],
    ...     "product": ["tea", "milk", "tea", "milk"],
    ...     "price": [2.00, 1.00, 2.20, 1.10],
    ...     "quantity": [10, 40, 9, 41],
    ... })
    >>> ons_assets.price_index(quotes, "geks-tornqvist")["index"].round(6).to_list()
    [100.0, 110.0]
    """
    options: dict[str, Any] = {
        "window": window,
        "splice": splice,
        "chain": chain,
        "carry": carry,
        "min_matched": min_matched,
        "features": features,
    }
    held(price_index, method=method, by=by, periods=periods, sigma=sigma, order=order, **options)
    if min_matched < 0:
        raise ValueError("min_matched must be at least 0")
    groups = [] if by is None else names(by)
    if taken_names := [name for name in groups if name in NO_GROUPS]:
        raise ValueError(f"by cannot be {listed(taken_names)}, of which an index is made or which it gives")
    frame = known(taken(quotes, QUOTES, (*NEEDED, *groups)), QUOTES, (*NEEDED, *groups))
    if method in NEED_FEATURES:
        frame = _described(frame, features)
    frame = numbers(frame, QUOTES, ("price",))
    none_is(frame["price"] <= 0, QUOTES, "not above 0")
    if "quantity" in frame.columns:
        frame = numbers(known(frame, QUOTES, ("quantity",)), QUOTES, ("quantity",))
        none_is(frame["quantity"] < 0, QUOTES, "negative")
    shown = frame["period"] if periods is None else of_periods("periods", periods, frame["period"])
    sorted_in_time(shown if periods is None else pl.concat([frame["period"], shown]))
    for name, value in (("base", base), ("weight_period", weight_period)):
        options[name] = None if value is None else of_periods(name, [value], frame["period"])[0]
    options |= {name: float(value) for name, value in (("sigma", sigma), ("order", order)) if value is not None}
    if not groups:
        return indices.price_index(frame, method, periods=shown, **options)
    made = [
        part.select(groups)
        .head(1)
        .join(indices.price_index(part.drop(groups), method, periods=shown, **options), how="cross")
        for part in frame.partition_by(groups)
    ]
    return pl.concat(made).sort(*groups, "period")


def _described(frame: pl.DataFrame, features: Sequence[str] | None) -> pl.DataFrame:
    """Return the frame if the columns that describe products are such as can: by default all others."""
    others = [name for name in frame.columns if name not in (*NEEDED, "quantity")]
    columns = others if features is None else [column_of(name) for name in features]
    frame = taken(frame, QUOTES, columns)
    numeric = [name for name in columns if frame[name].dtype.is_numeric()]
    return numbers(frame, QUOTES, numeric) if numeric else frame
