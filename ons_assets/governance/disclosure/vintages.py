"""The attack on a release together with every earlier one of its table: what their differences tell.

Data are revised, so a cell of one version need not be the cell of another. Whoever subtracts one version from another
takes a cell for unchanged; he is right where little changed, and sees where much did. The attacker here takes for
revised what two versions tell otherwise, and where that does not explain all, one more cell, whichever it may be.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
import polars as pl
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from ons_assets.governance.disclosure.audit import Contradiction, Exposure, audit
from ons_assets.governance.disclosure.figures import Cell, Figure, Interval
from ons_assets.governance.disclosure.published_figures import OTHERS, figures_of
from ons_assets.lakehouse.disclosure import HALF_UNIT, Counts, Groups, Margin, Rule, Shares
from ons_assets.lakehouse.tables import Table

# Blocks of more cells are taken for revised as a whole where some were revised that no version tells.
MOST_GUESSES = 200
BOUNDS = {"low_": pl.Float64(), "high_": pl.Float64()}
SMALLEST = 1e-9


@dataclass(frozen=True)
class Vintage:
    """One version of a table as it was released.

    Parameters
    ----------
    name
        How it is quoted, such as "release 2 of tweets/migration_flows".
    rows
        As everybody sees them.
    fewest
        Least count that it tells; None if that is the one of the version that is to be released.
    """

    name: str
    rows: pl.DataFrame
    fewest: float | None = None


@dataclass(frozen=True)
class Learned:
    """What came of an attack.

    Parameters
    ----------
    attacked
        Figures that were attacked, of all versions together; None where the table has none that can be.
    exposures
        Cells that the rule does not allow, and that the earlier versions did not expose without the new one.
    unsettled
        Cells of which the auditor cannot say whether they are exposed.
    """

    attacked: int | None
    exposures: tuple[Exposure, ...] = ()
    unsettled: tuple[Interval, ...] = ()


def attack(table: Table, new: Vintage, earlier: Sequence[Vintage], k: float) -> Learned:
    """Attack a version of a table that is to be released, with all that was released of it before.

    Parameters
    ----------
    table
        Its rule says what can be attacked: numbers that add up, and the figures of groups whose size is told.
    new
        To be released.
    earlier
        Oldest first; one that was withdrawn is known, and belongs to them.
    k
        The least count that may be known.

    Raises
    ------
    Contradiction
        If the new version contradicts itself.
    """
    match table.disclosure:
        case Counts() as rule if table.schema[rule.count].is_integer():
            return _whole_numbers(table, rule, new, earlier, k)
        case Counts() as rule:
            found = [each for old in earlier for each in _lines(table, rule, new, old, k)]
        case Groups() | Shares() as rule if rule.units in table.schema:
            found = [each for old in earlier for each in _groups(table, rule, new, old, k)]
        case _:
            return Learned(None)
    return Learned(sum(len(each.rows) for each in (new, *earlier)), tuple(found))


def counted_column(rule: Rule | None) -> str | None:
    """Return the column of which earlier versions are attacked; None if there is none."""
    match rule:
        case Counts():
            return rule.count
        case Groups() | Shares():
            return rule.units
    return None


# --- whole numbers that add up -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Told:
    """What a version tells, read in two ways.

    Parameters
    ----------
    name
        Of the version.
    figures
        In the cells of all versions: a month that is named only later was withheld.
    own
        In the cells that it or an older one names: such a month had not come.
    """

    name: str
    figures: Sequence[Figure]
    own: Sequence[Figure]


def _whole_numbers(table: Table, rule: Counts, new: Vintage, earlier: Sequence[Vintage], k: float) -> Learned:
    columns = [*table.key, rule.count]
    names = [each.rows.select(columns) for each in (*earlier, new)]
    versions = []
    for number, vintage in enumerate((*earlier, new), start=1):
        read = partial(figures_of, table, rule, vintage.rows, vintage.fewest or k, quoted=vintage.name)
        versions.append(_Told(vintage.name, read(named=pl.concat(names)), read(named=pl.concat(names[:number]))))
    # The newest first: what is unchanged since a version adds nothing to a newer one that is the same.
    versions.reverse()
    plain: list[Figure] = []
    found: list[Learned] = []
    for block in _blocks(versions):
        if len(block) == 1:
            plain += block[0].figures
        else:
            found.append(_of_block(block, k))
    found.append(_audited(plain, k))
    return Learned(
        sum(len(each.figures) for each in versions),
        tuple(each for learned in found for each in learned.exposures),
        tuple(each for learned in found for each in learned.unsettled),
    )


def _blocks(versions: Sequence[_Told]) -> Iterator[list[_Told]]:
    """Yield what is told of cells that are in sums together; of versions that tell the same of them, the newest."""
    block_of = _block_of([figure for version in versions for figure in version.figures])

    def parted(figures: Sequence[Figure]) -> dict[int, list[Figure]]:
        found: dict[int, list[Figure]] = {}
        for figure in figures:
            found.setdefault(block_of[figure.cells[0]], []).append(figure)
        return found

    read = [(version.name, parted(version.figures), parted(version.own)) for version in versions]
    # What no longer has a row is told by older versions alone, and was attacked when they were released.
    for block in read[0][1]:
        different: dict[frozenset[tuple[tuple[Cell, ...], float]], _Told] = {}
        said = [frozenset((figure.cells, figure.low) for figure in figures.get(block, [])) for _, figures, _ in read]
        for each, (name, figures, own) in zip(said, read, strict=True):
            if each and each not in different:
                different[each] = _Told(name, figures[block], own[block])
        # What an earlier version told already, the new one does not add.
        yield [different[said[0]]] if said[0] in said[1:] else list(different.values())


def _block_of(figures: Sequence[Figure]) -> dict[Cell, int]:
    """Return the number of the block of each cell; cells that are in a figure together are in one."""
    place: dict[Cell, int] = {}
    for figure in figures:
        for cell in figure.cells:
            place.setdefault(cell, len(place))
    joined = [(place[one], place[other]) for figure in figures for one, other in pairwise(figure.cells)]
    ends = np.array(joined, dtype=np.int64).reshape(-1, 2).T
    _, block = connected_components(csr_array((np.ones(len(joined)), (ends[0], ends[1])), shape=(len(place),) * 2))
    return {cell: int(block[number]) for cell, number in place.items()}


def _of_block(block: Sequence[_Told], k: float) -> Learned:
    """Attack the new version, the first, with what the earlier ones tell of the same cells, in both readings."""
    learned = [_of_reading([(each.name, each.figures) for each in block], k)]
    if any([figure.cells for figure in each.own] != [figure.cells for figure in each.figures] for each in block):
        learned.append(_of_reading([(each.name, each.own) for each in block], k))
    exposures = {(each.cell, each.low, each.high): each for one in learned for each in one.exposures}
    unsettled = {each.cell: each for one in learned for each in one.unsettled}
    return Learned(None, tuple(exposures.values()), tuple(unsettled.values()))


def _of_reading(block: Sequence[tuple[str, Sequence[Figure]]], k: float) -> Learned:
    """Attack the new version with one earlier one after the other, and with all that still agree."""
    (name, figures), *earlier = block
    new = _in_version(figures, frozenset(), name)
    pool, learned = new, [_audited(new, k)]
    for old_name, old in earlier:
        for guesses in _guesses(pool, old):
            agreeing = [
                (pooled, found)
                for guess in guesses
                if (found := _agreed(pooled := [*pool, *_in_version(old, guess, old_name)], k)) is not None
            ]
            if not agreeing:
                continue
            learned.append(_whichever([_news(found, pooled, new, k) for pooled, found in agreeing]))
            if len(agreeing) == 1:
                pool = agreeing[0][0]
            break
    return Learned(
        None,
        tuple(each for found in learned for each in found.exposures),
        tuple(each for found in learned for each in found.unsettled),
    )


def _guesses(pool: Sequence[Figure], old: Sequence[Figure]) -> Iterator[list[frozenset[Cell]]]:
    """Yield guesses of which cells were revised: those that both versions tell, and tell otherwise; then one more."""
    now = {figure.cells[0]: figure.low for figure in pool if figure.releases}
    surely = frozenset(
        figure.cells[0]
        for figure in old
        if figure.releases and now.get((figure.cells[0], ""), figure.low) != figure.low
    )
    yield [surely]
    others = {cell for figure in old for cell in figure.cells} - surely
    if len(others) <= MOST_GUESSES:
        yield [surely | {cell} for cell in sorted(others, key=str)]


def _whichever(found: Sequence[Learned]) -> Learned:
    """What follows whichever guess is right; a cell that is exposed as it was revised is so under one guess only."""
    first, *others = found

    kept = {_cell(each) for each in first.exposures}
    for other in others:
        kept &= {_cell(each) for each in other.exposures}
    return Learned(None, tuple(each for each in first.exposures if _cell(each) in kept), first.unsettled)


def _cell(exposure: Exposure) -> Cell:
    """The cell itself, of whatever version."""
    match exposure.cell:
        case (tuple() as cell, str()):
            return cell
    return exposure.cell


def _in_version(figures: Iterable[Figure], revised: frozenset[Cell], name: str) -> list[Figure]:
    return [
        replace(each, cells=tuple((cell, name if cell in revised else "") for cell in each.cells)) for each in figures
    ]


def _agreed(figures: Sequence[Figure], k: float) -> Learned | None:
    try:
        return _audited(figures, k)
    except Contradiction:
        return None


def _audited(figures: Sequence[Figure], k: float) -> Learned:
    found = audit(figures, k, name=_called)
    return Learned(None, found.exposures, found.unsettled)


def _called(cell: Cell) -> str:
    match cell:
        case (tuple() as key, str() as version):
            return f"{_called(key)} as of {version}" if version else _called(key)
        case tuple():
            said = ", ".join(str(part).removeprefix(f"{OTHERS} of ") for part in cell)
            return f"what has no row of {said}" if any(str(part).startswith(OTHERS) for part in cell) else said
    return str(cell)


def _news(found: Learned, pooled: Sequence[Figure], new: Sequence[Figure], k: float) -> Learned:
    """Leave out what follows without the new version: what was released under another k cannot be taken back."""
    if not found.exposures:
        return found
    said = {figure.said for figure in new}
    before = audit([figure for figure in pooled if figure.said not in said], k)
    known = {(each.cell, each.low, each.high) for each in before.exposures}
    return replace(found, exposures=tuple(e for e in found.exposures if (e.cell, e.low, e.high) not in known))


# --- numbers to a decimal that add up ------------------------------------------------------------------------


def _lines(table: Table, rule: Counts, new: Vintage, old: Vintage, k: float) -> Iterator[Exposure]:
    """Yield what is left of a sum when of each part the version counts that tells it, where neither tells another.

    Of a number that both tell, more may be known than of either, where they were rounded otherwise.
    """
    both = _bounds(table, rule, new, k).join(
        _bounds(table, rule, old, k), on=list(table.key), how="full", coalesce=True, suffix="_old"
    )
    is_new, is_old = pl.col("low_").is_not_null(), pl.col("low__old").is_not_null()
    low, high = pl.max_horizontal("low_", "low__old"), pl.min_horizontal("high_", "high__old")
    alike = (pl.col("low_") == pl.col("low__old")) & (pl.col("high_") == pl.col("high__old"))
    told = both.filter(is_new | is_old).select(
        *table.key,
        low_=low,
        high_=high,
        revised_=low > high,
        # What one version tells, or both each in its way, nobody could know before.
        joint_=(is_new != is_old) | ~alike,
    )
    for margin in (*rule.margins, *rule.across):
        yield from _left_over(table, margin, told, (new, old), k, is_exact=rule.blurred is None)


def _bounds(table: Table, rule: Counts, vintage: Vintage, k: float) -> pl.DataFrame:
    """Return between what each number of a version lies; null where none is told."""
    fewest = vintage.fewest or k
    values = vintage.rows[rule.count].drop_nulls().unique()
    known = [rule.known(value, fewest) for value in values]
    bounds = pl.DataFrame({"low_": [low for low, _ in known], "high_": [high for _, high in known]}, schema=BOUNDS)
    of_value = bounds.with_columns(values.alias(rule.count))
    return vintage.rows.select(*table.key, rule.count).join(of_value, on=rule.count, how="left").drop(rule.count)


def _left_over(
    table: Table, margin: Margin, told: pl.DataFrame, versions: tuple[Vintage, Vintage], k: float, *, is_exact: bool
) -> Iterator[Exposure]:
    key = list(table.key)
    parts = (
        told.filter(margin.parts)
        .with_columns(**margin.whole)
        .group_by(key)
        .agg(pl.col("low_", "high_").sum(), pl.col("revised_", "joint_").any(), parts_=pl.len())
    )
    wholes = told.select(*key, whole_low_="low_", whole_high_="high_", whole_revised_="revised_", whole_joint_="joint_")
    is_joint = pl.col("joint_") if is_exact else pl.col("joint_") | pl.col("whole_joint_")
    sums = parts.join(wholes, on=key).filter(is_joint, ~pl.col("revised_"), ~pl.col("whole_revised_"))
    new, old = versions
    for row in sums.sort(key).iter_rows(named=True):
        low, high = row["whole_low_"] - row["high_"], row["whole_high_"] - row["low_"]
        # A number that is rounded is below the end of what it may be, so what is left is more than its least.
        nothing, few = (HALF_UNIT * (row["parts_"] + 1), k) if is_exact else (-SMALLEST, k + SMALLEST)
        if nothing < low and high < few:
            place = ", ".join(str(row[name]) for name in key)
            said = (
                f"{new.name} and {old.name}: all of {place} is {_between(row['whole_low_'], row['whole_high_'])}",
                f"less {row['parts_']:,} parts that are told, together {_between(row['low_'], row['high_'])}",
                f"so what neither tells is {_between(low, high)}",
            )
            yield Exposure(place, max(low, 0.0), high, said)


def _between(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


# --- groups ------------------------------------------------------------------------------------------------


def _groups(table: Table, rule: Groups | Shares, new: Vintage, old: Vintage, k: float) -> Iterator[Exposure]:
    """Yield groups that grew or shrank by few: from two means and two numbers of units follows that of the few."""
    columns = [*table.key, rule.units]
    both = new.rows.select(columns).join(old.rows.select(columns), on=list(table.key), suffix="_old")
    change = (pl.col(rule.units) - pl.col(f"{rule.units}_old")).abs()
    for row in both.filter((change > 0) & (change < k)).sort(table.key).iter_rows(named=True):
        place = ", ".join(str(row[name]) for name in table.key)
        now, then = row[rule.units], row[f"{rule.units}_old"]
        said = (
            f"{new.name}: {rule.unit} in {place} are {now}",
            f"less {old.name}: they are {then}",
            f"so the figures of the {abs(now - then)} by which they differ follow from the figures of both",
        )
        yield Exposure(place, abs(now - then), abs(now - then), said)
