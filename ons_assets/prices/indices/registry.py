"""The methods by name: what each needs, what it computes, and what it is said to be."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from ons_assets.prices.indices import geks
from ons_assets.prices.indices.bilateral import FORMULAS
from ons_assets.prices.indices.chaining import chained_last_price
from ons_assets.prices.indices.clip import clip
from ons_assets.prices.indices.geary_khamis import geary_khamis_windows
from ons_assets.prices.indices.geks import WindowLevels
from ons_assets.prices.indices.hedonic import described_products, tdh_windows
from ons_assets.prices.indices.links import all_links
from ons_assets.prices.indices.panel import IntArray, Panel
from ons_assets.prices.indices.retrospective import diewert_huwiler_kohli_hansen
from ons_assets.prices.indices.seasonal import annual_basket, rothwell
from ons_assets.prices.indices.series import NO_CHAIN, NOT_IDENTIFIED, Levels
from ons_assets.prices.indices.similarity import REAL_TIME, SPANNING_TREES
from ons_assets.prices.indices.tpd import tpd_windows
from ons_assets.prices.indices.unit_value import unit_value


def products_linked(panel: Panel, window: int) -> IntArray:
    """Count, for each period, the products that also have a price less than `window` periods away."""
    gap = np.diff(panel.period)
    same_product = np.diff(panel.product) == 0
    near = same_product & (gap < window)
    linked = np.append(near, False) | np.insert(near, 0, False) if len(panel.period) else near
    return np.bincount(panel.period[linked], minlength=panel.n_periods)


@dataclass(frozen=True)
class Multilateral:
    """A method that compares all periods of a window at once.

    Attributes
    ----------
    windows
        Makes the function that gives the log levels of any window.
    summary
        One sentence for the list of methods.
    needs_quantity, needs_features
        Whether the quotes must have quantities, or columns that describe the products.
    only_splice
        The one splice that the method is defined with; None takes any.
    matched
        Counts, for each period, the products that an index rests on, given the length of the window.
    undefined
        Why a period with prices has no level.
    """

    windows: Callable[[Panel], WindowLevels]
    summary: str
    needs_quantity: bool = True
    needs_features: bool = False
    only_splice: str | None = None
    matched: Callable[[Panel, int], IntArray] = products_linked
    undefined: str = NO_CHAIN


@dataclass(frozen=True)
class Special:
    """A method with a series of its own, which takes neither chain nor window nor splice."""

    levels: Callable[[Panel, int], Levels]
    summary: str
    needs_quantity: bool = False
    needs_features: bool = False


def _geks(formula: str) -> Callable[[Panel], WindowLevels]:
    return lambda panel: geks.geks_windows(all_links(panel, formula))


def _hedonic(summary: str, *, weighted: bool) -> Multilateral:
    return Multilateral(
        partial(tdh_windows, weighted=weighted),
        summary,
        needs_quantity=weighted,
        needs_features=True,
        matched=described_products,
        undefined=NOT_IDENTIFIED,
    )


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
    "tdh": _hedonic("Time dummy hedonic, weighted by expenditure shares.", weighted=True),
    "tdh-unweighted": _hedonic("Time dummy hedonic, unweighted.", weighted=False),
    "geary-khamis": Multilateral(geary_khamis_windows, "Geary-Khamis."),
    "fews": Multilateral(
        partial(tpd_windows, weighted=True),
        "Fixed effects window splice: time product dummy, extended by the window splice (Krsinich, 2016).",
        only_splice="window",
    ),
    **{
        f"spanning-tree-{measure}": Multilateral(
            windows, f"Fisher indices along the minimum spanning tree of the periods, by the measure {measure} (Hill)."
        )
        for measure, windows in SPANNING_TREES.items()
    },
}

SPECIAL: dict[str, Special] = {
    "geks-jevons-pilot": Special(
        _pilot_geks, "GEKS-Jevons of the 2014 to 2016 pilot: expanding window without the direct links."
    ),
    "chained-jevons-pilot": Special(
        chained_last_price, "Chained daily index of the 2014 to 2016 pilot: links to each product's last price."
    ),
    "clip": Special(clip, "Clustering large data sets into price indices (CLIP).", needs_features=True),
    "clip-pilot": Special(
        partial(clip, as_in_pilot=True),
        "CLIP of the 2014 to 2016 pilot: shrunken groups count as unchanged.",
        needs_features=True,
    ),
    "unit-value": Special(unit_value, "Turnover divided by quantity.", needs_quantity=True),
    "diewert-huwiler-kohli-hansen": Special(
        diewert_huwiler_kohli_hansen,
        "Retrospective index between a first and a last period with quantities.",
        needs_quantity=True,
    ),
    "rothwell": Special(
        rothwell, "Rothwell index of seasonal products: baskets of the months of the base year.", needs_quantity=True
    ),
    "annual-basket": Special(
        partial(annual_basket, out_of_season="estimate"),
        "Basket of the base year; prices out of season move with the others.",
        needs_quantity=True,
    ),
    "annual-basket-carry": Special(
        partial(annual_basket, out_of_season="carry"),
        "Basket of the base year; prices out of season are carried forward.",
        needs_quantity=True,
    ),
    **{
        f"similarity-{measure}": Special(
            levels, f"Fisher index to the most similar earlier period, by the measure {measure}.", needs_quantity=True
        )
        for measure, levels in REAL_TIME.items()
    },
}

NEED_FEATURES = tuple(
    name for entries in (MULTILATERAL, SPECIAL) for name, entry in entries.items() if entry.needs_features
)


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
