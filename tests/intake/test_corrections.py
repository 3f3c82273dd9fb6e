"""A correction replaces what it corrects, whatever its file is called; a drop keeps the layout it came by."""

import shutil
from pathlib import Path

import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.parsed import folder_of
from ons_assets.intake.reading import rereading
from ons_assets.lakehouse import lake
from ons_assets.meters.readings.sources import MeterFiles
from ons_assets.prices.sources import QuoteFiles
from tests.workbench import Workbench

LAYOUT = """
name: my-office
files: "preise_*.csv"
delimiter: ";"
decimal: ","
zone: Europe/Vienna
time_formats: ["%d.%m.%Y"]
columns:
  collected_at: Datum
  retailer: Kette
  product: Artikel
  price: Preis
  category: Gruppe
  currency: {constant: EUR}
items:
  Milch: {item_id: M1, item: Milk}
  Gouda: {item_id: G1, item: Gouda}
"""
HEADER = "Datum;Kette;Gruppe;Artikel;Preis\n"
JANUARY = (
    HEADER
    + "02.01.2024;Spar;Milch;Milch A 1l;1,19\n02.01.2024;Spar;Gouda;Gouda B 200g;2,49\n"
    + "03.01.2024;Spar;Gouda;Gouda B 200g;2,49\n"
)


@pytest.fixture
def office(workbench: Workbench) -> Workbench:
    shutil.rmtree(workbench.settings.expectations)
    shutil.copytree(Path(__file__).resolve().parents[2] / "expectations", workbench.settings.expectations)
    say(workbench, LAYOUT)
    return workbench


def say(office: Workbench, layout: str) -> None:
    folder = office.home.root / "layouts" / "prices"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "my.yaml").write_text(layout)
    office.source = QuoteFiles.of(office.settings)


def in_force(office: Workbench) -> list[tuple[str, float]]:
    rows = office.published().sort("collected_on", "retailer", "product")
    counted = {drop.sha256: drop.rows_in_force or 0 for drop in office.ledger.drops()}
    assert sum(counted.values()) == len(rows), "the ledger and the table agree"
    return rows.select("product", "price").rows()


def test_a_corrected_file_of_another_name_replaces_the_days_of_its_retailer(office: Workbench) -> None:
    office.register("preise_jan.csv", JANUARY.encode())
    office.ingest()
    office.register("preise_jan_korrigiert.csv", JANUARY.replace("1,19", "1,29").encode())
    office.ingest()
    assert in_force(office) == [("Gouda B 200g", 2.49), ("Milch A 1l", 1.29), ("Gouda B 200g", 2.49)]
    assert office.statuses() == {"preise_jan.csv": "superseded", "preise_jan_korrigiert.csv": "accepted"}
    office.check_books()


def test_a_layout_that_changes_touches_no_file_that_was_accepted_until_somebody_asks(office: Workbench) -> None:
    office.register("preise_jan.csv", JANUARY.encode())
    office.ingest()
    say(office, LAYOUT.replace("  Gouda:", "  Goudaa:"))
    office.register("preise_billa.csv", (HEADER + "02.01.2024;Billa;Milch;Milch C 1l;1,09\n").encode())
    office.ingest()
    assert [product for product, _ in in_force(office)] == ["Milch C 1l", "Gouda B 200g", "Milch A 1l", "Gouda B 200g"]
    office.check_books()

    with rereading(office.home, office.ledger, office.source, office.table, None) as again:
        changed = [each for each in again.differences if each.changes]
        assert [(each.drop.name, each.before, each.after, each.went) for each in changed] == [
            ("preise_jan.csv", 3, 1, 2)
        ]
        assert len(in_force(office)) == 4, "showing changes nothing"
        days = again.apply("again")
    assert days is not None
    office.ingest(*days)
    assert [product for product, _ in in_force(office)] == ["Milch C 1l", "Milch A 1l"]
    office.check_books()
    assert not list(folder_of(office.home, "prices").parent.glob(".*"))


def test_a_file_that_is_a_part_and_no_correction_is_warned_of(office: Workbench) -> None:
    office.register("preise_1.csv", (HEADER + "02.01.2024;Spar;Milch;Milch A 1l;1,19\n").encode())
    office.ingest()
    office.register("preise_2.csv", (HEADER + "02.01.2024;Spar;Gouda;Gouda B 200g;2,49\n").encode())
    outcome = office.ingest()
    assert "replaces 1 row on what it says nothing of" in outcome.warnings[-1].reason
    assert "batch" in (office.drop("preise_2.csv").reason or "")
    office.check_books()


