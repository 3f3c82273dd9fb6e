"""All tables of whole numbers that agree with figures, one after the other: slow, and obviously right."""

from collections.abc import Iterator, Sequence

from ons_assets.governance.disclosure.audit import Cell, Figure

Table = dict[Cell, int]


def tables(figures: Sequence[Figure]) -> Iterator[Table]:
    """Yield every table that agrees; each cell is in a figure, and each figure is finite."""
    cells = list(dict.fromkeys(cell for figure in figures for cell in figure.cells))
    yield from _filled(cells, figures, {})


def _filled(cells: Sequence[Cell], figures: Sequence[Figure], table: Table) -> Iterator[Table]:
    if len(table) == len(cells):
        yield dict(table)
        return
    cell = cells[len(table)]
    concerned = [figure for figure in figures if cell in figure.cells]
    value = 0
    while all(_told(figure, {**table, cell: value}) <= figure.high for figure in concerned):
        table[cell] = value
        complete = [figure for figure in concerned if all(each in table for each in figure.cells)]
        if all(_told(figure, table) >= figure.low for figure in complete):
            yield from _filled(cells, figures, table)
        del table[cell]
        value += 1


def _told(figure: Figure, table: Table) -> int:
    return sum(table.get(cell, 0) for cell in figure.cells)


def ranges(figures: Sequence[Figure]) -> dict[Cell, tuple[int, int]]:
    """Return the least and the most that each cell is in any table."""
    found: dict[Cell, tuple[int, int]] = {}
    for table in tables(figures):
        for cell, value in table.items():
            low, high = found.get(cell, (value, value))
            found[cell] = min(low, value), max(high, value)
    return found
