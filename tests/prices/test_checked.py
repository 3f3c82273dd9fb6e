from datetime import date, timedelta
from typing import get_args

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.catalogue import CATALOGUE
from ons_assets.parameters.prices import CheckParameters, IndexParameters, OutlierRule, QuoteFlag
from ons_assets.prices import history, imputation
from ons_assets.prices.checked import FLAGS, check
from ons_assets.prices.classification import classify
from ons_assets.prices.compilation import item_indices
from tests.prices.simulated import World

START = date(2016, 7, 1)
RAW = CATALOGUE["prices/raw_quotes"]


def quotes(*rows: dict[str, object]) -> pl.DataFrame:
    """Quotes that differ from a good one as each row says; `day` counts from the first."""
    defaults = {
        "retailer": "tesco",
        "item_id": "210111",
        "item": "Loaf",
        "shelf": None,
        "product": "PLAIN LOAF 800G",
        "price": 1.0,
        "currency": "GBP",
        "unit_price": None,
        "unit_quantity": None,
        "unit": None,
        "promotion": None,
        "outlet": None,
        "sku": None,
        "quantity": None,
        "drop_sha256": "0" * 64,
    }
    made = []
    for line, row in enumerate(rows):
        day = START + timedelta(days=int(row.get("day", 0)))  # type: ignore[call-overload]
        values = defaults | {name: value for name, value in row.items() if name != "day"}
        made.append({**values, "run": f"{day:%Y%m%d}", "collected_on": day, "collected_at_utc": None, "line": line})
    frame = pl.DataFrame(made, infer_schema_length=None).with_columns(
        collected_at_utc=pl.col("collected_on").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    )
    return RAW.conform(frame)


def series(prices: list[float | None], **values: object) -> list[dict[str, object]]:
    """A product's prices from day to day; None where it has none."""
    return [{"day": day, "price": price, **values} for day, price in enumerate(prices) if price is not None]


def shelf(days: int, products: int = 12) -> list[dict[str, object]]:
    """Other products of the item, that stand still."""
    return [
        {"day": day, "product": f"OTHER LOAF {'ABCDEFGHIJKLMNOP'[number]}", "price": 1.0 + number / 10}
        for day in range(days)
        for number in range(products)
    ]


def flagged(frame: pl.DataFrame, flag: str) -> list[tuple[int, float]]:
    """Day and price of the flagged quotes."""
    found = frame.filter(flag).sort("collected_on", "price")
    return [((day - START).days, price) for day, price in found.select("collected_on", "price").iter_rows()]


def test_the_table_is_as_declared_and_nothing_is_deleted() -> None:
    raw = quotes(*series([1.0, 1.1, 1.0]), *shelf(3), {"product": "X 2X50G", "price": 0.5})
    found = CATALOGUE["prices/checked_quotes"].conform(check(classify(raw).quotes))
    kept = found.filter(~pl.col("imputed")).select(raw.columns)
    assert kept.sort("line").equals(raw.sort("line"))
    packed = found.filter(product="X 2X50G").row(0, named=True)
    assert (packed["pack_count"], packed["pack_quantity"], packed["pack_unit"]) == (2, pytest.approx(0.1), "kg")
    assert packed["price_per_unit"] == pytest.approx(5)


def test_no_quotes_are_no_trouble() -> None:
    assert check(RAW.empty()).is_empty()


def test_the_flags_can_be_named_in_the_settings() -> None:
    assert set(FLAGS) <= set(get_args(QuoteFlag))


@pytest.mark.parametrize("wrong", [10.0, 100.0, 0.1, 0.2, 4.0])
def test_a_price_that_is_wrong_for_a_day_is_a_typo(wrong: float) -> None:
    found = check(quotes(*series([1.0, 1.0, 1.1, wrong, 1.1, 1.0])))
    assert flagged(found, "price_typo") == [(3, wrong)]
    evidence = found.filter("price_typo")["evidence"].item()
    assert evidence.startswith(f"price {wrong} where the days around have 1.")


@pytest.mark.parametrize(
    "prices",
    [
        [1.0, 1.0, 1.0, 3.5, 3.5, 3.5, 3.5],  # dearer for good
        [1.0, 1.0, 1.0, 0.5, 0.5, 1.0],  # a promotion
        [1.0, 100.0],  # which of the two is wrong?
        [1.0],
    ],
)
def test_a_change_of_price_is_no_typo(prices: list[float]) -> None:
    assert flagged(check(quotes(*series(prices))), "price_typo") == []


