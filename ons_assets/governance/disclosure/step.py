"""The one step that every aggregate passes before it is published."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ons_assets.governance.disclosure.audit import exposures
from ons_assets.governance.disclosure.counts import withheld
from ons_assets.governance.disclosure.releases import figures_of
from ons_assets.governance.disclosure.sums import equations
from ons_assets.lakehouse.disclosure import Account, Counts, Groups, Protected, Shares, kept_share
from ons_assets.lakehouse.tables import Table

TOO_FEW = "fewer {unit} than may be published"
FOLLOWS = "another share that is withheld would follow from it"
ONE_SIDED = "nearly all {unit} have it, or nearly none: it would be told of each of them"


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
        Units that bring something to a sum, and units that do not bring all that they could.
    largest_share
        Of a sum, that the largest of its units may bring.
    """

    fewest: float
    fewest_contributors: int = 3
    largest_share: float = 0.75


def protect(table: Table, rows: pl.DataFrame, thresholds: Thresholds) -> Protected:
    """Withhold what a table may not tell.

    Parameters
    ----------
    table
        Its declaration says who is protected, and how: `ons_assets.lakehouse.disclosure`.
    rows
        All figures of the table; for shares with their evidence, see `ons_assets.lakehouse.disclosure.shares_of`.
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
    rows = rows.filter(pl.col(rule.count) > 0)
    values = rows[rule.count].cast(pl.Float64()).to_numpy()
    system = equations(rows, table.key, rule)
    whole = rows.schema[rule.count].is_integer()
    hidden = withheld(values, system, thresholds.fewest, whole=whole)
    is_small = values < thresholds.fewest
    is_finest = np.ones(len(rows), dtype=bool)
    is_finest[[each.whole for each in system]] = False
    account = Account(
        rule.unit,
        thresholds.fewest,
        cells=len(rows),
        primary=int(is_small.sum()),
        secondary=int((hidden & ~is_small).sum()),
        kept_share=kept_share(
            float(values[is_finest].sum()), float(values[is_finest & hidden].sum()), thresholds.fewest
        ),
    )
    told = rows.filter(~hidden).select(table.column_names)
    if exposures(figures_of(table, rule, told), thresholds.fewest, whole=whole):
        raise Exposed(f"{table.name}: something small follows from what would be told of it")
    return Protected(told, account)


def _groups(table: Table, rule: Groups, rows: pl.DataFrame, thresholds: Thresholds) -> Protected:
    few = _is_few(rule.units, thresholds)
    kept = _without(table, rows, rule.figures, pl.when(few).then(pl.lit(TOO_FEW.format(unit=rule.unit))))
    small = {name: (pl.col(name) > 0) & _is_few(name, thresholds) for name in rule.events}
    events = sum(kept.select(each.sum()).item() for each in small.values())
    kept = kept.with_columns(pl.when(~each).then(pl.col(name)).alias(name) for name, each in small.items())
    primary = rows.select(few.sum()).item() + events
    return Protected(kept.select(table.column_names), Account(rule.unit, thresholds.fewest, len(rows), primary, 0))


def _shares(table: Table, rule: Shares, rows: pl.DataFrame, thresholds: Thresholds) -> Protected:
    fewest, largest = thresholds.fewest_contributors, thresholds.largest_share
    has_few = pl.min_horizontal("contributors", "lacking") < fewest
    has_one = pl.max_horizontal("largest", "largest_lacking") > largest
    reason = (
        pl.when(_is_few(rule.units, thresholds))
        .then(pl.lit(TOO_FEW.format(unit=rule.unit)))
        .when(has_few | has_one)
        .then(pl.lit(ONE_SIDED.format(unit=rule.unit)))
    )
    judged = rows.with_columns(why_=reason)
    primary = len(rows) - judged["why_"].null_count()
    if rule.whole:
        judged = judged.with_columns(why_=_or_follows(table.key, *rule.whole, rule.figures[0]))
    withheld_ = len(rows) - judged["why_"].null_count()
    kept = _without(table, judged, rule.figures, pl.col("why_"))
    account = Account(rule.unit, thresholds.fewest, len(rows), primary, withheld_ - primary)
    return Protected(kept.select(table.column_names), account)


def _or_follows(key: Sequence[str], column: str, parts: Sequence[str], share: str) -> pl.Expr:
    """Why a share is withheld: of parts of a whole never one alone, so that the smallest that is told goes with it."""
    group = [name for name in key if name != column]
    is_part, is_hidden = pl.col(column).is_in(list(parts)), pl.col("why_").is_not_null()
    is_alone = (is_part & is_hidden).sum().over(group) == 1
    told = pl.when(is_part & ~is_hidden).then(pl.col(share))
    return pl.coalesce("why_", pl.when(is_alone & (told == told.min().over(group))).then(pl.lit(FOLLOWS)))


def _is_few(column: str, thresholds: Thresholds) -> pl.Expr:
    return (pl.col(column) < thresholds.fewest).fill_null(value=False)


def _without(table: Table, rows: pl.DataFrame, figures: Sequence[str], reason: pl.Expr) -> pl.DataFrame:
    """Rows without the figures that have a reason to be withheld; where the table has room for it, they say so."""
    hidden = reason.is_not_null()
    said = {"is_suppressed": hidden, "reason": pl.coalesce(reason, "reason") if "reason" in rows.columns else reason}
    return rows.with_columns(
        *(pl.when(~hidden).then(pl.col(name)).alias(name) for name in figures),
        **{name: value for name, value in said.items() if name in table.schema},
    )