def test_parts_of_one_day_stand_side_by_side_where_the_layout_says_so(office: Workbench) -> None:
    say(office, LAYOUT + "batch: [retailer, item_id]\n")
    office.register("preise_1.csv", (HEADER + "02.01.2024;Spar;Milch;Milch A 1l;1,19\n").encode())
    office.register("preise_2.csv", (HEADER + "02.01.2024;Spar;Gouda;Gouda B 200g;2,49\n").encode())
    office.ingest()
    assert in_force(office) == [("Gouda B 200g", 2.49), ("Milch A 1l", 1.19)]
    assert office.statuses() == {"preise_1.csv": "accepted", "preise_2.csv": "accepted"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "batch: [retailer, item_id]\n"),
        ("batch: [retailer, item_id]\n", ""),
        ("batch: [retailer, item_id]\n", "batch: [retailer, product]\n"),
    ],
)
def test_a_batch_that_is_said_later_counts_as_if_it_had_been_said_from_the_start(
    office: Workbench, before: str, after: str
) -> None:
    rows = ["Milch;Milch A 1l;1,19", "Gouda;Gouda B 200g;2,49", "Milch;Milch C 1l;1,09"]
    contents = {f"preise_{n}.csv": f"{HEADER}02.01.2024;Spar;{row}\n".encode() for n, row in enumerate(rows)}
    say(office, LAYOUT + before)
    for name, content in contents.items():
        office.register(name, content)
        office.ingest()
    say(office, LAYOUT + after)
    with rereading(office.home, office.ledger, office.source, office.table, None) as again:
        assert all(each.replaces_otherwise and each.changes for each in again.differences)
        days = again.apply("again")
    assert days is not None
    office.ingest(*days)
    later, statuses = in_force(office), office.statuses()
    office.check_books()
    assert (
        later
        == {
            "": [("Milch C 1l", 1.09)],
            "batch: [retailer, item_id]\n": [("Gouda B 200g", 2.49), ("Milch C 1l", 1.09)],
            "batch: [retailer, product]\n": [("Gouda B 200g", 2.49), ("Milch A 1l", 1.19), ("Milch C 1l", 1.09)],
        }[after]
    )
    assert {name for name, status in statuses.items() if status == "superseded"} == {
        f"preise_{n}.csv" for n, row in enumerate(rows) if row.split(";")[1] not in dict(later)
    }


def test_an_overlap_that_no_rule_explains_is_shown_and_not_added(office: Workbench) -> None:
    say(office, LAYOUT + "name_pattern: '^preise_(?P<run>\\d)'\nbatch: [retailer, run]\n")
    row = "02.01.2024;Spar;Milch;Milch A 1l;1,19\n"
    office.register("preise_1.csv", (HEADER + row).encode())
    office.register("preise_2.csv", (HEADER + row + "02.01.2024;Spar;Gouda;Gouda B 200g;2,49\n").encode())
    office.ingest()
    assert in_force(office) == [("Gouda B 200g", 2.49), ("Milch A 1l", 1.19)]
    assert "1 row also in files that arrived earlier" in (office.drop("preise_2.csv").reason or "")


def test_the_layout_of_every_drop_is_in_the_ledger_and_in_the_version(office: Workbench) -> None:
    drop = office.register("preise_jan.csv", JANUARY.encode())
    office.ingest()
    accepted = office.drop("preise_jan.csv")
    assert (accepted.layout, accepted.usable, accepted.expected) == ("my-office", 3, 3)
    version = lake.latest(office.home, office.table)
    assert version is not None
    assert version.provenance is not None
    assert version.provenance.settings["layouts"][drop.sha256] == f"my-office {accepted.layout_sha256}"


def test_another_home_whose_file_has_the_name_that_stands_for_the_meter_is_warned_of(workbench: Workbench) -> None:
    workbench.source, workbench.table = MeterFiles.of(workbench.settings), CATALOGUE["meters/raw_readings"]
    header = "Consumption (kwh), Start, End\n"
    rows = [f"{kwh}, 2024-01-02T00:00:00+00:00, 2024-01-02T00:30:00+00:00\n" for kwh in (0.5, 0.7, 0.9)]
    said = "meter is taken from its name, under which another file came before"
    reasons = [
        workbench.register(name, (header + row).encode()).reason or ""
        for name, row in zip(("consumption.csv", "consumption.csv", "flat 2.csv"), rows, strict=True)
    ]
    assert [said in reason for reason in reasons] == [False, True, False]


def test_numbers_whose_comma_may_be_either_mark_are_rejected_and_the_file_says_so(office: Workbench) -> None:
    say(office, LAYOUT.replace('decimal: ","\n', ""))
    rows = "02.01.2024;Spar;Milch;Milch A 1l;1,199\n02.01.2024;Spar;Milch;Milch B 1l;1\n"
    office.register("preise_1.csv", (HEADER + rows).encode())
    office.ingest()
    assert in_force(office) == [("Milch B 1l", 1.0)]
    assert "say `decimal: ','` or `thousands: ','`" in (office.drop("preise_1.csv").reason or "")