def test_a_displaced_point_on_the_last_day_is_a_typo_already() -> None:
    assert flagged(check(quotes(*series([1.1, 1.1, 1.1, 1.1, 110.0]))), "price_typo") == [(4, 110.0)]


def test_the_price_of_a_typo_is_carried_from_the_day_before() -> None:
    found = check(quotes(*series([1.1, 1.2, 12.0, 1.2])))
    carried = found.filter("imputed")
    assert carried.select("collected_on", "price", "carried_from").rows() == [
        (START + timedelta(days=2), 1.2, START + timedelta(days=1))
    ]
    assert carried["evidence"].item() == "carried from 2016-07-02"


def test_an_outlier_is_judged_by_the_other_products_of_the_item() -> None:
    found = check(quotes(*shelf(8), *series([1.0] * 5 + [3.5] * 2 + [1.0])))
    assert flagged(found, "outlier") == [(5, 3.5), (6, 3.5)]
    assert "resistant-fences" in found.filter("outlier")["evidence"][0]


def test_an_item_can_have_a_rule_of_its_own() -> None:
    raw = quotes(*shelf(8), *series([1.0] * 5 + [3.5] * 2 + [1.0]))
    rules = {"210111": OutlierRule(method="relative-fences", reach=4.0), "999": OutlierRule(method="none")}
    assert flagged(check(raw, CheckParameters(outliers_of_item=rules)), "outlier") == []
    assert (
        len(flagged(check(raw, CheckParameters(outliers_of_item={"999": OutlierRule(method="none")})), "outlier")) == 2
    )


def test_few_products_judge_nothing() -> None:
    assert flagged(check(quotes(*shelf(8, products=4), *series([1.0] * 5 + [3.5] * 2 + [1.0]))), "outlier") == []


def test_a_row_that_repeats_an_earlier_one_of_the_run_is_flagged() -> None:
    found = check(quotes({"price": 1.0}, {"price": 1.0}, {"price": 1.0, "retailer": "spar"}))
    assert found.sort("line")["repeated_row"].to_list() == [False, True, False]


def test_a_gap_in_the_collection_is_filled_for_seven_days_and_no_longer() -> None:
    found = check(quotes({"day": 0, "price": 2.0}, {"day": 10, "price": 3.0}, {"day": 12, "price": 3.5}))
    assert flagged(found, "imputed") == [*((day, 2.0) for day in range(1, 8)), (11, 3.0)]


def test_a_product_that_is_off_the_shelf_gets_no_price() -> None:
    raw = quotes({"price": 2.0}, *shelf(5), {"day": 4, "price": 2.0})
    assert flagged(check(raw), "imputed") == []
    assert flagged(check(raw, CheckParameters(carry="always")), "imputed") == [(1, 2.0), (2, 2.0), (3, 2.0)]


def test_a_product_that_comes_back_is_the_same_product() -> None:
    raw = quotes(*shelf(30), *series([1.0] * 5 + [None] * 15 + [1.2] * 10, product="Loaf, 'Plain'"))
    again = raw.with_columns(
        product=pl.when(collected_late())
        .then(pl.col("product").str.replace("Loaf, 'Plain'", "LOAF PLAIN", literal=True))
        .otherwise("product")
    )
    found = check(again)
    assert flagged(found, "reentered") == [(20, 1.2)]
    assert "after 15 collected days" in found.filter("reentered")["evidence"].item()
    assert found.filter(product_id="LOAF PLAIN").height == 15


def collected_late() -> pl.Expr:
    return pl.col("collected_on") >= START + timedelta(days=15)


def test_an_outage_is_no_absence() -> None:
    assert flagged(check(quotes({"day": 0}, {"day": 20})), "reentered") == []


def test_a_smaller_pack_at_the_same_price_is_shown_with_its_price_per_unit() -> None:
    old, new = "LOAF 800G", "LOAF 720G"
    rows = [*series([1.2] * 10, product=old), *series([None] * 10 + [1.2] * 10, product=new)]
    found = check(quotes(*rows, *shelf(20)))
    [relaunch] = found.filter("relaunched").to_dicts()
    assert (relaunch["product_id"], relaunch["lineage_id"]) == (new, old)
    assert relaunch["evidence"].startswith("smaller pack: replaces LOAF 800G, last seen 2016-07-10; 0.8 to 0.72 kg")
    assert relaunch["evidence"].endswith("price per kg +11.1 %")
    assert set(found.filter(pl.col("product_id").is_in([old, new]))["lineage_id"]) == {old}


