"""The chain of a group over changes of weights, items that enter, are missing, and leave.

Between two links the index of a group is a mean of the price relatives of its items with fixed weights. Each item has
a path: the product of its movements. Where the item has an index, its own decides; where it has none, it moves as the
observed items of the narrowest group around it, so that its absence moves nothing. An item that enters is tied to that
path, so that its entry moves nothing.
"""

from dataclasses import dataclass

import numpy as np

from ons_assets.prices.indices.baskets import NO_WEIGHTS, Baskets, Bools, Floats, Ints, narrowest, reallocate
from ons_assets.prices.indices.link_periods import Calendar


@dataclass(frozen=True)
class ChainRules:
    """What a chain does with its weights, and with items that stay away.

    Parameters
    ----------
    price_update
        Whether weights are moved from their reference year to the link by the prices of their items (a Lowe index);
        else they hold as they are at the link (a Young index).
    weight_lag_years
        Years from the reference year of weights to the first one in which they are used.
    discontinued_after_months
        Months without an index after which, at a link, an item is discontinued.
    """

    price_update: bool = False
    weight_lag_years: int = 2
    discontinued_after_months: int = 12


@dataclass(frozen=True)
class Chains:
    """Chains of g groups over t periods, of n items.

    Parameters
    ----------
    level
        (t, g); 100 in the first period of a group, NaN before it.
    items
        Items with an index that have a weight, (t, g).
    share
        Their share of the weights at the link before, (t, g).
    steps
        Index points by which each item moved each group since the period before, (t, g, n); their sum over items is
        the change of the level. None unless they were asked for, and so are the weights.
    weights
        Shares of items in the weights at the link before, (t, g, n).
    is_observed, has_entered
        Whether an item has an index in the period, and has had one until then, (t, n).
    """

    level: Floats
    items: Ints
    share: Floats
    steps: Floats | None
    weights: Floats | None
    is_observed: Bools
    has_entered: Bools


def chain(
    levels: Floats, when: Calendar, weights: Baskets, rules: ChainRules | None = None, *, with_steps: bool = False
) -> Chains:
    """Chain all groups.

    Parameters
    ----------
    levels
        Index of each item on any base of its own, (t, n), in the order of the calendar and of the baskets; NaN, or
        not above 0, where it has none.
    when
        The t periods and the links.
    weights
        Of the items in the groups.
    rules
        None for the defaults.
    with_steps
        Whether to keep the steps and weights of items.

    Notes
    -----
    With u the weights at the link divided by the paths P there, the level between two links is

        L(t) = L(link) * sum(u P(t)) / sum(u P(link)).

    Weights w at a link give u = w / P(link), a Young index; price-updated ones u = w / P(reference), a Lowe index.
    The missing index of an item moves by M(t) = sum(u P(t)) / sum(u P(t - 1)) over the observed items of the narrowest
    group around it that has any.

    References
    ----------
    Consumer Price Index Manual (2020), chapters 6 (imputation by the movement of the class) and 8 (higher-level
    indices, linking); Consumer Prices Indices Technical Manual (Office for National Statistics, 2019), section 2.5.
    """
    run = _Run(levels, when, weights, rules or ChainRules(), with_steps)
    for period in range(len(levels)):
        if period and when.has_link_before(period):
            run.link(period)
        run.move(period)
        run.enter(period)
        run.start(period)
        run.record(period)
    return run.result()


