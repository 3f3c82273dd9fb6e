"""Scanner data: quantities, turnover, outlets and product numbers, from the file to weighted indices."""

from collections.abc import Iterator
from datetime import date
from math import exp, log, prod, sqrt
from pathlib import Path

import polars as pl
import pytest

from ons_assets import cli
from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.parameters.prices import CheckParameters, IndexParameters
from ons_assets.prices.checked import check
from ons_assets.prices.compilation import item_indices
from ons_assets.prices.sales import NO_QUANTITIES
from tests.shared import DATA
from tests.test_layout_commands import command

RAW = CATALOGUE["prices/raw_quotes"]
ALL = ("out_of_scope",)
MONTHS = tuple(date(2024, month, 1) for month in (1, 2, 3, 4))


def sales(*rows: dict[str, object]) -> pl.DataFrame:
    """Rows as the table `prices/classified_quotes`, from what is special about them."""
    usual = dict.fromkeys(RAW.column_names) | {
        "retailer": "coop",
        "run": "x",
        "item_id": "milk",
        "item": "Milk",
        "product": "MILK 1L",
        "price": 1.0,
        "currency": "GBP",
        "drop_sha256": "h",
    }
    filled = [
        usual
        | {"collected_on": MONTHS[0], "line": number}
        | row
        | {"run": str(row.get("collected_on", MONTHS[0])), "collected_at_utc": None}
        for number, row in enumerate(rows)
    ]
    frame = pl.DataFrame(filled, schema=RAW.schema)
    at = pl.col("collected_on").cast(pl.Datetime("us", "UTC"))
    return frame.with_columns(collected_at_utc=at, in_scope=True)


def indices(
    frame: pl.DataFrame, *methods: object, checks: CheckParameters | None = None, **parameters: object
) -> pl.DataFrame:
    """Monthly indices of sales that were checked."""
    named = tuple({"method": each} if isinstance(each, str) else each for each in methods)
    chosen = IndexParameters(methods=named, frequencies=("month",), excludes=ALL, **parameters)  # type: ignore[arg-type]
    return item_indices(check(frame, checks).lazy(), chosen)


def of(made: pl.DataFrame, method: str) -> list[float | None]:
    return made.filter(method=method).sort("period")["index"].to_list()


# --- a reference in plain Python

Sold = dict[str, tuple[float, float]]  # price and quantity by product


def fisher(base: Sold, now: Sold) -> float:
    both = sorted(base.keys() & now.keys())
    laspeyres = sum(now[p][0] * base[p][1] for p in both) / sum(base[p][0] * base[p][1] for p in both)
    paasche = sum(now[p][0] * now[p][1] for p in both) / sum(base[p][0] * now[p][1] for p in both)
    return sqrt(laspeyres * paasche)


def tornqvist(base: Sold, now: Sold) -> float:
    both = sorted(base.keys() & now.keys())
    spent = [sum(each[p][0] * each[p][1] for p in both) for each in (base, now)]
    shares = {
        p: sum(each[p][0] * each[p][1] / total for each, total in zip((base, now), spent, strict=True)) / 2
        for p in both
    }
    return exp(sum(shares[p] * log(now[p][0] / base[p][0]) for p in both))


def geks_tornqvist(months: list[Sold]) -> list[float]:
    """The geometric mean, over every month as a link, of the index through it."""
    return [
        100 * prod(tornqvist(months[0], link) * tornqvist(link, now) for link in months) ** (1 / len(months))
        for now in months
    ]


# --- from the file to the index

PRODUCTS = {"05010001": "MILK 1L", "05010002": "MILK 1L", "05010003": "SKIMMED MILK 2L"}


def sold() -> Iterator[tuple[date, str, str, int, float]]:
    """Month, outlet, product number, quantity and turnover; one product of an outlet is not sold in March."""
    for number, month in enumerate(MONTHS):
        for place, outlet in enumerate(("north", "south")):
            for rank, sku in enumerate(PRODUCTS):
                if (month.month, outlet, rank) == (3, "south", 2):
                    continue
                quantity = 40 + 7 * rank + 11 * place - 3 * number * (rank - 1)
                price = (0.9 + 0.35 * rank) * (1 + 0.02 * number * (rank + 1)) + 0.05 * place
                yield month, outlet, sku, quantity, round(price * quantity, 2)