def test_two_sizes_that_are_sold_together_are_no_relaunch() -> None:
    rows = [*series([1.2] * 20, product="LOAF 800G"), *series([None] * 10 + [0.7] * 10, product="LOAF 400G")]
    assert flagged(check(quotes(*rows)), "relaunched") == []


def shown(quantity_kg: float, price: float = 1.0) -> dict[str, object]:
    return {
        "product": "LOAF",
        "price": price,
        "unit_price": round(price / quantity_kg, 2),
        "unit_quantity": 1.0,
        "unit": "kg",
    }


def test_a_bottle_and_a_crate_of_one_name_are_two_products() -> None:
    rows = [{"day": day, **shown(*pack)} for day in range(20) for pack in ((0.8, 1.0), (9.6, 10.0))]
    found = check(quotes(*rows))
    assert set(found["product_id"]) == {"LOAF", "LOAF (pack 2)"}
    assert not found.select(pl.any_horizontal(FLAGS)).to_series().any()
    assert found.group_by("product_id").agg(pl.col("price").unique()).sort("product_id")["price"].to_list() == [
        [1.0],
        [10.0],
    ]


def test_a_pack_that_shrinks_behind_its_name_is_found() -> None:
    rows = [{"day": day, **shown(0.8 if day < 20 else 0.72)} for day in range(40)]
    found = check(quotes(*rows))
    [relaunch] = found.filter("relaunched").to_dicts()
    assert relaunch["product_id"] == "LOAF (pack 2)"
    assert relaunch["collected_on"] == START + timedelta(days=20)


def test_a_wrong_unit_for_some_days_is_a_conflict_and_no_other_product() -> None:
    rows = [{"day": day, **shown(0.8 if day not in (8, 9) else 8.0)} for day in range(20)]
    found = check(quotes(*rows))
    assert flagged(found, "unit_conflict") == [(8, 1.0), (9, 1.0)]
    assert set(found["product_id"]) == {"LOAF"}
    assert set(found["pack_quantity"].round(2)) == {0.8}


def test_a_unit_price_that_contradicts_the_name_is_a_conflict() -> None:
    found = check(quotes({**shown(0.15), "product": "LOAF 4X150G"}))
    assert found["unit_conflict"].to_list() == [True]
    assert found["pack_quantity"].to_list() == [pytest.approx(0.6)]


def test_a_price_that_stands_still_for_too_long_by_its_own_past_is_stuck() -> None:
    restless = [1.0, 1.1] * 12
    found = check(quotes(*series(restless + [1.1] * 25)))
    days = [day for day, _ in flagged(found, "stuck")]
    assert days
    assert min(days) > 24
    assert max(days) == 48
    assert flagged(check(quotes(*series([1.0] * 60))), "stuck") == []


def test_a_clearance_is_flagged_when_the_product_has_not_come_back() -> None:
    rows = [*shelf(60), *series([2.0] * 20 + [1.0] * 4)]
    assert flagged(check(quotes(*rows)), "dump_price") == [(day, 1.0) for day in range(20, 24)]
    assert flagged(check(quotes(*shelf(40), *series([2.0] * 20 + [1.0] * 4))), "dump_price") == []
    assert flagged(check(quotes(*rows, *series([None] * 50 + [2.0]))), "dump_price") == []


def test_with_quantities_a_dump_price_is_a_fall_of_price_and_turnover() -> None:
    months = pl.DataFrame(
        {
            "product": ["a"] * 3 + ["b"] * 2 + ["c"],
            "period": [1, 2, 3, 1, 2, 2],
            "price": [2.0, 2.0, 1.0, 2.0, 1.0, 0.1],
            "quantity": [10.0, 10.0, 1.0, 10.0, 30.0, 1.0],
        }
    )
    assert history.dump_prices_by_turnover(months).rows() == [("a", 3)]


@pytest.mark.parametrize(("per", "wrong"), [(100.0, False), (0.1, False), (1.0, True)])
def test_a_unit_price_without_a_unit_is_held_against_all_units(per: float, wrong: bool) -> None:
    row = {"product": "LOAF 750G", "price": 1.5, "unit_price": 0.2, "unit_quantity": per, "unit": "na"}
    found = check(quotes(row))
    assert found["unit_conflict"].to_list() == [wrong]


@given(days=st.lists(st.integers(0, 30), min_size=1, max_size=12, unique=True), reach=st.integers(0, 9))
@settings(max_examples=50, deadline=None)
def test_carried_prices_fill_exactly_the_days_within_reach(days: list[int], reach: int) -> None:
    raw = quotes(*({"day": day, "price": 1.0 + day} for day in sorted(days))).with_columns(product_id="product")
    end = START + timedelta(days=32)
    carried = imputation.carry_forward(raw, last_day=end, days=reach)
    expected = []
    for day in range(33):
        earlier = [each for each in days if each < day]
        if day not in days and earlier and day - max(earlier) <= reach:
            expected.append((START + timedelta(days=day), 1.0 + max(earlier), START + timedelta(days=max(earlier))))
    assert sorted(carried.select("collected_on", "price", "carried_from").rows()) == expected


