"""The simulated shops: what is on their pages is what is on their shelves, and what goes wrong does so again."""

from collections import Counter
from datetime import date, timedelta

import polars as pl
import pytest

from ons_assets.collectors.prices.pages import Page
from ons_assets.collectors.prices.quotes import quotes_of
from ons_assets.collectors.prices.shops import Shop
from ons_assets.simulate.prices import tables
from ons_assets.simulate.shops import Faults, Stock, describe, site
from ons_assets.simulate.shops.stock import Renaming

DAY = date(2014, 6, 2)
LOAVES, ITEMS = 7, ("210111", "210113")


def stock(*renamings: Renaming) -> Stock:
    """Two items in each shop, with seven products each, on two days."""
    names = {item_id: tables.recipes()[item_id].shelf[2] for item_id in ITEMS}
    products = pl.DataFrame(
        [
            (f"{shop.name}-{item}-{number}", f"LOAF {number} & MORE {item}", shop.name, item, names[item], 1, 800, "g")
            for shop in tables.retailers()
            for item in ITEMS
            for number in range(LOAVES)
        ],
        schema=["product_id", "product_name", "retailer", "item_id", "item", "pack_count", "pack_size", "pack_unit"],
        orient="row",
    )
    prices = products.select("product_id").join(pl.DataFrame({"day": [DAY, DAY + timedelta(1)]}), how="cross")
    pence = pl.int_range(pl.len()) + 85
    return Stock(
        products,
        prices.with_columns(
            price_gbp=pence / 100, regular_price_gbp=(pence + pence % 2) / 100, promotion=pl.lit("none")
        ),
        renamings,
    )


@pytest.mark.parametrize("retailer", [each.name for each in tables.retailers()])
def test_pages_show_what_is_on_the_shelves(retailer: str) -> None:
    of, size = stock(), 3
    shop = Shop.model_validate(describe(of, retailer, "http://127.0.0.1:1/", DAY))
    for item in ITEMS:
        refine = site.refinement(of, retailer, item, DAY)
        found = []
        for number in range(1, 4):
            target = f"{site.path_of(of, retailer, item, DAY)}?{f'{refine}&' if refine else ''}page={number}"
            page = Page(f"http://127.0.0.1:1{target}", site.page(of, retailer, DAY, target, size=size).encode())
            quotes, faults = quotes_of(page, shop)
            assert faults == []
            found += [(each.product, each.price, each.unit_price, each.promotion) for each in quotes]
        articles = of.articles(retailer, item, DAY)
        assert found == [(each.name, each.price, each.unit_price, each.promotion) for each in articles]
        assert len(found) == LOAVES
        assert any(each.promotion for each in articles)
        with pytest.raises(site.NoSuchPage):
            site.page(of, retailer, DAY, target.replace("page=3", "page=4"), size=size)


def test_a_renamed_shelf_is_at_another_address_and_holds_more() -> None:
    renaming = Renaming("larkmere", "White_bread", "All_bread", DAY + timedelta(1), also=("210113",))
    of, tomorrow = stock(renaming), DAY + timedelta(1)
    old = site.path_of(of, "larkmere", "210111", DAY)
    assert site.page(of, "larkmere", DAY, old)
    with pytest.raises(site.NoSuchPage):
        site.page(of, "larkmere", tomorrow, old)
    assert "All_bread" in site.directory(of, "larkmere", tomorrow)
    assert len(of.articles("larkmere", "210111", DAY)) == LOAVES
    assert len(of.articles("larkmere", "210111", tomorrow)) == 2 * LOAVES
    assert of.articles("larkmere", "210113", DAY + timedelta(9)) == []


def test_faults_come_again_and_are_as_many_as_they_are_to_be() -> None:
    faults = Faults(rate=0.2, lasting=0.0)
    drawn = [faults.of("larkmere", DAY, f"/{number}", 1) for number in range(4000)]
    assert drawn == [faults.of("larkmere", DAY, f"/{number}", 1) for number in range(4000)]
    counts = Counter(drawn)
    # Four standard deviations of a binomial count.
    assert abs(4000 - counts[None] - 800) < 4 * (4000 * 0.2 * 0.8) ** 0.5
    assert len(counts) == 9
    lasting = Faults(rate=0.2, lasting=1.0)
    assert all(
        len({lasting.of("larkmere", DAY, f"/{number}", attempt) for attempt in range(1, 4)}) == 1
        for number in range(50)
    )
    assert Faults().of("larkmere", DAY, "/", 1) is None
