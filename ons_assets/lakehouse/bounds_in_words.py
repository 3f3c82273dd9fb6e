"""A bound, and what the gate found, in words that somebody reads who does not know Great Expectations."""

import json
from collections.abc import Mapping
from typing import Any

LONGEST_BOUND = 300
# What Great Expectations calls the columns that an expectation is about.
COLUMNS = ("column", "column_A", "column_B")
NOT_SAID = (*COLUMNS, "batch_id", "row_condition", "condition_parser", "ignore_row_if", "exact_match")
# A bound of what has none, such as that values are there.
NONE = "none"
# How a bound is said, by the argument of Great Expectations that holds it.
WORDS = {
    "min_value": "at least {}",
    "max_value": "at most {}",
    "mostly": "of at least {} of the rows",
    "value_set": "one of {}",
    "column_set": "{}",
    "regex": "the form {}",
    "strict_min": "more than the least",
    "strict_max": "less than the most",
    "or_equal": "or equal",
    "sum_total": "{}",
}
# How what was found is said, the first of them that Great Expectations tells.
FOUND = {
    "observed_value": "{}",
    "unexpected_count": "{} of {element_count} rows otherwise",
    "missing_count": "{} of {element_count} are null",
}


def bound_in_words(kwargs: Mapping[str, Any]) -> str:
    """Return a bound such as "at least 0, at most 100, of at least 0.95 of the rows".

    Parameters
    ----------
    kwargs
        Arguments of the expectation.
    """
    said = [
        WORDS.get(word, f"{word.replace('_', ' ')} {{}}").format(value_in_words(value))
        for word, value in kwargs.items()
        if word not in NOT_SAID and value is not None and value is not False
    ]
    if kwargs.get("row_condition"):
        said.append(f"where {kwargs['row_condition']}")
    text = ", ".join(said) or NONE
    return text if len(text) <= LONGEST_BOUND else f"{text[:LONGEST_BOUND]} …"


def columns_of(kwargs: Mapping[str, Any]) -> list[str]:
    """Return the columns that an expectation is about.

    Parameters
    ----------
    kwargs
        Arguments of the expectation.
    """
    return [kwargs[word] for word in COLUMNS if kwargs.get(word) is not None]


def value_in_words(value: Any) -> str:
    """Return a value as it is said: whole numbers with commas, lists without brackets.

    Parameters
    ----------
    value
        Of JSON.
    """
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return value if isinstance(value, str) else json.dumps(value, default=str)


def found_in_words(found: Mapping[str, Any]) -> str:
    """Return what was found, such as "3 of 1,000 rows otherwise".

    Parameters
    ----------
    found
        Entry of Great Expectations' result, without what may not be told of the table.
    """
    result = found.get("result") or {}
    for name, words in FOUND.items():
        if result.get(name) is not None:
            value = value_in_words(result[name])
            said = words.format(value, element_count=value_in_words(result.get("element_count", "the")))
            return said if len(said) <= LONGEST_BOUND else f"{said[:LONGEST_BOUND]} …"
    return "as expected" if found["success"] else "not as expected"
