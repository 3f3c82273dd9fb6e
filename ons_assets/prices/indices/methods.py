"""The methods by name, and `price_index`, which runs one of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from ons_assets.prices.indices import geks, splicing
from ons_assets.prices.indices.bilateral import FORMULAS
from ons_assets.prices.indices.chaining import CHAINS, chained_last_price, year_of
from ons_assets.prices.indices.clip import clip
from ons_assets.prices.indices.geary_khamis import geary_khamis_windows
from ons_assets.prices.indices.geks import WindowLevels
from ons_assets.prices.indices.links import all_links, pair_link
from ons_assets.prices.indices.panel import IntArray, Panel, make_panel
from ons_assets.prices.indices.retrospective import diewert_huwiler_kohli_hansen
from ons_assets.prices.indices.series import NO_CHAIN, Levels, base_position, to_frame
from ons_assets.prices.indices.tpd import tpd_windows
from ons_assets.prices.indices.unit_value import unit_value


@dataclass(frozen=True)
class Multilateral:
    """A method that compares all periods of a window at once."""

    windows: Callable[[Panel], WindowLevels]
    summary: str
    needs_quantity: bool = True
    only_splice: str | None = None


@dataclass(frozen=True)
class Special:
    """A method with a series of its own, which takes neither chain nor window nor splice."""

    levels: Callable[[Panel, int], Levels]
    summary: str
    needs_quantity: bool = False


def _geks(formula: str) -> Callable[[Panel], WindowLevels]:
    return lambda panel: geks.geks_windows(all_links(panel, formula))


def _pilot_geks(panel: Panel, base: int) -> Levels:
    del base  # the pilot's base is always the first period with prices
    present = np.flatnonzero(panel.products_in_period)
    log_level = np.full(panel.n_periods, np.nan)
    log_level[present] = geks.pilot_geks_levels(all_links(panel, "jevons")[np.ix_(present, present)])
    return Levels(log_level, products_linked(panel, panel.n_periods), NO_CHAIN)


MULTILATERAL: dict[str, Multilateral] = {
    "geks-jevons": Multilateral(_geks("jevons"), "GEKS of Jevons indices.", needs_quantity=False),
    "geks-fisher": Multilateral(_geks("fisher"), "GEKS of Fisher indices."),
    "geks-tornqvist": Multilateral(_geks("tornqvist"), "GEKS of Törnqvist indices (CCDI)."),
    "geks-walsh": Multilateral(_geks("walsh"), "GEKS of Walsh indices."),
    "geks-laspeyres": Multilateral(_geks("laspeyres"), "GEKS of Laspeyres indices."),
    "geks-geometric-laspeyres": Multilateral(_geks("geometric-laspeyres"), "GEKS of geometric Laspeyres indices."),
    "geks-bilateral-tpd": Multilateral(_geks("bilateral-tpd"), "GEKS of bilateral time product dummies."),
    "tpd": Multilateral(partial(tpd_windows, weighted=True), "Time product dummy, weighted by expenditure shares."),
    "tpd-unweighted": Multilateral(
        partial(tpd_windows, weighted=False), "Time product dummy, unweighted.", needs_quantity=False
    ),
    "geary-khamis": Multilateral(geary_khamis_windows, "Geary-Khamis."),
    "fews": Multilateral(
        partial(tpd_windows, weighted=True),
        "Fixed effects window splice: time product dummy, extended by the window splice (Krsinich, 2016).",
        only_splice="window",
    ),
}

SPECIAL: dict[str, Special] = {
    "geks-jevons-pilot": Special(
        _pilot_geks, "GEKS-Jevons of the 2014 to 2016 pilot: expanding window without the direct links."
    ),
    "chained-jevons-pilot": Special(
        chained_last_price, "Chained daily index of the 2014 to 2016 pilot: links to each product's last price."
    ),
    "clip": Special(clip, "Clustering large data sets into price indices (CLIP)."),
    "clip-pilot": Special(
        partial(clip, as_in_pilot=True), "CLIP of the 2014 to 2016 pilot: shrunken groups count as unchanged."
    ),
    "unit-value": Special(unit_value, "Turnover divided by quantity.", needs_quantity=True),
    "diewert-huwiler-kohli-hansen": Special(
        diewert_huwiler_kohli_hansen,
        "Retrospective index between a first and a last period with quantities.",
        needs_quantity=True,
    ),
}

NEED_FEATURES = ("clip", "clip-pilot")
EXTENSIONS = (*splicing.SPLICES, "expanding", "fixed-base-expanding", "fixed-base-moving")


def methods() -> pl.DataFrame:
    """List the methods.

    Returns
    -------
    Frame with ``method``, ``family`` (bilateral, multilateral or special), ``needs_quantity`` and
    ``summary``.
    """
    families: dict[str, dict[str, Any]] = {
        "bilateral": FORMULAS,
        "multilateral": MULTILATERAL,
        "special": SPECIAL,
    }
    return pl.DataFrame(
        [
            (name, family, entry.needs_quantity, entry.summary)
            for family, entries in families.items()
            for name, entry in entries.items()
        ],
        schema=["method", "family", "needs_quantity", "summary"],
        orient="row",
    )


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
    **parameters
        ``sigma`` for "lloyd-moulton", ``order`` for "quadratic-mean".

    Returns
    -------
    Frame with one row a period: ``period``, ``index`` (null where it cannot be computed),
    ``matched_products`` and ``reason`` (why the index is null).

        - fixed-base: products matched with the base period,
        - chained, period-on-period, january: products matched with the period of comparison,
        - multilateral: products of the period that also have a price in another period of the window.

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
    **parameters
        Numbers of single methods, by their names.
    """
    if method.removeprefix("chained-") in FORMULAS and method.startswith("chained-") and chain is None:
        method, chain = method.removeprefix("chained-"), "chained"
    _check_options(method, window, splice, chain, weight_period, parameters)
    position = base_position(panel, base)
    if position is None:
        levels = Levels(np.full(panel.n_periods, np.nan), np.zeros(panel.n_periods, dtype=int), NO_CHAIN)
    elif method in FORMULAS:
        weights = None
        if FORMULAS[method].needs_weight_period:
            weights = position if weight_period is None else base_position(panel, weight_period)
        link = pair_link(panel, method, weight_period=weights, **parameters)
        levels = CHAINS[chain or "fixed-base"](panel, link, position)
    elif method in SPECIAL:
        levels = SPECIAL[method].levels(panel, position)
    else:
        levels = _multilateral(panel, method, window, splice)
    return to_frame(panel, levels, position, min_matched)