class _Run:
    """The state of all chains between two periods."""

    def __init__(self, levels: Floats, when: Calendar, weights: Baskets, rules: ChainRules, with_steps: bool) -> None:
        periods, items, groups = *levels.shape, len(weights.groups)
        self.levels, self.when, self.baskets, self.rules = levels, when, weights, rules
        self.observed = np.isfinite(levels) & (levels > 0)
        self.year_in_force = weights.in_force(when.weights_year, when.year)
        self.path = np.ones((periods, items))
        self.scale = np.full(items, np.nan)
        """What makes an item's own index its path; NaN of an item that has not entered."""
        self.last_seen = np.full(items, -1)
        self.is_gone = np.zeros(items, dtype=bool)
        self.full = weights.first.copy()
        """u of all items with a weight, and before a group has begun its first weights, so that it guides its items.
        `self.used` has u without the items that are gone."""
        self.used = self.full.copy()
        self.weight = np.zeros((groups, items))
        self.has_started = np.zeros(groups, dtype=bool)
        self.base = np.ones(groups)
        """Level at the link divided by sum(u P(link)): index points a unit of value."""
        self.bridged = np.zeros(groups, dtype=bool)
        self.level = np.full((periods, groups), np.nan)
        self.n_items = np.zeros((periods, groups), dtype=np.int64)
        self.share = np.zeros((periods, groups))
        self.has_entered = np.zeros((periods, items), dtype=bool)
        kept = (periods, groups, items)
        self.steps = np.zeros(kept) if with_steps else None
        self.weights = np.zeros(kept) if with_steps else None

    # --- links ---

    def link(self, period: int) -> None:
        """Change the weights for the step into a period; the period before it is the link."""
        at = period - 1
        changed = self.has_started & (self.year_in_force[period] != self.year_in_force[at])
        if self.when.is_bridge[at]:
            changed = self.bridged
        values = self.full * self.path[at]
        new = self._new_values(changed, self.year_in_force[period], at)
        if self.when.is_bridge[period]:
            self.bridged = changed
            new = self._bridge(values, new, changed)
        values[changed] = new[changed]
        self._discontinue()
        self._rest_on(values, at, np.ones_like(changed))

    def _new_values(self, groups: Bools, years: Ints, at: int) -> Floats:
        values = np.zeros_like(self.full)
        for group in np.flatnonzero(groups):
            year = int(years[group])
            values[group] = self.baskets.of_year[group][year]
            if self.rules.price_update:
                values[group] *= self.path[at] / self._reference(year - self.rules.weight_lag_years, at)
        return values

    def _reference(self, year: int, at: int) -> Floats:
        """Paths in the reference year of weights; where the series do not reach back to it, in their first period."""
        within = self.when.year[: at + 1] == year
        reference: Floats = self.path[: at + 1][within].mean(axis=0) if within.any() else self.path[0]
        return reference

    def _bridge(self, old: Floats, new: Floats, changed: Bools) -> Floats:
        """Values for the step from December to January: new weights of the narrowest groups, old ones within them."""
        holds = np.where(changed[:, None], new, old) > 0
        inner, home = narrowest(holds), narrowest(old > 0)
        bridged = np.zeros_like(new)
        for group in np.unique(inner[inner >= 0]):
            here = inner == group
            within = _first_of(np.where(home == group, old[group], 0), np.where(here, new[group], 0), old[group])
            # Of a group that it only overlaps, no more than what both hold.
            is_part = ~(holds[group] & ~holds).any(axis=1, keepdims=True)
            shares = np.where(is_part | holds | (old > 0), within, 0)
            shares = np.where(shares.any(axis=1, keepdims=True), shares, new * here)
            total = shares.sum(axis=1)
            value = np.divide(new[:, here].sum(axis=1), total, out=np.zeros_like(total), where=total > 0)
            bridged += value[:, None] * shares
        return bridged

    def _discontinue(self) -> None:
        # What nobody collected says nothing of an item, so that time ends with the last index of any.
        away = self.when.month[max(self.last_seen.max(), 0)] - self.when.month[np.maximum(self.last_seen, 0)]
        leaves = np.isfinite(self.scale) & (away >= self.rules.discontinued_after_months)
        self.scale[leaves] = np.nan
        self.is_gone |= leaves

    def _rest_on(self, values: Floats, at: int, groups: Bools) -> None:
        """Let groups go on from a period with these values of their items."""
        given = reallocate(values, self.is_gone)
        total = given.sum(axis=1)
        self.full[groups], self.used[groups] = (each[groups] / self.path[at] for each in (values, given))
        self.weight[groups] = given[groups] / total[groups, None]
        self.base[groups] = self.level[at, groups] / total[groups]

    # --- from period to period ---

    def move(self, period: int) -> None:
        """Move all paths by one step, and the levels with them."""
        if period == 0:
            return
        before = self.path[period - 1]
        entered = np.isfinite(self.scale)
        own = self.observed[period] & entered
        path = np.where(own, self.scale * np.where(own, self.levels[period], 1.0), before)
        value = (self.used * np.where(own, before, 0.0)).sum(axis=1)
        is_usable = value > 0
        guide = narrowest(self.full > 0, is_usable)
        gain = np.divide(self.used * np.where(own, path - before, 0.0), value[:, None], where=is_usable[:, None],
                         out=np.zeros_like(self.used))  # fmt: skip
        imputed = ~own & (guide >= 0)
        path[imputed] = before[imputed] * (1 + gain.sum(axis=1)[guide[imputed]])
        self.path[period] = path
        self.level[period] = np.where(self.has_started, self.base * (self.used * path).sum(axis=1), np.nan)
        if self.steps is not None:
            self.steps[period] = self._steps(path - before, before, gain, guide, entered)

    def _steps(self, change: Floats, before: Floats, gain: Floats, guide: Ints, entered: Bools) -> Floats:
        """Index points by item. What an item moves before it enters is owed to those that it is imputed from."""
        base = np.where(self.has_started, self.base, 0.0)[:, None]
        steps: Floats = base * self.used * np.where(entered, change, 0.0)
        owed = base * self.used * np.where(entered, 0.0, before)
        for group in np.unique(guide[~entered & (guide >= 0)]):
            steps += np.outer(owed[:, guide == group].sum(axis=1), gain[group])
        return steps

    def enter(self, period: int) -> None:
        """Tie items that enter to their paths; one that is missing while no group holds it is to enter anew."""
        seen = self.observed[period]
        self.scale[~seen & ~(self.full > 0).any(axis=0)] = np.nan
        new = seen & ~np.isfinite(self.scale)
        self.scale[new] = self.path[period, new] / self.levels[period, new]
        self.is_gone[new] = False
        self.last_seen[seen] = period

    def start(self, period: int) -> None:
        """Begin groups whose first item has its first index."""
        waiting = ~self.has_started & (self.year_in_force[period] != NO_WEIGHTS)
        new = self._new_values(waiting, self.year_in_force[period], period)
        begins = ((new > 0) & self.observed[period]).any(axis=1)
        if begins.any():
            self.level[period, begins] = 100.0
            self.has_started |= begins
            self._rest_on(np.where(begins[:, None], new, self.full * self.path[period]), period, begins)

    def record(self, period: int) -> None:
        """Keep what is told of the period."""
        seen = (self.used > 0) & self.observed[period]
        self.n_items[period] = seen.sum(axis=1)
        self.share[period] = np.where(seen, self.weight, 0.0).sum(axis=1)
        self.has_entered[period] = np.isfinite(self.scale)
        if self.weights is not None:
            self.weights[period] = self.weight

    def result(self) -> Chains:
        return Chains(self.level, self.n_items, self.share, self.steps, self.weights, self.observed, self.has_entered)


def _first_of(*choices: Floats) -> Floats:
    """Return the first that is not all 0."""
    return next(choice for choice in choices if choice.any())
