"""Shares of retailers in what households spend, as offices and panels have them: plain, and through a layout."""

import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.ledger import Status
from ons_assets.lakehouse import quarantine
from ons_assets.reference.weights import RetailerShareFiles
from tests.workbench import Workbench

HEADER = "area,retailer,year,spending_share,share_error,households_asked"


@pytest.fixture
def bench(workbench: Workbench) -> Workbench:
    workbench.source = RetailerShareFiles.of(workbench.settings)
    workbench.table = CATALOGUE["reference/retailer_shares"]
    return workbench


def published(bench: Workbench) -> list[tuple[object, ...]]:
    columns = ("area", "retailer", "year", "spending_share", "share_error", "households_asked")
    return bench.published().sort("area", "retailer", "year").select(columns).rows()


def layout(bench: Workbench, name: str, text: str) -> None:
    folder = bench.home.layouts / "retailer_shares"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text(text)
    bench.source = RetailerShareFiles.of(bench.settings)


def test_shares_are_published_and_shops_are_called_as_in_quotes(bench: Workbench) -> None:
    lines = [HEADER, "E1, Tesco ,2015,0.4,0.02,210", "E1,OTHER,2015,0.6,,", ""]
    bench.register("s.csv", "\n".join(lines).encode())
    bench.ingest()
    assert published(bench) == [("E1", "other", 2015, 0.6, None, None), ("E1", "tesco", 2015, 0.4, 0.02, 210)]
    bench.check_books()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",tesco,2015,0.4,,", "area is missing"),
        ("North East,tesco,2015,0.4,,", "a code of an area has other signs"),
        ("E1,,2015,0.4,,", "retailer is missing"),
        ("E1,tesco,,0.4,,", "year is missing"),
        ("E1,tesco,1066,0.4,,", "year is not between 1990 and 2100"),
        ("E1,tesco,2015,,,", "share is missing, negative or not a number"),
        ("E1,tesco,2015,-0.1,,", "share is missing, negative or not a number"),
        ("E1,tesco,2015,nan,,", "share is missing, negative or not a number"),
        ("E1,tesco,2015,1e13,,", "share is beyond all bounds"),
        ("E1,tesco,2015,1e-320,,", "share is beyond all bounds"),
        ("E1,tesco,2015,0.4,-0.1,", "standard error of the share is negative"),
        ("E1,tesco,2015,0.4,,0", "number of households is not a whole number above zero"),
        ("E1,tesco,2015,0.4,,<20", "number of households is not a whole number above zero"),
        ("E1,tesco,2015,0.4,,c", "number of households is not a whole number above zero"),
        ("E1,tesco,2015,0.4,,12.5", "number of households is not a whole number above zero"),
    ],
)
def test_a_row_that_says_nothing_is_rejected_and_its_neighbour_stays(bench: Workbench, line: str, reason: str) -> None:
    bench.register("s.csv", f"{HEADER}\n{line}\nE2,tesco,2015,0.5,,\n".encode())
    bench.ingest()
    assert [row[0] for row in published(bench)] == ["E2"]
    [entry] = quarantine.entries(bench.home)
    assert reason in str(entry.reason)
    bench.check_books()


@pytest.mark.parametrize(("torn", "rows"), [("E1,other,2015,n/a,,", 2), ("E1,other,2015,45,,\nE1,other,2015,46,,", 3)])
def test_shares_of_which_one_is_refused_are_parts_of_no_whole(bench: Workbench, torn: str, rows: int) -> None:
    """What is left would be taken for all; and a correction that is torn takes the place of nothing."""
    bench.register("a.csv", f"{HEADER}\nE1,tesco,2015,40,,\nE1,other,2015,60,,\n".encode())
    bench.ingest()
    bench.register("b.csv", f"{HEADER}\nE1,tesco,2015,50,,\n{torn}\nE2,tesco,2015,1,,\n".encode())
    bench.ingest()
    assert sorted(row[:4] for row in published(bench)) == [
        ("E1", "other", 2015, 60.0), ("E1", "tesco", 2015, 40.0), ("E2", "tesco", 2015, 1.0),
    ]  # fmt: skip
    [entry] = quarantine.entries(bench.home)
    assert entry.rows == rows
    assert "another share of the area and year is refused" in str(entry.reason)
    bench.check_books()


