import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import active_learning as learning
from ons_assets.parameters.prices import ClassificationParameters, ScopeModelParameters
from ons_assets.prices.classification import classify
from ons_assets.prices.classification.active_learning import most_informative_first, review_order
from tests.prices.test_classification import products as quotes_of

FEW_TREES = ScopeModelParameters(trees=10, fewest_trees=10)


def waiting(*rows: tuple[str, str, float, int]) -> pl.DataFrame:
    """Products by item, name, probability and number of quotes."""
    return pl.DataFrame(
        [("tesco", *row) for row in rows],
        schema=["retailer", "item_id", "name", "probability", "quotes"],
        orient="row",
        schema_overrides={"probability": pl.Float64},
    )


def names(frame: pl.DataFrame, block: int = 1) -> list[str]:
    return most_informative_first(frame, block=block)["name"].to_list()


def test_what_is_least_sure_comes_first_and_then_what_is_quoted_most() -> None:
    frame = waiting(("1", "A", 0.3, 1), ("1", "B", 0.5, 1), ("1", "C", 0.7, 9), ("1", "D", 0.9, 99))
    assert names(frame) == ["B", "C", "A", "D"]


def test_items_take_turns_in_blocks_the_largest_first() -> None:
    frame = waiting(*((item, f"{item}{letter}", 0.5, 9 - n) for item in "12" for n, letter in enumerate("abc")))
    frame = pl.concat([frame, waiting(("2", "2d", 0.5, 1))])
    assert names(frame) == ["2a", "1a", "2b", "1b", "2c", "1c", "2d"]
    assert names(frame, block=2) == ["2a", "2b", "1a", "1b", "2c", "2d", "1c"]


def test_other_packs_of_a_product_come_after_all_other_products_of_the_item() -> None:
    frame = waiting(("1", "COLA 1L", 0.5, 9), ("1", "COLA 2L", 0.5, 8), ("1", "FIZZ 1L", 0.9, 1))
    assert names(frame) == ["COLA 1L", "FIZZ 1L", "COLA 2L"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("123"),
            st.sampled_from(["COLA 1L", "COLA 2L", "FIZZ", "LOAF 4 PACK", "LOAF"]),
            st.sampled_from([0.0, 0.25, 0.5, 0.85]),
            st.integers(1, 3),
        ),
        max_size=15,
        unique_by=lambda row: row[:2],
    ),
    st.integers(1, 8),
    st.randoms(use_true_random=False),
)
def test_all_are_kept_in_an_order_of_their_own(
    rows: list[tuple[str, str, float, int]], block: int, random: object
) -> None:
    frame = waiting(*rows) if rows else waiting(("1", "A", 0.5, 1)).clear()
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    again = waiting(*shuffled) if rows else frame
    for every in (0, 2, 3):
        found = review_order(frame, block=block, every=every)
        assert found.equals(review_order(again, block=block, every=every))
        assert found.sort(found.columns).equals(frame.sort(frame.columns))


def test_every_second_is_by_chance() -> None:
    """Without chance all unsure products come before the sure ones."""
    frame = waiting(*(("1", f"{chr(65 + n)}{n}", 0.5 if n < 20 else 0.9, 1) for n in range(60)))
    informative = most_informative_first(frame, block=8)
    assert review_order(frame, block=8, every=0).equals(informative)
    assert (informative["probability"].head(20) == 0.5).all()
    for every, unsure in ((2, range(10, 17)), (3, range(13, 20))):
        mixed = review_order(frame, block=8, every=every)
        assert mixed["name"][0] == informative["name"][0]
        assert (mixed["probability"].head(20) == 0.5).sum() in unsure


def test_by_chance_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="by chance alone"):
        ClassificationParameters(review_by_chance=1)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("informative", ["BROWN LOAF 800G", "PLAIN LOAF 800G"]),
        ("quotes", ["PLAIN LOAF 800G", "BROWN LOAF 800G"]),
    ],
)
def test_the_review_queue_is_in_the_order_that_was_asked_for(order: str, expected: list[str]) -> None:
    """Of one the rules doubt (0.3), the other lacks a word (0.25), and has more quotes."""
    quotes = quotes_of("BROWN LOAF 800G", "PLAIN LOAF 800G", "PLAIN LOAF 800G", item_id="210113")
    parameters = ClassificationParameters(review_order=order, review_by_chance=0)  # type: ignore[arg-type]
    assert classify(quotes, parameters=parameters).queue["product"].to_list() == expected


def test_a_learning_curve_is_nested_and_rises() -> None:
    """Two items whose scope a word decides: with labels the model knows it."""
    words = ("RED", "BLUE", "GREEN", "WARM", "COLD", "TALL", "SMALL", "ROUND")
    made = [
        ("tesco", item, item, f"{thing} {one} {other}", thing == "TEA")
        for item in ("own 1", "own 2")
        for thing in ("TEA", "SOAP")
        for one in words
        for other in words
        if one != other
    ]
    frame = pl.DataFrame(made, schema=["retailer", "item_id", "item", "product", "true"], orient="row")
    pool, apart = learning._divided(frame)
    seen: list[set[str]] = []
    parameters = ClassificationParameters(model=FEW_TREES, least_labels=50)
    inner = learning.orders(parameters)["informative"]

    def order(waiting: pl.DataFrame, seed: int) -> pl.DataFrame:
        following = inner(waiting, seed)
        seen.append(set(following.head(learning.STEP).select(pl.format("{}{}", "item_id", "name")).to_series()))
        return following

    curve = learning.learning_curve(pool, apart, order, 1, 1, parameters)
    assert seen[0].isdisjoint(seen[1])
    assert curve[0].tolist()[1] == 1.0, "without labels and rules all go to a person"
    assert curve[1, 0] > curve[0, 0]
    assert curve[1, 1] < 1.0
