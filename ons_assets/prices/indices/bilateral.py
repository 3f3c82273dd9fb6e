"""Bilateral index formulas: the products of two periods in, one ratio out."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ons_assets.prices.indices.panel import FloatArray


@dataclass(frozen=True)
class Matched:
    """Prices and quantities of the products that two periods share, product by product.

    Attributes
    ----------
    price_0, price_1 : (n,)
        Prices in the earlier (base) and the later (current) period, all positive.
    quantity_0, quantity_1 : (n,) or None
        Quantities, not negative.
    weight_price, weight_quantity : (n,) or None
        Prices and quantities of the period that weights come from (Lowe, Young).
    """

    price_0: FloatArray
    price_1: FloatArray
    quantity_0: FloatArray | None = None
    quantity_1: FloatArray | None = None
    weight_price: FloatArray | None = None
    weight_quantity: FloatArray | None = None

    @cached_property
    def relative(self) -> FloatArray:
        """Price relatives."""
        return self.price_1 / self.price_0

    def value(self, prices: int, quantities: int) -> np.float64:
        """Return the cost of the quantities of one period (0 or 1) at the prices of one period."""
        price = (self.price_0, self.price_1)[prices]
        return np.float64(price @ self.quantity(quantities))

    def share(self, period: int) -> FloatArray:
        """Return the share of each product in the turnover of the matched products of a period."""
        value = (self.price_0, self.price_1)[period] * self.quantity(period)
        share: FloatArray = value / value.sum()
        return share

    def quantity(self, period: int) -> FloatArray:
        """Return the quantities of a period."""
        quantity = (self.quantity_0, self.quantity_1)[period]
        if quantity is None:
            raise ValueError("this formula needs quantities")
        return quantity


def carli(m: Matched) -> float:
    """Arithmetic mean of the price relatives."""
    return float(m.relative.mean())


def dutot(m: Matched) -> float:
    """Ratio of the arithmetic mean prices."""
    return float(m.price_1.sum() / m.price_0.sum())


def jevons(m: Matched) -> float:
    """Geometric mean of the price relatives."""
    return float(np.exp(np.log(m.relative).mean()))


def harmonic(m: Matched) -> float:
    """Harmonic mean of the price relatives."""
    return float(1 / (1 / m.relative).mean())


def carruthers_sellwood_ward_dalen(m: Matched) -> float:
    """Geometric mean of Carli and harmonic."""
    return float(np.sqrt(carli(m) * harmonic(m)))


def balk_mehrhoff_walsh(m: Matched) -> float:
    """Walsh index with quantities taken as inverse to prices (BMW)."""
    return float(np.sqrt(m.relative).sum() / np.sqrt(1 / m.relative).sum())


def laspeyres(m: Matched) -> float:
    """Cost of the base quantities, at current and at base prices."""
    return m.value(1, 0) / m.value(0, 0)


def paasche(m: Matched) -> float:
    """Cost of the current quantities, at current and at base prices."""
    return m.value(1, 1) / m.value(0, 1)


def fisher(m: Matched) -> float:
    """Geometric mean of Laspeyres and Paasche."""
    return float(np.sqrt(laspeyres(m) * paasche(m)))


def drobisch(m: Matched) -> float:
    """Arithmetic mean of Laspeyres and Paasche."""
    return (laspeyres(m) + paasche(m)) / 2


def marshall_edgeworth(m: Matched) -> float:
    """Cost of the quantities of both periods, at current and at base prices."""
    return (m.value(1, 0) + m.value(1, 1)) / (m.value(0, 0) + m.value(0, 1))


def walsh(m: Matched) -> float:
    """Cost of the geometric mean quantities, at current and at base prices."""
    quantity = np.sqrt(m.quantity(0) * m.quantity(1))
    return float(m.price_1 @ quantity / (m.price_0 @ quantity))


def geometric_laspeyres(m: Matched) -> float:
    """Geometric mean of the price relatives, weighted by the base shares."""
    return float(np.exp(m.share(0) @ np.log(m.relative)))


def geometric_paasche(m: Matched) -> float:
    """Geometric mean of the price relatives, weighted by the current shares."""
    return float(np.exp(m.share(1) @ np.log(m.relative)))


def tornqvist(m: Matched) -> float:
    """Geometric mean of the price relatives, weighted by the mean shares of the two periods."""
    return float(np.exp((m.share(0) + m.share(1)) / 2 @ np.log(m.relative)))


def palgrave(m: Matched) -> float:
    """Arithmetic mean of the price relatives, weighted by the current shares."""
    return float(m.share(1) @ m.relative)


def logarithmic_mean(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return (x - y) / (ln x - ln y), x where the two are equal, and 0 where one is zero."""
    mean = np.zeros(np.broadcast(x, y).shape)
    positive = (x > 0) & (y > 0)
    x, y = np.broadcast_to(x, mean.shape)[positive], np.broadcast_to(y, mean.shape)[positive]
    gap = np.log(x / y)
    # Near equality the quotient loses its digits; sqrt(xy) (1 + gap²/24) is then exact to double precision.
    near = np.abs(gap) < 1e-4
    mean[positive] = np.where(near, np.sqrt(x * y) * (1 + gap**2 / 24), (x - y) / np.where(near, 1, gap))
    return mean


