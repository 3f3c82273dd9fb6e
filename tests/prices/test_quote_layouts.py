from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ons_assets.intake import records
from ons_assets.intake.blocks import Block, rejected_rows
from ons_assets.intake.fields import fields
from ons_assets.intake.layouts import Layout
from ons_assets.intake.limits import Limits
from ons_assets.intake.rules import first_fault
from ons_assets.intake.shelf import Shelf, shelf
from ons_assets.intake.source import Piece
from ons_assets.intake.unreadable import Unreadable
from ons_assets.prices.sources import BUILT_IN, QuoteFiles

NOW = datetime(2016, 8, 1, tzinfo=UTC)

OFFICE = """
name: my-office
files: "shop_*.csv"
delimiter: ";"
decimal: ","
time_format: "%d/%m/%Y"
zone: Europe/Vienna
currency: EUR
retailer: Spar
columns: {collected_at: datum, product: artikel, price: preis, category: regal}
items:
  Milch: {item_id: "211709", item: Milk}
  Brot: {item_id: "210111", item: Bread}
"""
GENERIC = {
    "name": "generic",
    "zone": "Europe/London",
    "currency": "GBP",
    "retailer": "shop",
    "columns": {"collected_at": "t", "product": "p", "price": "q", "item_id": "i"},
}


def source(folder: Path, *texts: str) -> QuoteFiles:
    """A source with these mappings before those of the pilot."""
    for number, text in enumerate(texts):
        (folder / f"{number}.yaml").write_text(text, "utf-8")
    return QuoteFiles((folder, BUILT_IN), Limits(), {"max_price": 10_000})


def read(folder: Path, text: str, name: str, content: bytes) -> Piece:
    path = folder / "content"
    path.write_bytes(content)
    return source(folder, text).whole(path, name, NOW)


def generic(**changes: object) -> Layout:
    return Layout.model_validate({**GENERIC, **changes})


def quote(layout: Layout, **values: object) -> dict[str, object]:
    """The quote that a record becomes; fails if it is rejected."""
    record = {"t": "2016-07-21 10:00:00", "p": "loaf", "q": "1", "i": "1"} | values
    rows = pl.DataFrame({name: [value] for name, value in record.items()}).with_columns(line=pl.lit(2, pl.Int64))
    named = fields(Block(rows, rejected_rows()), layout, "file.csv").rows
    files = QuoteFiles(parameters={"max_price": 10_000})
    typed = files.typed(named, layout)
    assert typed.select(first_fault(files.rules(layout, NOW))).item() is None
    return typed.row(0, named=True)


# --- another office's layout, without code


def test_another_offices_file_is_read_through_its_mapping(tmp_path: Path) -> None:
    content = (
        "datum;artikel;preis;regal;filiale\n"
        "21/07/2016;Vollmilch 1 l;1,09;Milch;7\n"
        "21/07/2016;Bergkäse;1.234,50;Brot;7\n"
        "21/07/2016;Kerze;2,00;Deko;7\n"
        "21/07/2016;Butter;1.09;Milch;7\n"
    )
    parsed = read(tmp_path, OFFICE, "shop_1.csv", content.encode())
    assert parsed.accepted.select("retailer", "currency", "item_id", "item", "product", "price", "shelf").rows() == [
        ("spar", "EUR", "211709", "Milk", "Vollmilch 1 l", 1.09, "Milch"),
        ("spar", "EUR", "210111", "Bread", "Bergkäse", 1234.5, "Brot"),
    ]
    assert parsed.accepted["run"].to_list() == ["2016-07-21"] * 2
    assert parsed.accepted["collected_on"].to_list() == [date(2016, 7, 21)] * 2
    assert parsed.accepted["collected_at_utc"].to_list() == [datetime(2016, 7, 20, 22, tzinfo=UTC)] * 2
    assert parsed.rejected.select("line", "reason").rows() == [
        (4, "item is missing, or its category has no item"),
        (5, "price is missing or not a number"),
    ]


