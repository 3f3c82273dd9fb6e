"""JSON objects as flat rows of text: dots lead inwards, numbers keep their digits, arrays stay JSON."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from ons_assets.intake.blocks import LINE, LINE_OF_FILE, WITHOUT_NAME
from ons_assets.intake.values import with_decimal_comma

MAX_DEPTH = 64
TOO_DEEP = f"is nested deeper than {MAX_DEPTH} levels"
NOT_JSON = "is not valid JSON"
# What msgspec raises over text that is no JSON; Python's errors over bytes that are not UTF-8, and over numbers
# of thousands of digits, it lets through.
NOT_JSON_ERRORS = (msgspec.MsgspecError, ValueError)


_decode = msgspec.json.Decoder().decode
_decode_with_commas = msgspec.json.Decoder(float_hook=with_decimal_comma).decode


class Faulty(ValueError):
    """A record is no row; the message says why, and holds no value of it."""


def decoded(text: bytes, decimal: str | None = None) -> Any:
    """Return a JSON value.

    Parameters
    ----------
    text
        The value.
    decimal
        Mark that its texts have before decimals; a comma makes its numbers texts of that kind, because JSON itself
        knows the point alone.

    Raises
    ------
    Faulty
        If it is none, or is nested without measure.
    """
    try:
        return _decode_with_commas(text) if decimal == "," else _decode(text)
    except RecursionError:
        raise Faulty(TOO_DEEP) from None
    except NOT_JSON_ERRORS:
        raise Faulty(NOT_JSON) from None


def row(value: Any, columns: Collection[str] | None) -> dict[str, str | None]:
    """Return a JSON object, or an array of cells, as a row.

    Parameters
    ----------
    value
        Of a record.
    columns
        That are needed; all of them if None. A name may lead through arrays by number: `position.0`.

    Raises
    ------
    Faulty
        If it is neither, or nested without measure.
    """
    if isinstance(value, list):
        value = {WITHOUT_NAME.format(position=position): each for position, each in enumerate(value, start=1)}
    if not isinstance(value, dict):
        raise Faulty("is not a JSON object")
    if columns is not None:
        return {name: as_text(_at(value, name)) for name in columns}
    found: dict[str, str | None] = {}
    _flatten(value, "", found, 0)
    return found


def as_text(value: Any) -> str | None:
    """Return a JSON value as text: strings as they are, true and false, numbers, and JSON for the rest."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    try:
        return msgspec.json.encode(value).decode()
    except RecursionError:
        raise Faulty(TOO_DEEP) from None


def _flatten(value: Mapping[str, Any], prefix: str, found: dict[str, str | None], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Faulty(TOO_DEEP)
    for key, each in value.items():
        if isinstance(each, dict) and each:
            _flatten(each, f"{prefix}{key}.", found, depth + 1)
        else:
            name = f"{prefix}{key}"
            found[LINE_OF_FILE if name == LINE else name] = as_text(each)


def _at(value: Any, name: str) -> Any:
    if name in value:
        return value[name]
    if name == LINE_OF_FILE and LINE in value:
        return value[LINE]
    for part in name.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value
