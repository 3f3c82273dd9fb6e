"""The tables of the prices pilot are the same whatever the order of rows."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.parameters.prices import AggregationParameters, CheckParameters, IndexParameters
from ons_assets.parameters.publication import PublicationParameters, RevisionParameters
from ons_assets.prices.area_indices import area_indices
from ons_assets.prices.checked import check as check_quotes
from ons_assets.prices.classification import classify
from ons_assets.prices.collection import collection_report
from ons_assets.prices.compilation import aggregate_indices, item_indices
from ons_assets.prices.indices import average_index
from ons_assets.prices.indices.panel import make_panel
from ons_assets.prices.lineages import add_packs, number_packs
from ons_assets.prices.publication.diagnostics import elementary_diagnostics
from ons_assets.prices.publication.headings import headings
from ons_assets.prices.publication.release import cpi_release
from ons_assets.prices.publication.series import publication_indices
from ons_assets.prices.publication.vintages import new_vintages, revision_triangle
from tests.any_order import Case, check

START = date(2016, 7, 1)
DAYS = 40
ITEMS = ("210111", "210222", "210333")
UNITS = (("kg", 1.0), ("g", 100.0), ("l", 1.0), ("each", 1.0), (None, None))


def quotes() -> pl.DataFrame:
    """Two runs a day of three shops, stamped with the day alone; packs that names do not tell; odd prices."""
    random = np.random.default_rng(71)
    rows = []
    for shop in ("tesco", "waitrose", "sainsbury"):
        for day in range(DAYS):
            for run in range(2):
                line = 0
                for item in ITEMS:
                    for product in range(14):
                        line += 1
                        if random.random() < 0.2 or (product == 3 and day > 20) or (product == 4 and day < 22):
                            continue
                        pack = " 800G" if product % 3 == 0 else ""
                        price = round(1 + product / 10 + float(random.choice([0, 0, 0.05, 0.1])), 2)
                        price *= 100 if random.random() < 0.005 else 1
                        unit, number = UNITS[int(random.integers(0, 5))] if product % 2 else UNITS[0]
                        size = (800, 700)[product in (3, 4)] if product < 5 else 800
                        name = f"LOAF {'ABCD'[product % 4]}{product} {size}G" if pack else f"LOAF {product}"
                        rows.append(
                            {
                                "retailer": shop,
                                "run": f"{START + timedelta(days=day):%Y%m%d}{5 + run:02}0000",
                                "collected_on": START + timedelta(days=day),
                                "item_id": item,
                                "item": f"Loaf {item[-1]}",
                                "shelf": f"shelf {product % 2}",
                                "product": name,
                                "price": price,
                                "unit_price": None
                                if unit is None
                                else round(price / float(random.choice([0.5, 0.8])), 2),
                                "unit_quantity": number,
                                "unit": unit,
                                "promotion": (None, "Half Price", "Any 2 for £3", "Was £1.60 Now £1.20")[line % 4],
                                "line": line,
                                "drop_sha256": f"{shop}{day:02}{run}".ljust(64, "0"),
                            }
                        )
    frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(
        currency=pl.lit("GBP"),
        **dict.fromkeys(("outlet", "sku", "quantity"), pl.lit(None)),
        collected_at_utc=pl.col("collected_on").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
    )
    return CATALOGUE["prices/raw_quotes"].conform(frame)


def runs() -> pl.DataFrame:
    """The runs of the quotes as the ledger knows them."""
    counted = quotes().group_by("retailer", "run", maintain_order=True)
    return counted.agg(started_on=pl.col("collected_on").min(), accepted_rows=pl.len().cast(pl.Int64)).with_columns(
        size_bytes=pl.lit(1_000, dtype=pl.Int64()),
        parsed_rows="accepted_rows",
        quarantined_rows=pl.lit(0, dtype=pl.Int64()),
        refused=pl.lit(False),
        reason=pl.lit(None, dtype=pl.String()),
        ends_inside_record=pl.lit(False),
    )


WEIGHTS = pl.DataFrame(
    [(item, group, 2016, 0.1 + number / 7) for number, item in enumerate(ITEMS) for group in ("bread", "all")],
    schema={"item_id": pl.String(), "group": pl.String(), "year": pl.Int32(), "weight": pl.Float64()},
    orient="row",
)


def _indices(_: int, quotes: pl.DataFrame, weights: pl.DataFrame) -> tuple[pl.DataFrame, ...]:
    checked = check_quotes(classify(quotes).quotes, CheckParameters())
    parameters = IndexParameters(frequencies=("day", "week"), methods=({"method": "jevons"}, {"method": "geks-jevons"}))
    items = item_indices(checked.lazy(), parameters)
    return checked, items, aggregate_indices(items.lazy(), weights.lazy(), AggregationParameters(rule="available"))


def _publication(_: int, quotes: pl.DataFrame, weights: pl.DataFrame) -> tuple[pl.DataFrame, ...]:
    checked = check_quotes(classify(quotes).quotes, CheckParameters()).lazy()
    publication, revisions, aggregation = PublicationParameters(), RevisionParameters(), AggregationParameters()
    items = publication_indices(checked, IndexParameters(), publication)
    groups = aggregate_indices(items.lazy(), weights.lazy(), aggregation)
    series = headings(items.lazy(), groups.lazy(), weights.lazy(), None, publication, aggregation)
    diagnostics = elementary_diagnostics(checked, IndexParameters())
    chosen = {"through": "2016-07", "publication": publication, "revisions": revisions}
    vintages = new_vintages(
        CATALOGUE["prices/index_vintages"].empty(), series, published_utc=datetime(2016, 9, 1, tzinfo=UTC), **chosen
    )
    release = cpi_release(vintages, series, diagnostics, weights, **chosen)
    return items, diagnostics, vintages, revision_triangle(vintages), release


def _areas(_: int, quotes: pl.DataFrame, weights: pl.DataFrame, shares: pl.DataFrame) -> pl.DataFrame:
    checked = check_quotes(classify(quotes).quotes, CheckParameters())
    return area_indices(checked.lazy(), weights.filter(group="all"), shares)


def retailer_shares() -> pl.DataFrame:
    """Of two areas, by two surveys; the shops are those of the quotes, and one besides."""
    random = np.random.default_rng(89)
    rows = [(area, shop, year, float(random.random()), 0.01, 50) for area in "AB" for year in (2015, 2016)
            for shop in ("tesco", "waitrose", "sainsbury", "market")]  # fmt: skip
    columns = ["area", "retailer", "year", "spending_share", "share_error", "households_asked"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def many_items() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Indices of many items in a group, so that a sum has many orders."""
    random = np.random.default_rng(73)
    names = [f"{number:06}" for number in range(200)]
    indices = pl.DataFrame(
        [("week", method, name, f"2016-W{week:02}", 100 * float(np.exp(random.normal(0, 0.1)))) for method in "ab"
         for name in names for week in range(1, 6)],
        schema=["frequency", "method", "item_id", "period", "index"],
        orient="row",
    )  # fmt: skip
    weights = pl.DataFrame({"item_id": names, "group": "g", "year": 2016, "weight": random.random(200)})
    return indices, weights


