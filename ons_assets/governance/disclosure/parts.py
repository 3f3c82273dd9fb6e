"""A table of some of the units of another: what is left of a row that is told may be small too."""

from dataclasses import replace

import polars as pl

from ons_assets.governance.disclosure.counts import learned
from ons_assets.governance.disclosure.published_figures import figures_of
from ons_assets.governance.disclosure.step import Thresholds, protect
from ons_assets.lakehouse.disclosure import Account, Counts, Protected, all_of, kept_share
from ons_assets.lakehouse.tables import Column, Table

WHO, ALL, SOME = "who_", "all", "some"


def protect_parts(
    table: Table, rows: pl.DataFrame, whole: Table, told: pl.DataFrame, counted: pl.DataFrame, thresholds: Thresholds
) -> Protected:
    """Withhold of a table what may not be told beside another, whose units its own are some of.

    The other table loses nothing. Of this one a row is withheld if the rest of it is small, or none: then something
    would be told of each. What is left is attacked together with the other table, and what the auditor learns costs all
    rows of its pair (what rows have in common besides the period); until there is nothing.

    Parameters
    ----------
    table, rows
        Declared as `Counts`, and all figures of it.
    whole
        The other, with the same key, count and margins.
    told
        Its rows that may leave.
    counted
        All its rows, whether they may leave or not.
    thresholds
        Of both.
    """
    rule, key = table.disclosure, list(table.key)
    if not isinstance(rule, Counts) or table.key != whole.key or rule != whole.disclosure:
        raise ValueError(f"{table.name} is no part of {whole.name}: both must have one key and one rule of counts")
    pair = [name for name in key if all(name not in margin.whole for margin in rule.margins)]
    alone = protect(table, rows, thresholds)
    left = pl.col("all_") - pl.col(rule.count)
    rest = alone.rows.join(counted.select(*key, all_=rule.count), on=key, how="left")
    kept = alone.rows.join(rest.filter(left.fill_null(0) < thresholds.fewest), on=key, how="anti")
    both = replace(
        whole,
        columns=(Column(WHO, pl.String(), "whose rows"), *whole.columns),
        key=(WHO, *whole.key),
        disclosure=replace(rule, margins=(*rule.margins, all_of(WHO, ALL))),
    )
    while True:
        seen = pl.concat(
            [each.select(pl.lit(who).alias(WHO), *key, rule.count) for who, each in ((ALL, told), (SOME, kept))]
        )
        found = learned(
            figures_of(both, both.disclosure, seen, thresholds.fewest),  # type: ignore[arg-type]
            thresholds.fewest,
            whole=rows[rule.count].dtype.is_integer(),
            blurred=rule.blurred is not None,
        )
        cells = [each.cell for each in found.exposures] + [each.cell for each in found.unsettled]
        if not cells:
            break
        exposed = pl.DataFrame(cells, schema=[WHO, *key], orient="row").select(pair).unique()
        fewer = kept.join(exposed, on=pair, how="anti")
        # Without a row of this table to blame, it is told not at all.
        kept = fewer if len(fewer) < len(kept) else kept.clear()
    finest = rule.margins[0].parts if rule.margins else pl.lit(value=True)
    counted_, told_ = (float(each.filter(finest).select(pl.col(rule.count).sum()).item()) for each in (rows, kept))
    return Protected(
        kept,
        Account(
            rule.unit,
            thresholds.fewest,
            cells=len(rows),
            primary=alone.account.primary,
            secondary=len(rows) - len(kept) - alone.account.primary,
            kept_share=kept_share(counted_, counted_ - told_, thresholds.fewest),
        ),
    )