def products_linked(panel: Panel, window: int) -> IntArray:
    """Count, for each period, the products that also have a price less than `window` periods away."""
    gap = np.diff(panel.period)
    same_product = np.diff(panel.product) == 0
    near = same_product & (gap < window)
    linked = np.append(near, False) | np.insert(near, 0, False) if len(panel.period) else near
    return np.bincount(panel.period[linked], minlength=panel.n_periods)


def _multilateral(panel: Panel, method: str, window: int | None, splice: str | None) -> Levels:
    entry = MULTILATERAL[method]
    window_levels = entry.windows(panel)
    n_periods = panel.n_periods
    if splice == "expanding":
        log_level = splicing.expanding(n_periods, window_levels)
    elif splice == "fixed-base-expanding":
        log_level = splicing.fixed_base_expanding(n_periods, _year_ends(panel), window_levels)
    elif splice == "fixed-base-moving":
        assert window is not None  # checked with the options
        log_level = splicing.fixed_base_moving(n_periods, _year_ends(panel), window, window_levels)
    elif window is not None:
        log_level = splicing.rolling(n_periods, window, splice or entry.only_splice or "mean", window_levels)
    else:
        log_level = window_levels(0, n_periods)
    return Levels(log_level, products_linked(panel, window or n_periods), NO_CHAIN)


def _year_ends(panel: Panel) -> list[int]:
    """Return the link periods of the fixed base methods: the first period, and the last of each year."""
    year = year_of(panel.periods)
    return sorted({0, *np.flatnonzero(np.diff(year)).tolist()})


def _check_names(method: str, splice: str | None, chain: str | None) -> None:
    names = [*FORMULAS, *MULTILATERAL, *SPECIAL]
    if method not in names:
        close = get_close_matches(str(method), names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"unknown method {method!r}.{hint} Methods: {', '.join(names)}")
    if chain is not None and chain not in CHAINS:
        raise ValueError(f"unknown chain {chain!r}. Chains: {', '.join(CHAINS)}")
    if splice is not None and splice not in EXTENSIONS:
        raise ValueError(f"unknown splice {splice!r}. Splices: {', '.join(EXTENSIONS)}")


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
