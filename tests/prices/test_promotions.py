"""Texts of offers, of our own but of the kinds that shops write, and what they say of prices."""

from time import perf_counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_assets.prices.promotions import parse_promotion, promotions


@pytest.mark.parametrize(
    ("text", "price", "regular", "paid"),
    [
        ("Save 40p Was £2.30 Now £1.90", 1.90, 2.30, 1.90),
        ("SAVE £3.50 Was £16.50 Now £13.00", 13.00, 16.50, 13.00),
        ("Half Price Was £1.18 Now 59p", 0.59, 1.18, 0.59),
        ("Half Price:  was 90p now 45p", 0.45, 0.90, 0.45),
        ("Better Than Half Price Was £1.60 Now 70p", 0.70, 1.60, 0.70),
        ("Save £1.25 Was £4.00 Then £3.00 Now £2.75", 2.75, 4.00, 2.75),
        ("Save 1/3 Was £3.30 Now £2.20", 2.20, 3.30, 2.20),
        ("Save 30% Was £2.00 Now £1.40", 1.40, 2.00, 1.40),
        ("Was 2.40", 0.79, 2.40, None),
        ("now £1.20, was £1.60", 1.20, 1.60, 1.20),
        ("Was €1,89 now €1,49", 1.49, 1.89, 1.49),
        ("was 3.49 EUR now 2.99 EUR", 2.99, 3.49, 2.99),
        ("Only £2.25: Save 50p", 2.25, 2.75, 2.25),
        ("Only 85p: Save 15p", 0.85, 1.00, 0.85),
        ("Only £5.50: Save £2.00,PLUS Only £6.50: Save £1.00", 5.50, 7.50, 5.50),
        ("save 35p", 1.65, 2.00, None),
        ("save £1.10", 3.30, 4.40, None),
        ("£1.50 off", 4.50, 6.00, None),
        ("Half Price", 1.35, 2.70, None),
        ("20% Off", 4.00, 5.00, None),
        ("Save 1/4", 3.00, 4.00, None),
        ("1/3 off", 2.00, 3.00, None),
        ("Was £1,299.00 Now £999.00", 999.00, 1299.00, 999.00),
        ("Save £1,000", 2500.00, 3500.00, None),
    ],
)
def test_a_cut_says_what_the_pack_costs_without_it(text: str, price: float, regular: float, paid: float | None) -> None:
    offer = parse_promotion(text, price)
    assert offer is not None
    assert (offer.kind, offer.packs) == ("cut", None)
    assert offer.regular_price == pytest.approx(regular)
    assert offer.paid_price == (None if paid is None else pytest.approx(paid))


@pytest.mark.parametrize(
    ("text", "price", "packs", "each"),
    [
        ("Any 4 for £6.00", 2.00, 4, 1.50),
        ("Any 2 for 90p", 0.60, 2, 0.45),
        ("Add 3 for £4", 1.50, 3, 4 / 3),
        ("2 for 3.50", 2.00, 2, 1.75),
        ("3 for £9.00 or 2 for £7.00", 4.00, 3, 3.00),
        ("2 for £4 on Selected Soft Cheese", 2.50, 2, 2.00),
        ("Any 3 for 2 Cheapest Product FREE", 3.00, 3, 2.00),
        ("Mix & Match Add 4 for 3 Cheapest Item Free", 4.00, 4, 3.00),
        ("Add 2 for the price of 1", 3.00, 2, 1.50),
        ("Buy 1 Get 1 Free Cheapest Product Free", 2.00, 2, 1.00),
        ("Buy two get one free", 3.00, 3, 2.00),
        ("BOGOF", 1.80, 2, 0.90),
        ("Add 2 get 2nd half price Cheaper Item Half Price", 4.00, 2, 3.00),
        ("Buy one get one half price", 2.00, 2, 1.50),
        ("Buy any 6 or more save 25%", 8.00, 6, 6.00),
        ("20% Off When You Buy 3 or More Bottles Of Cider", 2.00, 3, 1.60),
        ("Add 2 you save £1", 3.00, 2, 2.50),
        ("Add 3 you save 60p", 1.00, 3, 0.80),
        ("save 40p when you buy 2", 1.00, 2, 0.80),
        ("both for £5", 3.00, 2, 2.50),
        ("Both for £5 or £3 each", 3.00, 2, 2.50),
        # The saving is that of the two, and none of a single pack.
        ("Buy 2 for £3, save 50p", 1.75, 2, 1.50),
    ],
)
def test_an_offer_on_several_packs_leaves_the_price_of_one(text: str, price: float, packs: int, each: float) -> None:
    offer = parse_promotion(text, price)
    assert offer is not None
    assert (offer.kind, offer.packs, offer.regular_price) == ("multibuy", packs, None)
    assert offer.multibuy_price == pytest.approx(each)