def test_a_later_survey_adds_its_year_and_takes_the_place_of_all_shares_of_its_areas(bench: Workbench) -> None:
    """Per cents beside fractions, or a retailer that is no more there, would be parts of no whole."""
    bench.register("a.csv", f"{HEADER}\nE1,tesco,2015,40,,\nE1,aldi,2015,60,,\nE2,aldi,2015,100,,\n".encode())
    bench.ingest()
    bench.register("b.csv", f"{HEADER}\nE1,tesco,2015,0.5,,\nE1,asda,2015,0.5,,\nE1,tesco,2016,0.3,,\n".encode())
    bench.ingest()
    assert sorted(row[:4] for row in published(bench)) == [
        ("E1", "asda", 2015, 0.5), ("E1", "tesco", 2015, 0.5), ("E1", "tesco", 2016, 0.3), ("E2", "aldi", 2015, 100.0),
    ]  # fmt: skip
    bench.check_books()


# --- forms of others, each through a layout


FORMS = {
    # A panel's shares: per cent, with a sign, by regions that are named, for weeks that end on a day.
    "panel": (
        "name: panel\nfiles: 'share_of_grocers*.csv'\n"
        "columns: {area: Region, retailer: Outlet, spending_share: Share,"
        " year: {column: '12 weeks ending', pattern: '(\\d{4})$'}}\n"
        "codes: {area: {North East: E12000001, London: E12000007}}\n",
        "share_of_grocers.csv",
        "Region,Outlet,12 weeks ending,Share\nNorth East,Asda,18 January 2015,21.5\nLondon,Asda,18 January 2015,10.2\n",
        [("E12000001", "asda", 2015, 21.5, None, None), ("E12000007", "asda", 2015, 10.2, None, None)],
    ),
    # An expenditure survey: pounds a week by financial year, its error, and households beneath it.
    "survey": (
        "name: survey\nfiles: 'spending_*.csv'\ndelimiter: ';'\ndecimal: ','\nmissing: ['', ':', '..']\n"
        "columns: {area: gor, retailer: store, spending_share: mean_weekly,"
        " year: {file_name: '^spending_(\\d{4})'}}\n"
        "optional: {share_error: se, households_asked: n}\n",
        "spending_2014_15.csv",
        "gor;store;mean_weekly;se;n\nE12000001;Asda;12,40;1,10;213\nE12000001;Market stalls;1,05;..;213\n",
        [("E12000001", "asda", 2014, 12.4, 1.1, 213), ("E12000001", "market stalls", 2014, 1.05, None, 213)],
    ),
    # Weights of kinds of shops in regions, as the stratification of locally collected prices has them.
    "shop types": (
        "name: shop-types\nfiles: 'shop_weights*.csv'\nskip_lines: 2\n"
        "columns: {area: region, retailer: shop_type, spending_share: weight, year: {constant: '2014'}}\n",
        "shop_weights.csv",
        "Weights\nof shop types\nregion,shop_type,weight\nE12000001,multiple,81\nE12000001,independent,19\n",
        [("E12000001", "independent", 2014, 19.0, None, None), ("E12000001", "multiple", 2014, 81.0, None, None)],
    ),
    # Shares by a model of trading areas, of small areas.
    "model": (
        "name: model\nfiles: '*.csv'\n"
        "columns: {area: lsoa11cd, retailer: fascia, spending_share: huff_probability, year: release}\n",
        "huff.csv",
        "lsoa11cd,fascia,huff_probability,release\nE01000001,Waitrose,0.715,2015\nE01000001,Co-op,0.285,2015\n",
        [("E01000001", "co-op", 2015, 0.285, None, None), ("E01000001", "waitrose", 2015, 0.715, None, None)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_files_of_others_are_read_by_a_layout_of_a_few_lines(bench: Workbench, form: str) -> None:
    text, name, content, expected = FORMS[form]
    layout(bench, form.replace(" ", "_"), text)
    bench.register(name, content.encode())
    bench.ingest()
    assert published(bench) == expected


def test_points_of_shops_are_no_shares(bench: Workbench) -> None:
    """A shop for each row: whose it is and where; what households spend there, nobody says."""
    content = (
        b"id,retailer,fascia,store_name,postcode,bng_e,bng_n,size_band\n1,Tesco,Tesco Express,A Road,ZZ1,1,2,<280m2\n"
    )
    bench.register("retailpoints.csv", content)
    bench.ingest()
    assert bench.statuses() == {"retailpoints.csv": Status.REFUSED}