def harmonic_sum(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return xy / (x + y), half the harmonic mean, and 0 where both are zero."""
    return np.divide(x * y, x + y, out=np.zeros_like(x), where=x + y > 0)


def sato_vartia(m: Matched) -> float:
    """Geometric mean of the price relatives, weighted by the logarithmic means of the shares."""
    weight = logarithmic_mean(m.share(0), m.share(1))
    return float(np.exp(weight @ np.log(m.relative) / weight.sum()))


def stuvel(m: Matched) -> float:
    """Index that decomposes the change in value additively into price and quantity (Stuvel, 1957)."""
    value_change = m.value(1, 1) / m.value(0, 0)
    half_gap = (laspeyres(m) - m.value(0, 1) / m.value(0, 0)) / 2
    return float(half_gap + np.sqrt(half_gap**2 + value_change))


def bilateral_geary_khamis(m: Matched) -> float:
    """Cost of the harmonic mean quantities, at current and at base prices."""
    quantity = harmonic_sum(m.quantity(0), m.quantity(1))
    return float(m.price_1 @ quantity / (m.price_0 @ quantity))


def bilateral_tpd(m: Matched) -> float:
    """Time product dummy of two periods: relatives weighted by the harmonic means of the shares."""
    weight = harmonic_sum(m.share(0), m.share(1))
    return float(np.exp(weight @ np.log(m.relative) / weight.sum()))


def bilateral_tpd_adjusted(m: Matched) -> float:
    """Time product dummy of two periods, less half the variance of its logarithm (Kennedy, 1981).

    The adjustment needs the spread of the relatives: with one product there is no index.
    """
    if len(m.price_0) < 2:
        return float("nan")
    weight = harmonic_sum(m.share(0), m.share(1))
    log_index = np.log(bilateral_tpd(m))
    residual = np.log(m.relative) - log_index
    variance = weight @ residual**2 / ((len(residual) - 1) * weight.sum())
    return float(np.exp(log_index - variance / 2))


def lloyd_moulton(m: Matched, sigma: float) -> float:
    """Constant elasticity of substitution index with base shares; sigma 0 is Laspeyres.

    At sigma = 1 the limit is the geometric Laspeyres index.
    """
    if sigma == 1:
        return geometric_laspeyres(m)
    return float((m.share(0) @ m.relative ** (1 - sigma)) ** (1 / (1 - sigma)))


def quadratic_mean(m: Matched, order: float) -> float:
    """Quadratic mean of order r (Diewert, 1976); r = 2 is Fisher, the limit r = 0 is Törnqvist."""
    if order == 0:
        return tornqvist(m)
    half = order / 2
    return float(((m.share(0) @ m.relative**half) / (m.share(1) @ m.relative**-half)) ** (1 / order))


def lowe(m: Matched) -> float:
    """Cost of the quantities of the weight period, at current and at base prices."""
    _, quantity = _of_weight_period(m)
    return float(m.price_1 @ quantity / (m.price_0 @ quantity))


def young(m: Matched) -> float:
    """Arithmetic mean of the price relatives, weighted by the shares of the weight period."""
    price, quantity = _of_weight_period(m)
    return float(price * quantity @ m.relative / (price @ quantity))


def geometric_young(m: Matched) -> float:
    """Geometric mean of the price relatives, weighted by the shares of the weight period."""
    price, quantity = _of_weight_period(m)
    return float(np.exp(price * quantity @ np.log(m.relative) / (price @ quantity)))


def hybrid(m: Matched) -> float:
    """Arithmetic mean of the price relatives, weighted by shares at old, base and current prices.

    The quantities are those of the weight period. The three sets of shares are mixed in proportion to the
    absolute correlation of their prices with those quantities (Białek, 2020).
    """
    price, quantity = _of_weight_period(m)
    prices = (price, m.price_0, m.price_1)
    if len(quantity) < 2 or np.ptp(quantity) == 0:
        correlation = np.zeros(3)
    else:
        correlation = np.array([abs(np.corrcoef(p, quantity)[0, 1]) if np.ptp(p) > 0 else 0.0 for p in prices])
    if correlation.sum() == 0:
        correlation = np.ones(3)
    shares = np.array([p * quantity / (p @ quantity) for p in prices])
    return float(correlation @ shares @ m.relative / correlation.sum())


def _of_weight_period(m: Matched) -> tuple[FloatArray, FloatArray]:
    if m.weight_price is None or m.weight_quantity is None:
        raise ValueError("this formula needs the prices and quantities of a weight period")
    return m.weight_price, m.weight_quantity


@dataclass(frozen=True)
class Formula:
    """A bilateral formula and what it needs.

    Attributes
    ----------
    parameter
        Name of the number that the formula takes besides prices and quantities.
    needs_weight_period
        Whether the weights come from a third period.
    """

    function: Callable[..., float]
    needs_quantity: bool = True
    parameter: str | None = None
    needs_weight_period: bool = False

    @property
    def summary(self) -> str:
        """First line of the formula's documentation."""
        return (self.function.__doc__ or "").splitlines()[0]


FORMULAS: dict[str, Formula] = {
    "carli": Formula(carli, needs_quantity=False),
    "dutot": Formula(dutot, needs_quantity=False),
    "jevons": Formula(jevons, needs_quantity=False),
    "harmonic": Formula(harmonic, needs_quantity=False),
    "carruthers-sellwood-ward-dalen": Formula(carruthers_sellwood_ward_dalen, needs_quantity=False),
    "balk-mehrhoff-walsh": Formula(balk_mehrhoff_walsh, needs_quantity=False),
    "laspeyres": Formula(laspeyres),
    "paasche": Formula(paasche),
    "fisher": Formula(fisher),
    "drobisch": Formula(drobisch),
    "marshall-edgeworth": Formula(marshall_edgeworth),
    "walsh": Formula(walsh),
    "geometric-laspeyres": Formula(geometric_laspeyres),
    "geometric-paasche": Formula(geometric_paasche),
    "tornqvist": Formula(tornqvist),
    "palgrave": Formula(palgrave),
    "sato-vartia": Formula(sato_vartia),
    "stuvel": Formula(stuvel),
    "bilateral-geary-khamis": Formula(bilateral_geary_khamis),
    "bilateral-tpd": Formula(bilateral_tpd),
    "bilateral-tpd-adjusted": Formula(bilateral_tpd_adjusted),
    "lloyd-moulton": Formula(lloyd_moulton, parameter="sigma"),
    "quadratic-mean": Formula(quadratic_mean, parameter="order"),
    "lowe": Formula(lowe, needs_weight_period=True),
    "young": Formula(young, needs_weight_period=True),
    "geometric-young": Formula(geometric_young, needs_weight_period=True),
    "hybrid": Formula(hybrid, needs_weight_period=True),
}
