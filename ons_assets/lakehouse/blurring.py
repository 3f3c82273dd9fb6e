"""How what is told of counts is made inexact: rounded, or perturbed by cell keys. What is small is withheld too."""

from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil

import polars as pl

# Above the largest value of a perturbation table its last rows are used again, so many in turn.
REPEATED = 250


@dataclass(frozen=True)
class Rounded:
    """What is told is rounded, so that sums leave a doubt and fewer of them are withheld.

    Parameters
    ----------
    to
        Multiples of this are told.
    controlled
        Whether sums of what is told are the sums that are told: a number then goes to the multiple above or below it,
        not always to the nearer one. Else each is rounded by itself, halves up.
    with_fewest
        Whether it is coarser where the fewest units that may be told are more: of two such numbers the difference then
        leaves open, as any of them, whether it is of few.

    References
    ----------
    Cox (1987), "A constructive procedure for unbiased controlled rounding", Journal of the American Statistical
    Association 82, pp. 520-524.
    """

    to: int
    controlled: bool = False
    with_fewest: bool = False

    def at_least(self, fewest: float) -> "Rounded":
        """Return how it is rounded where so many units may be told: to the least multiple of `to` that is as many.

        Parameters
        ----------
        fewest
            Units of a told number, at least.
        """
        return replace(self, to=max(ceil(fewest / self.to), 1) * self.to) if self.with_fewest else self

    def told(self, counts: pl.Series) -> pl.Series:
        """Return the numbers, each rounded by itself."""
        return ((counts + self.to / 2) / self.to).floor().cast(counts.dtype) * self.to

    def known(self, told: float) -> tuple[float, float]:
        """Return between what the number lies behind one that is told; numbers are whole."""
        reach = self.to - 1 if self.controlled else self.to / 2
        return told - reach, told + reach


@dataclass(frozen=True, eq=False)
class Perturbed:
    """Noise is added that goes with the units themselves: the same units have the same in all tables (cell keys).

    Each unit has a key of its own at random; the keys of the units of a number, added up, and the number choose its
    noise in a table, as in the census of 2021 in England and Wales.

    Parameters
    ----------
    table
        `pcv`, the number, from 1 on; `ckey`, from 0 on; `pvalue`, what is added: all of every pair of them, in the form
        of the office's package `cell-key-perturbation`.
    key
        Column of the sum of the keys; it is only for the step.

    Raises
    ------
    ValueError
        If the table lacks a pair, or has one twice, or adds more than it has numbers.

    References
    ----------
    Fraser and Wooton (2005), "A proposed method for confidentialising tabular output to protect against differencing",
    Joint UNECE/Eurostat work session on statistical data confidentiality.
    """

    table: pl.DataFrame
    key: str

    def __post_init__(self) -> None:
        pairs = self.table.select("pcv", "ckey").unique()
        is_whole = pairs.height == self.table.height == self._most * self._keys
        if not is_whole or self.table["pcv"].min() != 1 or self.table["ckey"].min() != 0:
            raise ValueError("the perturbation table has not each number from 1 on with each key from 0 on, once")
        if self.table.select(pl.col("pvalue").abs().max()).item() > self._repeated:
            raise ValueError(f"the perturbation table has noise of more than {self._repeated}")

    @cached_property
    def _most(self) -> int:
        return int(self.table["pcv"].max())  # type: ignore[arg-type]

    @cached_property
    def _keys(self) -> int:
        return int(self.table["ckey"].max()) + 1  # type: ignore[arg-type]

    @property
    def _repeated(self) -> int:
        return min(REPEATED, self._most)

    def _row_of(self, counts: pl.Expr) -> pl.Expr:
        again = (counts - self._most - 1) % self._repeated + self._most - self._repeated + 1
        return pl.when(counts > self._most).then(again).otherwise(counts)

    def told(self, counts: pl.Series, keys: pl.Series) -> pl.Series:
        """Return the numbers as they are told.

        Parameters
        ----------
        counts
            Above zero.
        keys
            Sums of the keys of their units.
        """
        rows = pl.DataFrame({"counts": counts, "keys": keys}).select(
            counts=pl.col("counts").cast(pl.Int64()),
            pcv=self._row_of(pl.col("counts").cast(pl.Int64())),
            ckey=pl.col("keys").cast(pl.Int64()) % self._keys,
        )
        noise = rows.join(self._noise, on=["pcv", "ckey"], how="left", maintain_order="left")["pvalue"]
        return (rows["counts"] + noise).cast(counts.dtype)

    @cached_property
    def _noise(self) -> pl.DataFrame:
        return self.table.select(pl.col("pcv", "ckey", "pvalue").cast(pl.Int64()))

    def known(self, told: float) -> tuple[float, float]:
        """Return between what the number lies behind one that is told."""
        beyond = int(told) - self._most - 2 * self._repeated
        turns = max(0, -(-beyond // self._repeated)) * self._repeated
        low, high = self._numbers_behind[int(told) - turns]
        return float(low + turns), float(high + turns)

    @cached_property
    def _numbers_behind(self) -> dict[int, tuple[int, int]]:
        """Least and largest number behind one that is told; beyond, where rows are used in turn, all is the same."""
        numbers = pl.DataFrame({"number": pl.int_range(1, self._most + 3 * self._repeated + 1, eager=True)})
        told = numbers.with_columns(pcv=self._row_of(pl.col("number"))).join(self._noise, on="pcv")
        behind = told.group_by(told=pl.col("number") + pl.col("pvalue")).agg(
            low=pl.col("number").min(), high=pl.col("number").max()
        )
        return {told: (low, high) for told, low, high in behind.select("told", "low", "high").iter_rows()}


def uniform_noise(most: int, numbers: int = REPEATED, keys: int = 256) -> pl.DataFrame:
    """Return a perturbation table whose noise lies between a number and its negative, all between being as likely.

    Parameters
    ----------
    most
        Most that is added or taken away.
    numbers
        Largest number of the table.
    keys
        Keys are whole numbers below this.
    """
    pairs = pl.DataFrame({"pcv": pl.int_range(1, numbers + 1, eager=True)}).join(
        pl.DataFrame({"ckey": pl.int_range(keys, eager=True)}), how="cross"
    )
    return pairs.with_columns(pvalue=pl.col("ckey") % (2 * most + 1) - most)
