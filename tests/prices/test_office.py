"""What the simulated office has, held against the truth that it is made from."""

import polars as pl
import pytest

from ons_assets.simulate.prices import office
from tests.prices.simulated import World


def test_labels_are_of_early_products_and_one_in_a_hundred_is_wrong(small_world: World) -> None:
    products = small_world.table("products")
    pooled = []
    for seed in range(10):
        labels = office.product_labels(small_world.truth, seed)
        assert labels.equals(office.product_labels(small_world.truth, seed))
        joined = labels.join(
            products.select("retailer", "item_id", product="product_name", true="in_scope").unique(
                ["retailer", "item_id", "product"], keep="first", maintain_order=True
            ),
            on=["retailer", "item_id", "product"],
        )
        assert len(joined) == len(labels)
        assert 0.15 < len(labels) / len(products) < 0.35
        pooled.append(joined.select((pl.col("in_scope") != pl.col("true")).mean()).item())
    assert sum(pooled) / len(pooled) == pytest.approx(office.WRONG_LABELS, abs=0.006)


def test_the_collectors_index_is_of_few_products_in_scope(small_world: World) -> None:
    indices = office.official_indices(small_world.truth, 1)
    first = indices.filter(pl.col("period") == indices["period"].min())
    assert set(first["index"]) == {100.0}
    assert indices["item_id"].n_unique() == small_world.table("products")["item_id"].n_unique()
    truth = small_world.table("indices").filter(frequency="month").select("item_id", "period", "jevons")
    both = indices.join(truth, on=["item_id", "period"]).filter(pl.col("jevons") != 100)
    gap = (both["index"] - both["jevons"]).abs()
    assert 0 < gap.mean() < 8  # type: ignore[operator]


def test_the_monitor_is_a_daily_chain_from_a_hundred(small_world: World) -> None:
    monitor = office.price_monitor(small_world.truth)
    assert monitor["index"][0] == 100
    assert monitor["date"].diff().drop_nulls().n_unique() == 1
    assert monitor["index"].min() > 50  # type: ignore[operator]
    assert monitor["index"].n_unique() > 10
