"""What makes counts inexact: cell keys against the office's own package, controlled rounding against all roundings."""

import itertools

import numpy as np
import polars as pl
import pytest
from cell_key_perturbation.create_perturbed_table import create_perturbed_table
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.governance.disclosure.controlled_rounding import NoRounding, controlled_rounding
from ons_assets.governance.disclosure.sums import Equation
from ons_assets.lakehouse.blurring import Perturbed, Rounded, uniform_noise

# The size that the package is made for: rows 501 to 750 are used again above.
NUMBERS = 750


def to_fives() -> pl.DataFrame:
    """Noise that takes numbers below ten away, and rounds the others to multiples of five."""
    number = pl.col("pcv")
    rounded = (number + 2) // 5 * 5 - number
    return uniform_noise(0, NUMBERS).with_columns(pvalue=pl.when(number < 10).then(-number).otherwise(rounded))


def drawn(seed: int, most: int) -> pl.DataFrame:
    """Noise of each number and key drawn by itself, never below zero."""
    noise = np.random.default_rng(seed).integers(-most, most + 1, size=NUMBERS * 256)
    table = uniform_noise(0, NUMBERS).with_columns(pvalue=pl.Series(noise))
    return table.with_columns(pvalue=pl.max_horizontal("pvalue", -pl.col("pcv")))


@pytest.mark.parametrize("table", [to_fives(), drawn(1, 3), drawn(2, 6), uniform_noise(2, NUMBERS)])
def test_cell_keys_tell_what_the_package_of_the_office_tells(table: pl.DataFrame) -> None:
    rng = np.random.default_rng(3)
    people = pl.DataFrame(
        {
            "area": rng.choice(list("ABCDEFG"), p=[0.4, 0.3, 0.2, 0.05, 0.03, 0.015, 0.005], size=9_000),
            "age": rng.choice(["young", "old"], p=[0.9, 0.1], size=9_000),
            "record_key": rng.integers(256, size=9_000),
        }
    )
    theirs = create_perturbed_table(
        people.to_pandas(), table.to_pandas(), ["area"], ["age"], "record_key", use_existing_ons_id=False, threshold=10
    )
    ours = people.group_by("area", "age").agg(n=pl.len(), keys=pl.col("record_key").sum())
    told = Perturbed(table, "keys").told(ours["n"].cast(pl.Int64()), ours["keys"])
    mine = {(area, age): n for area, age, n in ours.select("area", "age", told.alias("n")).iter_rows() if n >= 10}
    others = {
        (area, age): int(n)
        for area, age, n in theirs[["area", "age", "count"]].dropna().itertuples(index=False)
    }  # fmt: skip
    assert mine == others
    assert max(ours["n"]) > NUMBERS


@pytest.mark.parametrize("table", [to_fives(), drawn(1, 3), uniform_noise(2), uniform_noise(1, numbers=4, keys=3)])
def test_behind_a_number_that_is_told_lies_what_may_have_been_told_as_it(table: pl.DataFrame) -> None:
    blur = Perturbed(table, "keys")
    most, keys = int(table["pcv"].max()), int(table["ckey"].max()) + 1  # type: ignore[arg-type]
    numbers = pl.Series(range(1, 3 * most)).repeat_by(keys).explode()
    told = blur.told(numbers, pl.Series([*range(keys)] * (3 * most - 1)))
    behind = (
        pl.DataFrame({"number": numbers, "told": told})
        .group_by("told")
        .agg(low=pl.col("number").min(), high=pl.col("number").max())
    )
    for value, low, high in behind.filter(pl.col("told") < 2 * most).iter_rows():
        assert blur.known(value) == (low, high)


def test_a_table_that_lacks_a_pair_is_refused() -> None:
    table = uniform_noise(2)
    for wrong in (table[1:], pl.concat([table[1:], table[1:2]]), table.with_columns(pl.col("ckey") + 1)):
        with pytest.raises(ValueError, match="each key"):
            Perturbed(wrong, "keys")


def cube(counts: np.ndarray) -> tuple[np.ndarray, list[Equation]]:
    """All rows of a table with all its sums, and which is the sum of which."""
    places: dict[tuple[int, ...], int] = {}
    values = []
    for name in itertools.product(*(range(size + 1) for size in counts.shape)):
        places[name] = len(values)
        chosen = tuple(slice(None) if at == size else at for at, size in zip(name, counts.shape, strict=True))
        values.append(float(np.sum(counts[chosen])))
    sums = [
        Equation(place, np.array([places[(*name[:axis], at, *name[axis + 1 :])] for at in range(size)]))
        for name, place in places.items()
        for axis, size in enumerate(counts.shape)
        if name[axis] == size
    ]
    return np.array(values), sums


@given(st.lists(st.integers(0, 40), min_size=6, max_size=6), st.sampled_from([2, 3, 5, 10]))
@settings(max_examples=40, deadline=None)
def test_controlled_rounding_is_the_nearest_of_all_that_add_up(counts: list[int], to: int) -> None:
    values, sums = cube(np.array(counts).reshape(2, 3))
    found = controlled_rounding(values, sums, to)
    assert (found % to == 0).all()
    assert (abs(found - values) < to).all()
    assert all(found[each.parts].sum() == found[each.whole] for each in sums)
    inner = [each for each in range(12) if each % 4 != 3 and each < 8]
    ends = [{value // to * to, -(-value // to) * to} for value in values[inner]]
    least = min(
        abs(full - values).sum()
        for chosen in itertools.product(*ends)
        for full in [cube(np.array(chosen).reshape(2, 3))[0]]
        if (abs(full - values) < to).all()
    )
    assert abs(found - values).sum() == pytest.approx(least)


def test_numbers_that_no_multiples_beside_them_can_add_up_to_are_said_to_be_so() -> None:
    """Three equal halves of one whole, pair by pair: no rounding of each makes all pairs whole."""
    pairs = [Equation(3 + place, np.array(pair)) for place, pair in enumerate([(0, 1), (0, 2), (1, 2)])]
    with pytest.raises(NoRounding, match="add up"):
        controlled_rounding(np.array([1.0, 1, 1, 2, 2, 2]), pairs, 2)


def test_numbers_without_sums_are_rounded_to_the_nearest() -> None:
    assert controlled_rounding(np.array([1.0, 4, 10]), [], 5).tolist() == [0, 5, 10]
    assert Rounded(5).told(pl.Series([1, 4, 10])).to_list() == [0, 5, 10]