def file_of_sales() -> str:
    lines = ["period,retailer,outlet,sku,item_id,product,quantity,turnover,currency"]
    for month, outlet, sku, quantity, turnover in sold():
        if sku == "05010001":  # two kinds of sale: they are one unit value
            lines += [f"{month:%Y-%m},coop,{outlet},{sku},M-1,{PRODUCTS[sku]},10,7.50,GBP"]
            quantity, turnover = quantity - 10, round(turnover - 7.5, 2)
        lines.append(f"{month:%Y-%m},coop,{outlet},{sku},M-1,{PRODUCTS[sku]},{quantity},{turnover:.2f},GBP")
    return "\n".join(lines) + "\n"


def by_month(*, pooled: bool = False) -> list[Sold]:
    months: list[Sold] = []
    for month in MONTHS:
        added: dict[str, list[float]] = {}
        for when, outlet, sku, quantity, turnover in sold():
            if when == month:
                entry = added.setdefault(sku if pooled else f"{outlet} {sku}", [0.0, 0.0])
                entry[0] += turnover
                entry[1] += quantity
        months.append({name: (turnover / quantity, quantity) for name, (turnover, quantity) in added.items()})
    return months


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("ONS_ASSETS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(cli.console, "_width", 250)
    return Home(tmp_path / "home")


def settle(home: Home, more: str = "") -> None:
    home.root.mkdir(exist_ok=True)
    methods = '{method = "fisher"}, {method = "geks-tornqvist"}, {method = "jevons"}'
    (home.root / "ons-assets.toml").write_text(f"[prices.indices]\nmethods = [{methods}]\n{more}")


def test_a_file_of_sales_becomes_weighted_indices(home: Home) -> None:
    settle(home)
    path = home.root.parent / "till.csv"
    path.write_text(file_of_sales())
    assert command("ingest", path, "--source", "prices").exit_code == 0
    rules = home.root.parent / "rules.csv"
    rules.write_text("item_id,rule,words,lowest,highest,unit\nM-1,include,MILK,,,\n")
    assert command("ingest", rules, "--source", "item_rules").exit_code == 0
    made = command("materialize", "prices/classified_quotes", "prices/checked_quotes", "prices/item_indices")
    assert made.exit_code == 0, made.output
    apart = lake.read(home, CATALOGUE["prices/item_indices"]).filter(pl.col("frequency") == "month").collect()
    methods = ({"method": "fisher"}, {"method": "geks-tornqvist"}, {"method": "jevons"})
    pooling = IndexParameters(methods=methods, frequencies=("month",), followed_within=("retailer",))
    pooled = item_indices(lake.read(home, CATALOGUE["prices/checked_quotes"]), pooling)
    for found, months in ((apart, by_month(pooled=False)), (pooled, by_month(pooled=True))):
        assert of(found, "fisher") == pytest.approx([100 * fisher(months[0], each) for each in months], rel=1e-12)
        assert of(found, "geks-tornqvist") == pytest.approx(geks_tornqvist(months), rel=1e-12)
        both = [sorted(months[0].keys() & each.keys()) for each in months]
        jevons = [
            100 * prod(each[p][0] / months[0][p][0] for p in common) ** (1 / len(common))
            for each, common in zip(months, both, strict=True)
        ]
        assert of(found, "jevons") == pytest.approx(jevons, rel=1e-12)


@pytest.mark.skipif(not (DATA / "prices").exists(), reason="the real scanner data are not here")
def test_the_index_of_real_sales_is_that_of_priceindices() -> None:
    """Milk by product code over all outlets, against what PriceIndices prints for it."""
    milk = pl.read_csv(DATA / "prices" / "scanner" / "milk.csv.gz", try_parse_dates=True, infer_schema_length=None)
    rows = milk.select(
        collected_on="time",
        sku=pl.col("prodID").cast(pl.String),
        outlet=pl.col("retID").cast(pl.String),
        product="description",
        price="prices",
        quantity="quantities",
    )
    frame = sales(*rows.to_dicts())
    checks = CheckParameters(carry_days=0)
    made = indices(frame, "jevons", "fisher", checks=checks, followed_within=())
    expected = pl.read_csv(DATA / "prices" / "oracle" / "priceindices_expected.csv")
    for method in ("jevons", "fisher"):
        [row] = expected.filter(pl.col("call") == f"{method}(milk)").head(1).to_dicts()
        index = dict(made.filter(method=method).select("period", "index").iter_rows())
        assert index[row["end"]] / index[row["start"]] == pytest.approx(row["value"], abs=1e-4)


# --- what is one product


def test_one_name_at_fifty_petrol_stations_is_fifty_products() -> None:
    stations = range(50)
    rows = [
        {"item_id": "petrol", "product": "UNLEADED", "outlet": f"{station}", "collected_on": month}
        | {"price": (1.40 + 0.01 * station) * (1 + 0.1 * number)}
        for station in stations
        for number, month in enumerate(MONTHS)
        # Dear stations close after January: the price of no station falls.
        if number == 0 or station < 25
    ]
    apart = indices(sales(*rows), "jevons", checks=CheckParameters(carry_days=0))
    assert of(apart, "jevons") == pytest.approx([100, 110, 120, 130])
    assert apart.sort("period")["matched_products"].to_list() == [50, 25, 25, 25]
    checked = check(sales(*rows), CheckParameters(carry_days=0))
    assert not checked["repeated_row"].any(), "an outlet repeats no other"
    pooled = indices(sales(*rows), "jevons", checks=CheckParameters(carry_days=0), followed_within=("retailer",))
    assert (of(pooled, "jevons")[1] or 0) < 103, "the mean station became a cheap one"


def test_a_quote_without_an_outlet_is_of_the_retailer() -> None:
    rows = [{"collected_on": month, "price": 1.0 + number} for number, month in enumerate(MONTHS)]
    assert of(indices(sales(*rows), "jevons"), "jevons") == pytest.approx([100, 200, 300, 400])
    places = check(sales(*rows))["retailer"].unique().to_list()
    assert places == ["coop"], "what is published names the retailer as it was"


def test_a_product_is_known_by_its_number_whatever_it_is_called_or_a_spreadsheet_lost() -> None:
    rows = [
        {"sku": "0005010001", "product": "MILK 1L", "collected_on": MONTHS[0], "price": 1.0},
        {"sku": "5010001", "product": "NEW! MILK 1L", "collected_on": MONTHS[1], "price": 1.1},
        {"sku": "X-7", "product": "MILK 1L", "collected_on": MONTHS[0], "price": 5.0},
        {"sku": " X-7 ", "product": "MILK 1L", "collected_on": MONTHS[1], "price": 10.0},
        {"sku": None, "product": "MILK 1L", "collected_on": MONTHS[0], "price": 3.0},
        {"sku": "", "product": "milk, 1l", "collected_on": MONTHS[1], "price": 3.0},
    ]
    checks = CheckParameters(carry_days=0)
    by_number = indices(sales(*rows), "jevons", checks=checks)
    assert of(by_number, "jevons") == pytest.approx([100, 100 * (1.1 * 2 * 1) ** (1 / 3)])
    by_name = indices(sales(*rows), "jevons", checks=CheckParameters(carry_days=0, identified_by="name"))
    assert of(by_name, "jevons") == pytest.approx([100, 100 * sqrt(10 * 3) / (1 * 5 * 3) ** (1 / 3)])


# --- sales and displayed prices


def test_sales_of_a_product_add_up_though_they_be_alike() -> None:
    rows = [{"quantity": 10.0, "price": 1.0}, {"quantity": 30.0, "price": 0.8}, {"quantity": 10.0, "price": 1.0}]
    assert check(sales(*rows))["repeated_row"].to_list() == [False] * 3
    later = {"collected_on": MONTHS[1], "quantity": 1.0, "price": 0.9}
    assert of(indices(sales(*rows, later), "fisher"), "fisher")[1] == pytest.approx(100 * 0.9 / (44 / 50))
    shown = [{"price": 1.0}, {"price": 0.8}]
    assert check(sales(*shown))["repeated_row"].to_list() == [False, True]


def test_no_order_of_sales_changes_a_digit() -> None:
    rows = [
        {"outlet": f"{outlet}", "collected_on": month, "price": 1 / (outlet + 3), "quantity": 7 / (number + outlet + 1)}
        for outlet in range(20)
        for number, month in enumerate(MONTHS * 3)
    ]
    frame = sales(*rows)
    made = indices(frame, "fisher", "jevons", followed_within=("retailer",))
    shuffled = frame.sample(fraction=1, shuffle=True, seed=5)
    assert indices(shuffled, "fisher", "jevons", followed_within=("retailer",)).equals(made)


def test_a_carried_price_was_sold_to_nobody() -> None:
    rows = [{"collected_on": date(2024, 1, day), "quantity": 5.0, "price": 1.0 + day} for day in (1, 4)]
    checked = check(sales(*rows))
    assert checked.filter("imputed")["quantity"].null_count() == checked["imputed"].sum() > 0
    unit_value = (2 * 5 + 5 * 5) / 10
    later = {"collected_on": MONTHS[1], "quantity": 1.0, "price": 7.0}
    assert of(indices(sales(*rows, later), "fisher"), "fisher") == pytest.approx([100, 100 * 7 / unit_value])


def test_a_displayed_price_beside_sales_does_not_count() -> None:
    rows = [
        {"collected_on": MONTHS[0], "price": 1.0, "quantity": 2.0},
        {"collected_on": MONTHS[0], "price": 9.0},
        {"collected_on": MONTHS[1], "price": 2.0, "quantity": 2.0},
        {"collected_on": MONTHS[1], "price": 2.0, "quantity": 0.0},
    ]
    made = indices(sales(*rows), "jevons", "fisher", checks=CheckParameters(carry_days=0))
    assert of(made, "jevons") == pytest.approx([100, 200])
    assert of(made, "fisher") == pytest.approx([100, 200])


def test_an_item_without_quantities_says_why_it_has_no_weighted_index() -> None:
    rows = [
        {"item_id": item, "collected_on": month, "quantity": quantity}
        for item, quantity in (("milk", 3.0), ("eggs", None))
        for month in MONTHS
    ]
    made = indices(sales(*rows), "jevons", {"method": "fisher", "label": "ours"})
    eggs = made.filter(item_id="eggs", method="ours")
    assert eggs["index"].to_list() == [None] * 4
    assert set(eggs["reason"]) == {NO_QUANTITIES}
    assert made.filter(item_id="eggs", method="jevons")["index"].null_count() == 0
    assert of(made.filter(item_id="milk"), "ours") == pytest.approx([100] * 4)
    table = CATALOGUE["prices/item_indices"]
    assert table.conform(made).select(pl.struct(table.key).is_duplicated().any()).item() is False


def test_a_weighted_index_has_its_base_where_the_quantities_begin() -> None:
    rows = [
        {"collected_on": month, "price": 1.0 + number, "quantity": 2.0 if number else None}
        for number, month in enumerate(MONTHS)
    ]
    made = indices(sales(*rows), "jevons", "fisher", checks=CheckParameters(carry_days=0)).sort("period")
    assert set(made.filter(method="jevons")["base_period"]) == {"2024-01"}
    assert set(made.filter(method="fisher")["base_period"]) == {"2024-02"}
    assert of(made, "fisher") == pytest.approx([None, 100, 150, 200], nan_ok=True)


def test_an_index_per_unit_weighs_what_is_in_the_packs() -> None:
    rows = [
        {"product": "MILK 1L", "collected_on": MONTHS[0], "price": 1.0, "quantity": 10.0},
        {"product": "MILK 2L", "collected_on": MONTHS[0], "price": 1.6, "quantity": 10.0},
        {"product": "MILK 1L", "collected_on": MONTHS[1], "price": 1.5, "quantity": 10.0},
        {"product": "MILK 2L", "collected_on": MONTHS[1], "price": 1.6, "quantity": 10.0},
    ]
    made = indices(sales(*rows), "laspeyres", checks=CheckParameters(carry_days=0), price="unit")
    assert of(made, "laspeyres") == pytest.approx([100, 100 * (15 + 16) / (10 + 16)])