def _aggregate(_: int, indices: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    return aggregate_indices(indices.lazy(), weights.lazy(), AggregationParameters())


def _average(_: int, indices: pl.DataFrame) -> pl.DataFrame:
    return average_index(indices.filter(method="a"), pl.lit("2016").alias("period"))


def features() -> pl.DataFrame:
    """Quotes of one period with several descriptions of a product."""
    random = np.random.default_rng(79)
    return pl.DataFrame(
        {
            "period": [1, 1, 2] * 400,
            "product": [f"p{number // 4}" for number in range(1_200)],
            "price": random.random(1_200) + 0.5,
            "shelf": random.choice(["a", "b", "c"], 1_200),
            "stars": random.integers(0, 3, 1_200),
        }
    )


def _panel(_: int, quotes: pl.DataFrame) -> pl.DataFrame:
    panel = make_panel(quotes, with_features=True)
    assert panel.features is not None
    return pl.DataFrame({"product": panel.products}).hstack(panel.features)


def unit_prices() -> pl.DataFrame:
    """A name under which half a kilogram and half a litre are shown on the same days."""
    random = np.random.default_rng(83)
    n = 3_000
    return pl.DataFrame(
        {
            "retailer": "tesco",
            "item_id": "210111",
            "product": [f"CIDER {number % 40}" for number in range(n)],
            "collected_on": [START + timedelta(days=int(day)) for day in random.integers(0, 12, n)],
            "price": random.choice([1.0, 2.0, 2.1], n),
            "unit_quantity": random.choice([1.0, 100.0], n),
            "unit": random.choice(["kg", "l", "g"], n),
        }
    ).with_columns(unit_price=(pl.col("price") * 2).round(2))


CASES = {
    "from quotes to indices of groups": lambda: Case(_indices, {"quotes": quotes(), "weights": WEIGHTS}),
    "from quotes to the release": lambda: Case(_publication, {"quotes": quotes(), "weights": WEIGHTS}),
    "indices of areas": lambda: Case(_areas, {"quotes": quotes(), "weights": WEIGHTS, "shares": retailer_shares()}),
    "report of the collection": lambda: Case(
        lambda _, quotes, runs: collection_report(quotes.lazy(), runs), {"quotes": quotes(), "runs": runs()}
    ),
    "indices of groups": lambda: Case(_aggregate, dict(zip(("indices", "weights"), many_items(), strict=True))),
    "averages of indices": lambda: Case(_average, {"indices": many_items()[0]}),
    "descriptions of products": lambda: Case(_panel, {"quotes": features()}),
    "packs behind a name": lambda: Case(lambda _, quotes: number_packs(add_packs(quotes)), {"quotes": unit_prices()}),
}


@pytest.mark.parametrize("name", CASES)
def test_the_order_of_rows_makes_no_difference(name: str) -> None:
    check(CASES[name]())