def test_the_same_mapping_reads_parquet(tmp_path: Path) -> None:
    path = tmp_path / "shop_1.csv"
    pl.DataFrame(
        {"datum": [date(2016, 7, 21)], "artikel": ["Milch"], "preis": [1.09], "regal": ["Milch"], "other": [1]}
    ).write_parquet(path)
    parsed = source(tmp_path, OFFICE).whole(path, path.name, NOW)
    assert parsed.accepted.select("price", "item_id", "line").rows() == [(1.09, "211709", 1)]


def test_a_mapping_reads_the_names_that_it_says_only(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="is not known"):
        read(tmp_path, OFFICE, "other.csv", b"datum;artikel;preis;regal\n")


def test_an_own_mapping_comes_before_those_of_the_pilot(tmp_path: Path) -> None:
    own = (BUILT_IN / "scraper_run_2016.yaml").read_text().replace("currency: GBP", "currency: EUR")
    chosen = source(tmp_path, own).shelf.layouts
    assert chosen[0].columns["currency"].constant == "EUR"
    assert [each.name for each in chosen[1:]] == [each.name for each in shelf([BUILT_IN]).layouts]


def test_an_own_mapping_takes_a_column_that_the_layout_of_2016_does_not_know(tmp_path: Path) -> None:
    own = (BUILT_IN / "scraper_run_2016.yaml").read_text().replace("unused: [", "unused: [loyalty, ")
    columns = [*(name for name in Layout.model_validate(load_yaml(own)).needed), "loyalty"]
    values = dict.fromkeys(columns, "1") | {"timestamp": "2016-07-21 05:00:00"}
    content = ",".join(columns) + "\n" + ",".join(values[name] for name in columns) + "\n"
    assert len(read(tmp_path, own, "a.csv", content.encode()).accepted) == 1


def load_yaml(text: str) -> object:
    import yaml

    return yaml.safe_load(text)


def test_a_retailer_and_run_in_the_name_of_the_file(tmp_path: Path) -> None:
    text = OFFICE.replace(
        "retailer: Spar\n", "name_pattern: '^(?P<retailer>\\w+)-(?P<run>\\d+)'\nbatch: [retailer, run]\n"
    )
    text = text.replace("shop_*", "*")
    known = source(tmp_path, text)
    assert known.shelf.broken == ()
    assert known.describe("SPAR-42.csv") == {"retailer": "SPAR", "run": "42"}
    assert known.describe("nothing.csv") == {}
    content = b"datum;artikel;preis;regal\n21/07/2016;Vollmilch 1 l;1,09;Milch\n"
    read_quote = read(tmp_path, text, "SPAR-42.csv", content).accepted.row(0, named=True)
    assert (read_quote["retailer"], read_quote["run"]) == ("spar", "42")


def test_columns_of_the_file_that_nobody_named_do_not_matter() -> None:
    found = quote(generic(), run="7", reason="because", line_number="9", currency="EUR")
    assert (found["run"], found["currency"], found["price"]) == ("2016-07-21", "GBP", 1.0)


def test_a_column_of_runs_counts_where_the_layout_says_so() -> None:
    layout = generic(optional=["run"])
    assert quote(layout, run="7")["run"] == "7"
    assert quote(layout, run="")["run"] == "2016-07-21"
    assert quote(layout)["run"] == "2016-07-21"


# --- numbers


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("1.5", ".", 1.5),
        (" £1.50 ", ".", 1.5),
        ("€ 2", ".", 2.0),
        ("$\N{NO-BREAK SPACE}3", ".", 3.0),
        ("1,5", ",", 1.5),
        ("1.234,5", ",", 1234.5),
        ("1.234.567,89 €", ",", 1234567.89),
        ("1.234", ",", 1234.0),
        ("12", ",", 12.0),
        ("0,99", ",", 0.99),
    ],
)
def test_numbers_are_read(text: str, decimal: str, number: float) -> None:
    assert quote(generic(decimal=decimal, columns=GENERIC["columns"] | {"unit_price": "u"}), u=text)[
        "unit_price"
    ] == pytest.approx(number)


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        ("1,5", "."),
        ("1.50", ","),  # not 150
        ("12.34", ","),
        ("1.2345", ","),
        ("1234.567,00", ","),
        ("1,2,3", ","),
        ("1.234,5.6", ","),
        ("", ","),
        ("abc", ","),
        ("nan", "."),
        ("inf", ","),
    ],
)
def test_what_is_no_number_in_the_layout_is_none(text: str, decimal: str) -> None:
    layout = generic(decimal=decimal, columns=GENERIC["columns"] | {"unit_price": "u"})
    assert quote(layout, u=text)["unit_price"] is None


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**9), st.booleans())
def test_a_price_survives_the_way_a_european_writes_it(cents: int, grouped: bool) -> None:
    whole, rest = divmod(cents, 100)
    text = f"{whole:,}".replace(",", ".") if grouped else str(whole)
    layout = generic(decimal=",", columns=GENERIC["columns"] | {"unit_price": "u"})
    assert quote(layout, u=f"{text},{rest:02d}")["unit_price"] == pytest.approx(cents / 100)


