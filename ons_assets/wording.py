"""Numbers in sentences, and what is wrong with what a person wrote."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

LONGEST_QUOTED = 60
# Names that are all told where none of them is near to what was written; of more, so many.
NAMES_TOLD = 30
# What a terminal or a page obeys instead of showing it: controls, and marks that turn the direction of text.
OBEYED = {
    code: "\ufffd"
    for code in (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
    if chr(code) not in "\n\t"
}
# By the kinds of faults that pydantic tells, in the words of people who never heard of it.
FAULTS = {
    "missing": "is missing, and must be said",
    "extra_forbidden": "is no word that is known here",
    "invalid_key": "is to be a text: write it in quotes",
    "greater_than": "is to be more than {gt}",
    "greater_than_equal": "is to be at least {ge}",
    "less_than": "is to be less than {lt}",
    "less_than_equal": "is to be at most {le}",
    "string_too_short": "is to have at least {min_length} characters",
    "string_too_long": "is to have at most {max_length} characters",
    "string_pattern_mismatch": "is to be as the pattern {pattern} has it",
    "too_short": "is to have at least {min_length} of them",
    "too_long": "is to have at most {max_length} of them",
    "literal_error": "is to be {expected}",
    "enum": "is to be {expected}",
    "value_error": "{error}",
    "assertion_error": "{error}",
}
# The same, by the first word of the kind: `int_parsing` and `int_type` ask for the same thing.
ASKED_FOR = {
    "int": "is to be a whole number",
    "float": "is to be a number",
    "finite": "is to be a number",
    "bool": "is to be true or false",
    "date": "is to be a day, such as 2016-07-21",
    "time": "is to be a time, such as 13:30",
    "tuple": "is to be a list, such as [a, b]",
    "list": "is to be a list, such as [a, b]",
    "set": "is to be a list, such as [a, b]",
    "frozen": "is to be a list, such as [a, b]",
    "dict": "is to have words with their values in it",
    "model": "is to have words with their values in it",
    "mapping": "is to have words with their values in it",
    "path": "is to be a path",
}


def counted(number: int, thing: str) -> str:
    """Return how many there are of a thing.

    >>> counted(1, "row"), counted(2344, "row")
    ('1 row', '2,344 rows')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def listed(things: Sequence[str], last: str = "and") -> str:
    """Return things as people list them, with a word before the last.

    >>> listed(["cells"]), listed(["cells", "devices"]), listed(["cells", "devices", "areas"])
    ('cells', 'cells and devices', 'cells, devices and areas')
    """
    return f" {last} ".join([*([", ".join(things[:-1])] if len(things) > 1 else []), *things[-1:]])


def one_line(text: str) -> str:
    r"""Return a text in one line, with a blank for each run of blanks, ends of lines and characters that show nothing.

    >>> one_line(" interview\n of\x1b 3 May ")
    'interview of 3 May'
    """
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def meant(name: str, names: Iterable[str]) -> str:
    """Return a question to follow a sentence that there is nothing of a name; empty if nothing is near.

    Parameters
    ----------
    name
        As it was given; of a table it may be the part after the slash.
    names
        That there are.

    Examples
    --------
    >>> meant("item_indices", ["prices/item_indices", "prices/aggregate_indices"])
    '; did you mean prices/item_indices?'
    """
    short = {each.rpartition("/")[2]: each for each in names} | {each: each for each in names}
    close = difflib.get_close_matches(name, short, n=1)
    return f"; did you mean {short[close[0]]}?" if close else ""


def or_known(name: str, names: Iterable[str]) -> str:
    """Return what follows a sentence that there is nothing of a name: what was probably meant, else what there is.

    >>> or_known("price", ["prices", "tweets"]), or_known("cars", ["prices", "tweets"])
    ('; did you mean prices?', '; there are prices and tweets')
    """
    known = [*names]
    more = [counted(len(known) - NAMES_TOLD, "other")] if len(known) > NAMES_TOLD else []
    return meant(name, known) or f"; there are {listed([*known[:NAMES_TOLD], *more]) or 'none'}"


def no_such(thing: str, name: str, names: Iterable[str]) -> str:
    """Return the sentence that there is nothing of a name, and what there is; see `or_known`.

    Parameters
    ----------
    thing
        What it would be, such as "source".
    name
        As it was given.
    names
        That there are, in the order in which they are told.

    Examples
    --------
    >>> no_such("source", "price", ["prices", "tweets"])
    "there is no source 'price'; did you mean prices?"
    """
    return f"there is no {thing} {name!r}{or_known(name, names)}"


def fault_in_words(fault: Mapping[str, Any]) -> str:
    """Say what is wrong with a value and what is allowed in its place, to follow the name of the word.

    Parameters
    ----------
    fault
        One of pydantic's `errors()`.

    Examples
    --------
    >>> fault_in_words({"type": "greater_than", "ctx": {"gt": 0}, "input": -1})
    'is to be more than 0, not -1'
    """
    kind, given = fault["type"], fault.get("input")
    quoted = isinstance(given, str | int | float) and kind not in ("extra_forbidden", "value_error", "invalid_key")
    instead = f", not {given!r}" if quoted and len(repr(given)) <= LONGEST_QUOTED else ""
    if kind == "string_type":
        # YAML takes 0114 for a number and off for a truth value; which text was meant, only its writer knows.
        return "is to be a text: write it in quotes" if quoted else "is to be a text"
    said = FAULTS.get(kind) or ASKED_FOR.get(kind.split("_")[0]) or f"cannot be used ({fault['msg']})"
    bounds = {name: f"{value:g}" if isinstance(value, float) else value for name, value in fault.get("ctx", {}).items()}
    return said.format_map(bounds) + instead
