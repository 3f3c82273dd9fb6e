"""Pseudonyms of meters: a keyed hash, made while a file is parsed, so that no table holds a meter's name."""

import re
from collections.abc import Iterable
from hashlib import blake2b

import polars as pl

DIGEST_BYTES = 8
WHOLE_NUMBER = re.compile(r"[+-]?\d+\.0*")


def canonical(name: str) -> str:
    """Return the form in which a meter's name is hashed: `1392`, ` 1392 ` and `1392.0` are one meter."""
    name = name.strip()
    return name.split(".")[0] if WHOLE_NUMBER.fullmatch(name) else name


def canonical_column(column: str) -> pl.Expr:
    """Return `canonical` of a column of names."""
    return pl.col(column).str.strip_chars().str.replace(r"^([+-]?\d+)\.0*$", "$1")


class Pseudonyms:
    """Turns names of meters into 64-bit numbers.

    Parameters
    ----------
    secret
        Key of the installation, `Home.secret()`. Without it nobody can find the number of a name by
        trying out names.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._known: dict[tuple[str, str], int] = {}

    def of(self, trial: str, name: str | int) -> int:
        """Return the number of a meter; the same name in two trials is two meters."""
        key = (trial, str(name))
        if key not in self._known:
            text = f"{trial}:{canonical(key[1])}".encode()
            digest = blake2b(text, key=self._secret, digest_size=DIGEST_BYTES).digest()
            self._known[key] = int.from_bytes(digest, "little", signed=True)
        return self._known[key]

    def all_of(self, trial: str, names: Iterable[str | int]) -> list[int]:
        """Return the numbers of some meters."""
        return [self.of(trial, name) for name in names]

    def of_column(self, trial: str, names: pl.Series) -> pl.Series:
        """Return the numbers of a column of names; null stays null."""
        different = names.drop_nulls().unique()
        if different.is_empty():
            return pl.Series(names.name, [None] * len(names), dtype=pl.Int64())
        return names.replace_strict(different, pl.Series(self.all_of(trial, different), dtype=pl.Int64()), default=None)
