"""Whether a line is a header, and what in it may be a name: a header that is missed, or none, is somebody's record."""

import re
from collections.abc import Sequence
from itertools import pairwise

from ons_assets.intake.blocks import WITHOUT_NAME

LONGEST_NAME = 80
CLOCK = re.compile(r"(\d{1,2}):(\d{2})(:\d{2})?")
PLAIN_NUMBER = re.compile(r"\s*[+-]?\d+([.,]\d+)?\s*")
# Such as population_2011: what a column has of one of several years.
OF_A_YEAR = re.compile(r"[^\W\d_]{3,}[_ ](19|20)\d\d")
NAME = re.compile(r"[^\W\d_][\w .,:;/()\[\]%€£$&+*'#°²³^<>=-]*", re.UNICODE)
FEWEST_CLOCK_TIMES = 24


def names_of(first: Sequence[str], below: Sequence[Sequence[str]]) -> tuple[str, ...] | None:
    """Return the names of columns if a line is a header; None if it may be a record.

    A header has names where the lines below have values.
    """
    cells = [cell.strip() for cell in first]
    named = [cell for cell in cells if cell]
    times = _clock_times(cells)
    values = sum(is_value(cell) for cell in named) - times
    if not named or len(set(named)) < len(named):
        return None
    if 2 * values > len(named) - times:
        # Codes such as S000 may be names, if it is numbers that stand below nearly all of them.
        return looking_like_names(cells) if _are_above_numbers(cells, below) else None
    contrast = times > 0 or any(
        cell
        and not is_value(cell)
        and (column := [record[place] for record in below if place < len(record) and record[place].strip()])
        and 2 * sum(is_value(value) for value in column) > len(column)
        for place, cell in enumerate(cells)
    )
    return looking_like_names(cells, clock=times > 0) if contrast else None


def _are_above_numbers(cells: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Return whether most cells are no numbers, and stand above nothing else."""
    columns = [
        [record[place] for record in below if place < len(record) and record[place].strip()]
        for place in range(len(cells))
    ]
    above = sum(
        bool(cell and column) and not PLAIN_NUMBER.fullmatch(cell) and all(map(PLAIN_NUMBER.fullmatch, column))
        for cell, column in zip(cells, columns, strict=True)
    )
    return 2 * above > len(cells)


def _clock_times(cells: Sequence[str]) -> int:
    """Return how many names are the times of a day in order, as of files with a day in each row."""
    found = [CLOCK.fullmatch(cell) for cell in cells]
    minutes = [int(each[1]) * 60 + int(each[2]) for each in found if each]
    steps = {(later - earlier) % 1440 for earlier, later in pairwise(minutes)}
    return len(minutes) if len(minutes) >= FEWEST_CLOCK_TIMES and len(steps) == 1 else 0


def looking_like_names(cells: Sequence[str], *, clock: bool = False) -> tuple[str, ...]:
    """Return names; what does not look like one is called by its place."""
    return tuple(
        cell if is_name(cell) or (clock and CLOCK.fullmatch(cell)) else WITHOUT_NAME.format(position=position)
        for position, cell in enumerate(cells, start=1)
    )


def is_name(text: str) -> bool:
    """Return whether a text looks like the name of a column."""
    return len(text) <= LONGEST_NAME and NAME.fullmatch(text) is not None and not is_value(text)


def is_value(text: str) -> bool:
    """Return whether a text is a number, a date, a code, or another thing with many digits.

    >>> is_value("MAC000002"), is_value("coicop_1999"), is_value("2016-07-21")
    (True, False, True)
    """
    if OF_A_YEAR.fullmatch(text):
        return False
    digits = sum(character.isdigit() for character in text)
    letters = sum(character.isalpha() for character in text)
    return digits > 0 and (digits >= letters or digits >= 4)