# --- times


@pytest.mark.parametrize(
    ("time_format", "text", "expected"),
    [
        ("%Y-%m-%d %H:%M:%S%.f", "2016-07-21 10:00:00.25", datetime(2016, 7, 21, 9, 0, 0, 250_000, tzinfo=UTC)),
        ("%Y-%m-%d %H:%M:%S%.f", " 2016-01-21 10:00:00 ", datetime(2016, 1, 21, 10, tzinfo=UTC)),
        ("%d.%m.%Y", "21.07.2016", datetime(2016, 7, 20, 23, tzinfo=UTC)),
        ("%Y-%m-%d %H:%M:%S%z", "2016-07-21 10:00:00+0200", datetime(2016, 7, 21, 8, tzinfo=UTC)),
        ("%Y-%m-%dT%H:%M:%S%:z", "2016-07-21T10:00:00-05:00", datetime(2016, 7, 21, 15, tzinfo=UTC)),
        ("%+", "2016-07-21T10:00:00+00:00", datetime(2016, 7, 21, 10, tzinfo=UTC)),
    ],
)
def test_times_are_read(time_format: str, text: str, expected: datetime) -> None:
    assert quote(generic(time_format=time_format), t=text)["collected_at_utc"] == expected


def test_the_day_is_that_of_the_layout_s_zone() -> None:
    layout = generic(time_format="%+", zone="Pacific/Auckland")
    found = quote(layout, t="2016-07-21T20:00:00+00:00")
    assert found["collected_on"] == date(2016, 7, 22)


# --- what a layout must say


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "blue"}, "Extra inputs are not permitted"),
        ({"decimal": ";"}, "Input should be '.' or ','"),
        ({"delimiter": ";;"}, "is one ASCII character"),
        ({"delimiter": "§"}, "is one ASCII character"),
        ({"encoding": "latin-99"}, "there is no encoding 'latin-99'"),
        ({"zone": "Europe/Londres"}, "there is no time zone 'Europe/Londres'"),
        ({"zone": "../../etc/passwd"}, "there is no time zone"),
        ({"name_pattern": "("}, "is not a regular expression"),
        ({"time_format": "%H:%M"}, "'%H:%M' does not say a day"),
        ({"time_format": "%Q"}, "does not say a day"),
        ({"time_format": "dd/mm/yyyy"}, "does not say a day"),
        ({"items": {"Milk": {"item_id": 211709, "item": "Milk"}}}, "Input should be a valid string"),
    ],
)
def test_a_layout_that_cannot_work_is_refused_when_it_is_loaded(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError) as raised:
        generic(**changes)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "bad.yaml is not valid YAML"),
        ("just text", "bad.yaml is no layout"),
        ("!!python/object/apply:os.system ['touch /tmp/evil']", "bad.yaml is not valid YAML"),
        (OFFICE.replace("zone: Europe/Vienna\n", ""), "bad.yaml does not say zone"),
        (OFFICE.replace("retailer: Spar\n", ""), "bad.yaml does not say retailer"),
        (OFFICE.replace("currency: EUR\n", ""), "bad.yaml does not say currency"),
        (
            OFFICE.replace("price: preis", "prize: preis"),
            "bad.yaml says neither price nor turnover and quantity; says prize, which",
        ),
        (
            OFFICE.replace("price: preis", "price: preis, colour: farbe"),
            "says colour, which files of prices do not have",
        ),
        (OFFICE[: OFFICE.index("items:")], "does not say item_id or items"),
    ],
)
def test_a_broken_layout_stops_only_files_that_would_use_it(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    (tmp_path / "good.yaml").write_text(OFFICE.replace("shop_*", "good_*"))
    known = QuoteFiles((tmp_path,), Limits(), {"max_price": 10_000})
    [broken] = known.shelf.broken
    assert message in broken.sentence
    path = tmp_path / "content"
    path.write_text("datum;artikel;preis;regal\n21/07/2016;Vollmilch 1 l;1,09;Milch\n")
    assert len(known.whole(path, "good_1.csv", NOW).accepted) == 1
    with pytest.raises(Unreadable, match="a layout that cannot be used"):
        known.whole(path, "shop_1.csv", NOW)


def test_folders_are_read_in_order_and_files_by_name(tmp_path: Path) -> None:
    for folder, names in (("own", "ba"), ("built_in", "dc")):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / f"{name}.yaml").write_text(OFFICE.replace("my-office", name))
    loaded = shelf([tmp_path / "own", tmp_path / "absent", tmp_path / "built_in"]).layouts
    assert [each.name for each in loaded] == ["a", "b", "c", "d"]


