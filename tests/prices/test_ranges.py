"""Products of which no two packs weigh the same: the name gives a range, the unit price says where in it."""

import pytest

from ons_assets.prices.checked import check
from tests.prices.test_checked import quotes

CHICKEN = {"product": "WHOLE CHICKEN 1.5-2.5KG", "unit_quantity": 1.0, "unit": "kg"}


def test_of_a_range_the_unit_price_says_what_the_pack_weighs() -> None:
    found = check(
        quotes(*({"day": day, "price": 2.0 * kg, "unit_price": 2.0, **CHICKEN} for day, kg in ((0, 1.6), (1, 2.2))))
    )
    assert found["pack_quantity"].to_list() == pytest.approx([1.6, 2.2])
    assert found["price_per_unit"].to_list() == pytest.approx([2.0, 2.0])
    assert found["pack_source"].to_list() == ["unit price"] * 2
    assert found["product_id"].n_unique() == 1
    assert not found["unit_conflict"].any()


def test_without_a_unit_price_a_range_stands_for_its_middle_and_says_so() -> None:
    [found] = check(quotes({"price": 4.0, "product": "WHOLE CHICKEN 1.5-2.5KG"})).to_dicts()
    assert (found["pack_quantity"], found["pack_source"]) == (2.0, "range")


def test_a_unit_price_outside_the_range_is_a_conflict() -> None:
    [found] = check(quotes({"price": 8.0, "unit_price": 2.0, **CHICKEN})).to_dicts()
    assert (found["pack_quantity"], found["pack_source"], found["unit_conflict"]) == (2.0, "range", True)