def test_a_cut_and_an_offer_on_several_may_stand_in_one_text() -> None:
    offer = parse_promotion("Only £7.50: Save £1.50,PLUS Buy any 6 or more save 20%", 7.50)
    assert offer is not None
    assert (offer.kind, offer.regular_price, offer.packs) == ("cut and multibuy", 9.0, 6)
    assert offer.multibuy_price == pytest.approx(6.0)


@pytest.mark.parametrize(
    "text",
    [
        "Brand Price Match",
        "New Lower Price",
        "Introductory Offer",
        "Introductory Offer:  Only £1.50",
        "Only £9.00",
        "Meal Deal for £3.00",
        "BUY 1 MAIN + 1 SIDE + 1 DRINK FOR £10",
        "25% extra free now 250g",
        "30% less fat",
        "Reduced to Clear",
        "Special Purchase £2.00",
        "Better than half price",
        "2 Sauces get Naan free",
        "was",
        "0 for £0",
        "Save 0/0",
        "Any 99 for £1",
        "100% off",
        "Was £0.50 Now £1.00",
        "Was £90000 now £1.00",
        "Save 1/1",
        "Up to 50% off",
        "Save up to 25% off selected lines",
        "Up to 1/3 off",
        "Up to £0.50 off",
        "£0.80 Clubcard Price",
        "20% off with Nectar",
        "Save 25p for members",
    ],
)
def test_what_says_nothing_of_the_price_changes_none(text: str) -> None:
    offer = parse_promotion(text, 1.00)
    assert offer is not None
    assert (offer.kind, offer.regular_price, offer.multibuy_price) == ("other", None, None)


def test_a_text_of_pages_is_read_as_fast_as_a_line() -> None:
    """Patterns that look ahead take time with the cube of the length: this one took nine seconds."""
    start = perf_counter()
    parse_promotion("buy " * 800 + "+ " * 800, 1.00)
    assert perf_counter() - start < 1


@pytest.mark.parametrize("text", [None, "", "  "])
def test_no_text_is_no_offer(text: str | None) -> None:
    assert parse_promotion(text, 1.0) is None


WORDS = (
    "was",
    "now",
    "save",
    "only",
    "any",
    "buy",
    "get",
    "free",
    "half price",
    "off",
    "each",
    "for",
    "2nd",
    "1/3",
    "%",
    "£",
    "p",
    "+",
)


@given(
    st.lists(st.one_of(st.sampled_from(WORDS), st.integers(0, 99_999).map(str), st.text(max_size=4)), max_size=12),
    st.floats(0.01, 10_000),
)
def test_no_text_raises_prices_nor_gives_packs_away(words: list[str], price: float) -> None:
    offer = parse_promotion(" ".join(words), price)
    if offer is not None:
        assert offer.regular_price is None or price - 0.005 <= offer.regular_price <= 20 * price + 0.01
        assert offer.multibuy_price is None or 0 < offer.multibuy_price <= price
        assert offer.packs is None or offer.packs >= 2


@given(st.integers(2, 2_000), st.integers(1, 1_900))
def test_what_is_written_is_read_back(pence: int, off: int) -> None:
    """Of any two prices, in each way of writing money."""
    was, now = pence + off, pence
    if now < 0.05 * was + 1:
        return
    texts = {f"Was £{was / 100:.2f} Now £{now / 100:.2f}", f"Was {was}p Now {now}p" if was < 10_000 else ""} - {""}
    texts |= {f"Only £{now / 100:.2f}: Save {off}p", f"save {off}p", f"save £{off / 100:.2f}"}
    for text in texts:
        offer = parse_promotion(text, now / 100)
        assert offer is not None
        assert offer.regular_price == pytest.approx(was / 100), text


def test_a_table_has_a_row_for_each_text() -> None:
    found = promotions(["Half Price", None, "Any 2 for £3", "Half Price"], [1.0, 2.0, 2.0, 1.0])
    assert found["regular_price"].to_list() == [2.0, 2.0, 2.0, 2.0]
    assert found["promotion_type"].to_list() == ["cut", None, "multibuy", "cut"]
    assert promotions([], []).schema == found.schema
    assert isinstance(found, pl.DataFrame)