def unknown(folder: Path, text: str, *layouts: Layout, individual: bool = False) -> str:
    path = folder / "a.csv"
    path.write_text(text)
    with pytest.raises(Unreadable) as raised:
        Shelf(tuple(layouts)).choose(path, "a.csv", Limits(), individual=individual)
    return str(raised.value)


def test_what_a_file_lacks_is_said_of_the_nearest_layout(tmp_path: Path) -> None:
    far, near = generic(name="far", required=["x", "y", "z"]), generic(name="near")
    said = unknown(tmp_path, "t,p,q\n2016-07-21,loaf,1\n", far, near)
    assert "its columns are 't', 'p', 'q'; the layout near also needs 'i'" in said
    assert "'t'" not in unknown(tmp_path, "t,p,q\n2016-07-21,loaf,1\n", far, near, individual=True)


def test_a_likely_delimiter_is_named(tmp_path: Path) -> None:
    assert "';'" in unknown(tmp_path, "time;product;price\n2016-07-21;loaf;1\n", generic())


def test_long_headers_are_shortened_in_messages(tmp_path: Path) -> None:
    names = [f"n{number}" for number in range(500)]
    sentence = unknown(tmp_path, ",".join(names) + "\n" + ",".join("1" for _ in names) + "\n", generic())
    assert len(sentence) < 500
    assert "and 488 more" in sentence


def test_a_file_is_given_to_the_first_layout_that_knows_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("t,p,q,i\n")
    known = [generic(name="other", required=["x"]), generic(name="first"), generic(name="second")]
    assert Shelf(tuple(known)).choose(path, "a.csv", Limits()).name == "first"
    assert Shelf(tuple(known[:1])).find(path, "a.csv", Limits()) is None
    assert records.header(path, known[0], Limits()) == ["t", "p", "q", "i"]


# --- layouts that are built in