def test_the_order_of_rows_changes_nothing(small_world: World) -> None:
    raw = small_world.quotes.filter(item_id="210213")
    key = ["drop_sha256", "line", "collected_on"]
    shuffled = check(raw.sample(fraction=1, shuffle=True, seed=1)).sort(key)
    assert shuffled.equals(check(raw).sort(key))


def test_a_chain_of_relaunches_is_one_lineage() -> None:
    rows = [
        *series([1.0] * 10, product="LOAF 800G"),
        *series([None] * 10 + [1.0] * 10, product="LOAF 750G"),
        *series([None] * 20 + [1.0] * 10, product="LOAF 700G"),
    ]
    found = check(quotes(*rows))
    assert set(found["product_id"]) == {"LOAF 800G", "LOAF 750G", "LOAF 700G"}
    assert set(found["lineage_id"]) == {"LOAF 800G"}


@pytest.fixture(scope="module")
def checked(small_world: World) -> pl.DataFrame:
    return check(small_world.quotes)


def faults(world: World, checked: pl.DataFrame, fault: str) -> tuple[pl.Series, pl.DataFrame]:
    """Whether each quote truly has the fault, and the quotes."""
    true = world.table("faults").filter(pl.col("class") == fault).select("file", true_product="product_id", true=True)
    joined = world.true_products(checked.filter(~pl.col("imputed"))).join(true, on=["file", "true_product"], how="left")
    return joined["true"].fill_null(False), joined


def test_every_typo_of_the_simulation_is_found_and_nothing_else(small_world: World, checked: pl.DataFrame) -> None:
    true, found = faults(small_world, checked, "price_typo")
    assert true.sum() >= 10
    # Free glass with the bottle, and the like: a zero is refused at the door and never reaches the checks.
    missed, false = (true & ~found["price_typo"]).sum(), (~true & found["price_typo"]).sum()
    assert missed <= 0.05 * true.sum()
    assert false == 0
    assert not found["outlier"].any()


def test_wrong_units_of_the_simulation_are_found(small_world: World, checked: pl.DataFrame) -> None:
    true, found = faults(small_world, checked, "unit_mislabelled")
    hits = (true & found["unit_conflict"]).sum()
    # One shop names no unit: what it shows "per 1" may be for the bottle, and is let pass.
    assert hits >= 0.75 * true.sum()
    assert hits >= 0.9 * found["unit_conflict"].sum()


def test_relaunches_of_the_simulation_are_found(small_world: World, checked: pl.DataFrame) -> None:
    products = (
        small_world.true_products(checked.filter(~pl.col("imputed")))
        .group_by("true_product", "replaces", "product_id")
        .agg(pl.col("relaunched").any())
    )
    seen = set(products["true_product"])
    true = products.select(pl.col("replaces").is_not_null() & pl.col("replaces").is_in(seen)).to_series()
    hits = (true & products["relaunched"]).sum()
    assert hits >= 0.85 * true.sum()
    assert hits >= 0.95 * products["relaunched"].sum()


def test_checks_bring_the_indices_nearer_to_the_truth(small_world: World, checked: pl.DataFrame) -> None:
    scope = small_world.true_products(small_world.quotes).select("drop_sha256", "line", "true_scope")
    in_scope = checked.join(scope, on=["drop_sha256", "line"]).filter("true_scope").lazy()
    truth = small_world.table("indices").select("item_id", "frequency", "period", "jevons")

    def error(*excludes: str) -> tuple[float, float]:
        chosen = IndexParameters(
            methods=({"method": "jevons"},),
            frequencies=("day",),
            excludes=excludes,  # type: ignore[arg-type]
        )
        gaps = item_indices(in_scope, chosen).join(truth, on=["item_id", "frequency", "period"])
        gap = (gaps["index"] / gaps["jevons"]).log().abs()
        return gap.mean(), gap.max()  # type: ignore[return-value]

    as_found = error("imputed")
    without_typos = error("imputed", "price_typo", "outlier")
    default = error("repeated_row", "price_typo", "outlier")
    assert as_found[0] > 1.1 * without_typos[0]
    assert default[0] < 0.7 * without_typos[0]
    assert default[1] < as_found[1]
