"""`price_index`, which runs one of the methods by its name."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from ons_assets.prices.indices import splicing
from ons_assets.prices.indices.bilateral import FORMULAS
from ons_assets.prices.indices.chaining import CHAINS, year_of
from ons_assets.prices.indices.geks import WindowLevels
from ons_assets.prices.indices.hedonic import choose_features
from ons_assets.prices.indices.links import pair_link
from ons_assets.prices.indices.panel import FloatArray, Panel, make_panel
from ons_assets.prices.indices.registry import MULTILATERAL, NEED_FEATURES, SPECIAL
from ons_assets.prices.indices.series import NO_CHAIN, Levels, base_position, to_frame
from ons_assets.wording import no_such

EXTENSIONS = (*splicing.SPLICES, "expanding", "fixed-base-expanding", "fixed-base-moving")


def price_index(
    quotes: pl.DataFrame | pl.LazyFrame,
    method: str,
    *,
    base: Any = None,
    window: int | None = None,
    splice: str | None = None,
    chain: str | None = None,
    periods: Sequence[Any] | pl.Series | None = None,
    weight_period: Any = None,
    carry: bool = False,
    min_matched: int = 1,
    features: Sequence[str] | None = None,
    **parameters: float,
) -> pl.DataFrame:
    """Compute a price index by a named method.

    Parameters
    ----------
    quotes
        Columns ``period`` (dates, or codes that sort in time), ``product``, ``price`` (any one currency)
        and, for weighted methods, ``quantity``. Several quotes of a product in a period become one price:
        the unit value where there are quantities, else the geometric mean.
    method
        A name from `methods`; ``"chained-"`` before a bilateral name is short for ``chain="chained"``.
    base
        Period whose index is 100; by default the first period with a price.
    window
        Multilateral methods only: length of the rolling window in periods. None compares all periods at
        once, so that a new period revises the whole series.
    splice
        Multilateral methods only: how the series is extended. "movement", "window", "half", "mean" (the
        default with a window), "window-published", "half-published", "mean-published",
        "fixed-base-moving"; without a window "expanding" and "fixed-base-expanding".
    chain
        Bilateral methods only: "fixed-base" (the default), "chained", "period-on-period" or "january"
        (fixed base within a year, years chained at their first period).
    periods
        All periods that the result must show; by default those of the quotes.
    weight_period
        For "lowe", "young", "geometric-young" and "hybrid": the period whose quantities (and prices) are
        the weights; by default the base. Only products with a price in that period take part.
    carry
        Fill the gaps between two prices of a product with the earlier price, at quantity zero.
    min_matched
        Indices that rest on fewer matched products are left out.
    features
        "clip" and the hedonic methods only: columns that describe the products, by default all others of the
        quotes; ``"log(column)"`` is a logarithm.
    **parameters
        ``sigma`` for "lloyd-moulton", ``order`` for "quadratic-mean".

    Returns
    -------
    Frame with one row a period: ``period``, ``index`` (null where it cannot be computed),
    ``matched_products`` and ``reason`` (why the index is null).

        - fixed-base: products matched with the base period,
        - chained, period-on-period, january: products matched with the period of comparison,
        - multilateral: products of the period that also have a price in another period of the window,
        - hedonic: products of the period whose features are known.

    Raises
    ------
    ValueError
        If a name is unknown, an option does not belong to the method, a column is missing, or `base` is
        not a period of the quotes.

    Examples
    --------
    >>> import polars as pl
    >>> quotes = pl.DataFrame({"period": [1, 1, 2, 2], "product": ["a", "b", "a", "b"],
    ...                        "price": [1.0, 2.0, 1.1, 2.2]})
    >>> price_index(quotes, "jevons")["index"].round(6).to_list()
    [100.0, 110.0]
    """
    panel = make_panel(quotes, periods=periods, carry=carry, with_features=method in NEED_FEATURES)
    return index_of_panel(
        panel,
        method,
        base=base,
        window=window,
        splice=splice,
        chain=chain,
        weight_period=weight_period,
        min_matched=min_matched,
        features=features,
        **parameters,
    )


def index_of_panel(
    panel: Panel,
    method: str,
    *,
    base: Any = None,
    window: int | None = None,
    splice: str | None = None,
    chain: str | None = None,
    weight_period: Any = None,
    min_matched: int = 1,
    features: Sequence[str] | None = None,
    **parameters: float,
) -> pl.DataFrame:
    """Compute a price index of quotes that are laid out already; see `price_index`.

    Several methods on the same quotes need one panel only.

    Parameters
    ----------
    panel
        Quotes, laid out by product and period.
    method
        Name of a formula or of a multilateral method.
    base
        Period that is 100; None is the first with a price.
    window
        Periods in the window of a multilateral method; None takes all of them.
    splice
        How a window is linked to the ones before it.
    chain
        How the links of a bilateral formula are chained.
    weight_period
        Period of the quantities, for the formulas that need one; None is the base.
    min_matched
        Products in common below which an index is null.
    features
        Columns that describe the products, for the methods that need some; None takes all.
    **parameters
        Numbers of single methods, by their names.
    """
    formula = method.removeprefix("chained-")
    if formula in FORMULAS and formula != method:
        if chain is not None:
            raise ValueError(f"{method!r} says how it is chained; with chain the method is {formula!r}")
        method, chain = formula, "chained"
    _check_options(method, window, splice, chain, weight_period, parameters)
    if features is not None:
        if method not in NEED_FEATURES:
            raise ValueError(f"features do not apply to {method!r}")
        panel = choose_features(panel, features)
    position = base_position(panel, base)
    if position is None:
        levels = Levels(np.full(panel.n_periods, np.nan), np.zeros(panel.n_periods, dtype=int), NO_CHAIN)
    elif method in FORMULAS:
        weights = None
        if FORMULAS[method].needs_weight_period:
            weights = position if weight_period is None else base_position(panel, weight_period, "weight_period")
        link = pair_link(panel, method, weight_period=weights, **parameters)
        levels = CHAINS[chain or "fixed-base"](panel, link, position)
    elif method in SPECIAL:
        levels = SPECIAL[method].levels(panel, position)
    else:
        levels = _multilateral(panel, method, window, splice)
    return to_frame(panel, levels, position, min_matched)


def _multilateral(panel: Panel, method: str, window: int | None, splice: str | None) -> Levels:
    entry = MULTILATERAL[method]
    log_level = extended(panel, entry.windows(panel), window, splice or entry.only_splice)
    return Levels(log_level, entry.matched(panel, window or panel.n_periods), entry.undefined)


def extended(panel: Panel, window_levels: WindowLevels, window: int | None, splice: str | None) -> FloatArray:
    """Return the log levels of all periods, made of the levels of windows as `price_index` says.

    Parameters
    ----------
    panel
        Gives the number of periods, and their years.
    window_levels
        Gives the log levels of any window.
    window, splice
        As for `price_index`; without a window and a splice all periods are one window.
    """
    n_periods = panel.n_periods
    if splice == "expanding":
        return splicing.expanding(n_periods, window_levels)
    if splice == "fixed-base-expanding":
        return splicing.fixed_base_expanding(n_periods, _year_ends(panel), window_levels)
    if window is None:
        return window_levels(0, n_periods)
    if splice == "fixed-base-moving":
        return splicing.fixed_base_moving(n_periods, _year_ends(panel), window, window_levels)
    return splicing.rolling(n_periods, window, splice or "mean", window_levels)


def _year_ends(panel: Panel) -> list[int]:
    """Return the link periods of the fixed base methods: the first period, and the last of each year."""
    year = year_of(panel.periods)
    return sorted({0, *np.flatnonzero(np.diff(year)).tolist()})


def _check_names(method: str, splice: str | None, chain: str | None) -> None:
    names = [*FORMULAS, *MULTILATERAL, *SPECIAL]
    if method not in names:
        raise ValueError(no_such("method", method, names))
    if chain is not None and chain not in CHAINS:
        raise ValueError(no_such("chain", chain, CHAINS))
    if splice is not None and splice not in EXTENSIONS:
        raise ValueError(no_such("splice", splice, EXTENSIONS))


def _check_options(
    method: str,
    window: int | None,
    splice: str | None,
    chain: str | None,
    weight_period: Any,
    parameters: dict[str, float],
) -> None:
    _check_names(method, splice, chain)
    if chain is not None and method not in FORMULAS:
        raise ValueError(f"chain does not apply to {method!r}: it is for bilateral methods")
    if (window is not None or splice is not None) and method not in MULTILATERAL:
        raise ValueError(f"window and splice do not apply to {method!r}: they are for multilateral methods")
    if window is not None and window < 2:
        raise ValueError("window must be at least 2 periods")
    if weight_period is not None and not (method in FORMULAS and FORMULAS[method].needs_weight_period):
        raise ValueError(f"weight_period does not apply to {method!r}")
    only_splice = MULTILATERAL[method].only_splice if method in MULTILATERAL else None
    if only_splice and (window is None or splice not in (None, only_splice)):
        raise ValueError(f"method {method!r} takes a window and no splice but {only_splice!r}")
    without_window = splice in ("expanding", "fixed-base-expanding")
    if splice is not None and without_window == (window is not None):
        raise ValueError(f"splice {splice!r} takes {'no' if without_window else 'a'} window")
    wanted = {FORMULAS[method].parameter} - {None} if method in FORMULAS else set()
    if wanted != set(parameters):
        needed = ", ".join(sorted(str(name) for name in wanted)) or "no parameter"
        raise ValueError(f"method {method!r} takes {needed}, not {', '.join(parameters) or 'none'}")