@pytest.mark.parametrize(
    ("name", "layout", "content", "quotes", "reasons"),
    [
        (
            "raw_data.csv",
            "billion-prices-cyprus",
            "Date,Name,Subclass,Price,Division,Retailer\n"
            '2014-04-25,Φασόλια 400g,"Dried vegetables, \nprocessed",0.99,FOOD,CornerShop\n'
            "2014-04-26,Ψωμί 780g,Bread,2.29,FOOD,CornerShop\n",
            [
                ("cornershop", "2014-04-25", "Dried vegetables, \nprocessed", "Φασόλια 400g", 0.99, "EUR"),
                ("cornershop", "2014-04-26", "Bread", "Ψωμί 780g", 2.29, "EUR"),
            ],
            [],
        ),
        (
            "waitrose_products_20151105050029.csv",
            "scraper-run-november-2015",
            "timestamp,store,ons_item_no,ons_item_name,product_type,search_string,search_matches,product_name,"
            "item_price_str,item_price_num,volume_price,unit_price,no_units,units,std_price,std_unit,promo,offer\n"
            '2015-11-05 05:00:29.889773,WAITROSE,212011,"Cola, bottle",shelf,cola,0.0,COLA 500ML,£1.25/unit,1.25,'
            "£0.25 / 100ml,0.25,100,ml,2.5,l,,\n",
            [("waitrose", "20151105050029", "212011", "COLA 500ML", 1.25, "GBP")],
            [],
        ),
        (
            "quotes.csv",
            "own",
            "collected_at,retailer,item_id,product,price,currency,outlet\n"
            "2016-07-01,Aldi,0210111,Bread,1.10,gbp,7\n2016-07-02T08:00:00+01:00,Aldi,0210111,Bread,1.15,gbp,\n",
            [
                ("aldi", "2016-07-01", "0210111", "Bread", 1.10, "GBP"),
                ("aldi", "2016-07-02", "0210111", "Bread", 1.15, "GBP"),
            ],
            [],
        ),
        (
            "till.csv",
            "scanner-data",
            "period,retailer,outlet,item_id,product,quantity,turnover,currency\n2016-06,coop,12,210111,Bread,10,12.50,GBP\n"
            "2016-06,coop,13,210111,Bread,0,0,GBP\n2016-07-04,coop,12,210111,Rolls,-1,-1.30,GBP\n",
            [("coop", "2016-06-01", "210111", "Bread", 1.25, "GBP")],
            [
                (3, "quantity or turnover is not positive: nothing was sold, or it came back"),
                (4, "quantity or turnover is not positive: nothing was sold, or it came back"),
            ],
        ),
    ],
)
def test_quotes_of_others_are_known(
    tmp_path: Path, name: str, layout: str, content: str, quotes: list[object], reasons: list[object]
) -> None:
    path = tmp_path / name
    path.write_text(content, "utf-8")
    files = source(tmp_path)
    assert files.layout(path, name).name == layout
    parsed = files.whole(path, name, NOW)
    columns = ("retailer", "run", "item_id", "product", "price", "currency")
    assert parsed.accepted.select(columns).rows() == quotes
    assert parsed.rejected.select("line", "reason").rows() == reasons


TILL = {
    **GENERIC,
    "columns": {"collected_at": "t", "product": "p", "item_id": "i"},
    "optional": {"price": "shelf", "quantity": "n", "turnover": "paid", "sku": "gtin", "outlet": "branch"},
}


@pytest.mark.parametrize(
    ("row", "price", "quantity"),
    [
        ("2.00,4,6.00", 1.5, 4.0),  # what was paid, not what the shelf says
        (",4,6.00", 1.5, 4.0),
        ("2.00,,6.00", 2.0, 3.0),
        ("2.00,4,", 2.0, 4.0),
        ("2.00,,", 2.0, None),
        ("2.00,0,", 2.0, 0.0),
    ],
)
def test_price_quantity_and_turnover_say_each_other(
    tmp_path: Path, row: str, price: float, quantity: float | None
) -> None:
    content = f"t,p,i,gtin,branch,shelf,n,paid\n2016-06-01 10:00:00,Bread,1,5012345678900.0,7,{row}\n"
    [quote] = read(tmp_path, yaml.safe_dump(TILL), "a.csv", content.encode()).accepted.to_dicts()
    assert (quote["price"], quote["quantity"]) == (price, quantity)
    assert (quote["sku"], quote["outlet"]) == ("5012345678900", "7")


@pytest.mark.parametrize("row", ["2.00,-4,", ",-4,-6.00", ",4,0", ",0,6.00", "2.00,,-6.00"])
def test_what_came_back_is_no_sale(tmp_path: Path, row: str) -> None:
    content = f"t,p,i,gtin,branch,shelf,n,paid\n2016-06-01 10:00:00,Bread,1,5,7,{row}\n"
    with pytest.raises(
        Unreadable, match="1 row: quantity or turnover is not positive: nothing was sold, or it came back"
    ):
        read(tmp_path, yaml.safe_dump(TILL), "a.csv", content.encode())
