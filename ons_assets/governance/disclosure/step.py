"""The one step that every aggregate passes before it is published."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ons_assets.governance.disclosure.controlled_rounding import controlled_rounding
from ons_assets.governance.disclosure.counts import beside_exposed, learned, withheld
from ons_assets.governance.disclosure.published_figures import figures_of
from ons_assets.governance.disclosure.shares import Limits, given_away
from ons_assets.governance.disclosure.sums import Equation, equations
from ons_assets.lakehouse.blurring import Perturbed, Rounded
from ons_assets.lakehouse.disclosure import Account, Counts, Groups, Protected, Shares, kept_share
from ons_assets.lakehouse.tables import Table

TOO_FEW = "fewer {unit} than may be published"
OF_FEW = "one or two {unit} make nearly all of it: it would be told of them"
FOLLOWS = "another share that is withheld would follow from it"
ONE_SIDED = "nearly all {unit} have it, or nearly none: it would be told of each of them"
FEW_CHANGED = "a few {unit} came or went since a period that is told: it would be told of them"


class Exposed(ValueError):
    """The auditor learns something small from what a step would tell."""


@dataclass(frozen=True)
class Thresholds:
    """From which numbers on something may be told.

    Parameters
    ----------
    fewest
        Units of a figure.
    fewest_contributors
        Units that bring something to a sum, and units that do not bring all that they could; and units that come, or
        go, between two periods, if any do.
    largest_share
        Of a sum, that the largest of its units may bring.
    least_rest
        What the units of a sum besides its two largest bring, at least, of what the largest brings (the p% rule): so
        near the second largest, who knows what it brings itself, may come to the largest.
    """

    fewest: float
    fewest_contributors: int = 3
    largest_share: float = 0.75
    least_rest: float = 0.1


def protect(table: Table, rows: pl.DataFrame, thresholds: Thresholds) -> Protected:
    """Withhold what a table may not tell.

    Parameters
    ----------
    table
        Its declaration says who is protected, and how: `ons_assets.lakehouse.disclosure`.
    rows
        All figures of the table; for shares with their evidence, see `ons_assets.lakehouse.disclosure.shares_of`, and
        for the sums of groups, see `ons_assets.lakehouse.disclosure.largest_of`.
    thresholds
        Of the parameters of its method.

    Returns
    -------
    Protected
        The rows that may leave, and an account without any figure.

    Raises
    ------
    ValueError
        If the table declares no rule that needs a step, or its sums do not add up.
    Exposed
        If the auditor, who is given what would be told and nothing else, learns a small number of it.

    References
    ----------
    Hundepool et al. (2012), Statistical disclosure control, Wiley, chapters 4 and 5.
    """
    match table.disclosure:
        case Counts() as rule:
            return _counts(table, rule, rows, thresholds)
        case Groups() as rule:
            return _groups(table, rule, rows, thresholds)
        case Shares() as rule:
            return _shares(table, rule, rows, thresholds)
    raise ValueError(f"{table.name} declares no rule that needs a step")


def _counts(table: Table, rule: Counts, rows: pl.DataFrame, thresholds: Thresholds) -> Protected:
    # What is withheld, or rounded up, among equals goes by their order: two orders would tell more than either.
    rows = rows.filter(pl.col(rule.count) > 0).sort(table.key)
    counts, fewest = rows[rule.count], thresholds.fewest
    system = equations(rows, table.key, rule)
    told = _told(rule, rows, system, fewest)
    whole = counts.dtype.is_integer()
    values = counts.cast(pl.Float64()).to_numpy()
    # Also what would be told as small is withheld, so that whatever is told is at least the fewest.
    is_small = np.minimum(values, told.cast(pl.Float64()).to_numpy()) < fewest
    known = (lambda row: rule.known(float(told[row]), fewest)) if rule.blurred else None
    hidden = is_small
    while True:
        hidden = withheld(values, hidden, system, fewest, whole=whole, known=known)
        left = rows.with_columns(told.alias(rule.count)).filter(~hidden).select(table.column_names)
        # The auditor knows no row but those that are told, and so has one number for what is left of a sum.
        figures = figures_of(table, rule, left, fewest)
        found = learned(figures, fewest, whole=whole, blurred=rule.blurred is not None)
        # It may read more into the rows than the sums between them say: that others than those named are among them.
        if not (more := beside_exposed(figures, values[~hidden], found.exposures)):
            break
        hidden[np.flatnonzero(~hidden)[sorted(more)]] = True
    is_finest = np.ones(len(rows), dtype=bool)
    is_finest[[each.whole for each in system]] = False
    account = Account(
        rule.unit,
        fewest,
        cells=len(rows),
        primary=int(is_small.sum()),
        secondary=int((hidden & ~is_small).sum()),
        kept_share=kept_share(float(values[is_finest].sum()), float(values[is_finest & hidden].sum()), fewest),
    )
    if found.exposures:
        raise Exposed(f"{table.name}: something small follows from what would be told of it")
    if found.unsettled:
        raise Exposed(f"{table.name}: whether something small follows from what would be told could not be settled")
    return Protected(left, account)


def _told(rule: Counts, rows: pl.DataFrame, system: Sequence[Equation], fewest: float) -> pl.Series:
    """Return the numbers as they would be told, none being withheld."""
    counts = rows[rule.count]
    match rule.blur(fewest):
        case Perturbed() as blur:
            return blur.told(counts, rows[blur.key])
        case Rounded(controlled=True) as blur:
            rounded = controlled_rounding(counts.cast(pl.Float64()).to_numpy(), system, blur.to)
            return pl.Series(rounded).cast(counts.dtype)
        case Rounded() as blur:
            return blur.told(counts)
    return counts


def _groups(table: Table, rule: Groups, rows: pl.DataFrame, thresholds: Thresholds) -> Protected:
    too_few = _is_few(rule.units, thresholds)
    of_few = {name: _is_of_few(f"_{name}", thresholds).fill_null(value=False) for name in rule.sums}
    has_few = pl.any_horizontal(pl.lit(value=False), *(of_few[name] for name in rule.sums if name not in rule.events))
    reason = (
        pl.when(too_few)
        .then(pl.lit(TOO_FEW.format(unit=rule.unit)))
        .when(has_few)
        .then(pl.lit(OF_FEW.format(unit=rule.unit)))
    )
    kept = _without(table, rows, rule.figures, reason)
    small = {
        name: (pl.col(name) > 0) & (_is_few(name, thresholds) | of_few.get(name, pl.lit(value=False)))
        for name in rule.events
    }
    events = sum(kept.select(each.sum()).item() for each in small.values())
    kept = kept.with_columns(pl.when(~each).then(pl.col(name)).alias(name) for name, each in small.items())
    primary = rows.select((too_few | has_few).sum()).item() + events
    return Protected(kept.select(table.column_names), Account(rule.unit, thresholds.fewest, len(rows), primary, 0))


def _shares(table: Table, rule: Shares, rows: pl.DataFrame, thresholds: Thresholds) -> Protected:
    fewest = thresholds.fewest_contributors
    has_few = pl.min_horizontal("contributors", "lacking") < fewest
    changed = pl.col("changed") < fewest if rule.period else pl.lit(value=False)
    reason = (
        pl.when(_is_few(rule.units, thresholds))
        .then(pl.lit(TOO_FEW.format(unit=rule.unit)))
        .when(has_few | _is_of_few("", thresholds) | _is_of_few("_lacking", thresholds))
        .then(pl.lit(ONE_SIDED.format(unit=rule.unit)))
        .when(changed)
        .then(pl.lit(FEW_CHANGED.format(unit=rule.unit)))
    )
    judged = rows.with_columns(why_=reason)
    primary = len(rows) - judged["why_"].null_count()
    follows = given_away(judged, table.key, rule, Limits(fewest, thresholds.largest_share, thresholds.least_rest))
    judged = judged.with_columns(why_=pl.coalesce("why_", pl.when(follows).then(pl.lit(FOLLOWS))))
    withheld_ = len(rows) - judged["why_"].null_count()
    kept = _without(table, judged, rule.figures, pl.col("why_"))
    account = Account(rule.unit, thresholds.fewest, len(rows), primary, withheld_ - primary)
    return Protected(kept.select(table.column_names), account)


def _is_few(column: str, thresholds: Thresholds) -> pl.Expr:
    return (pl.col(column) < thresholds.fewest).fill_null(value=False)


def _is_of_few(of: str, thresholds: Thresholds) -> pl.Expr:
    """Whether one unit brings too much to a sum, or the others too little besides the two largest."""
    one, two = pl.col(f"largest{of}"), pl.col(f"largest_two{of}")
    return (one > thresholds.largest_share) | (two + thresholds.least_rest * one > 1)


def _without(table: Table, rows: pl.DataFrame, figures: Sequence[str], reason: pl.Expr) -> pl.DataFrame:
    """Rows without the figures that have a reason to be withheld; where the table has room for it, they say so."""
    hidden = reason.is_not_null()
    said = {"is_suppressed": hidden, "reason": pl.coalesce(reason, "reason") if "reason" in rows.columns else reason}
    return rows.with_columns(
        *(pl.when(~hidden).then(pl.col(name)).alias(name) for name in figures),
        **{name: value for name, value in said.items() if name in table.schema},
    )
