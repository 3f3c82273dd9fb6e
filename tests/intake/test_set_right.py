"""What was refused is told once, and as long as it is something to do: until a later file is in force in its place."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import settings as of_hypothesis
from hypothesis import strategies as st

from ons_assets import operations
from ons_assets.governance.report import gather
from ons_assets.intake import ingestion
from ons_assets.intake.corrections import Corrections
from ons_assets.lakehouse import quarantine
from ons_assets.prices.sources import QuoteFiles
from tests.intake.test_corrections import HEADER
from tests.intake.test_corrections import LAYOUT as OF_EUROS
from tests.workbench import Workbench

# The suite has a bound for the median of prices in pounds.
LAYOUT = OF_EUROS.replace("EUR", "GBP")
NAMES, SHOPS = ("preise_1.csv", "preise_2.csv"), ("Spar", "Billa")
GOOD, BROKEN, DEAR = "good", "broken", "dear"


@dataclass(frozen=True)
class Delivery:
    """A file of one quote of a shop on a day: good, one that nobody can read, or one that the gate refuses."""

    name: str
    shop: str
    day: int
    kind: str
    read_at_once: bool

    def content(self, number: int) -> bytes:
        """Of a delivery; no two are alike."""
        if self.kind == BROKEN:
            return f"no table {number}\n".encode()
        price = f"1,{number + 10}" if self.kind == GOOD else f"{9000 + number},00"
        return f"{HEADER}0{self.day}.01.2024;{self.shop};Milch;Milch A 1l;{price}\n".encode()

    def is_set_right_by(self, later: "Delivery") -> bool:
        """Whether a delivery that came later is in force in the place of this one."""
        if later.kind != GOOD:
            return False
        if self.kind == BROKEN:
            return later.name == self.name
        return later.day == self.day and (later.name == self.name or later.shop == self.shop)


DELIVERIES = st.builds(
    Delivery,
    st.sampled_from(NAMES),
    st.sampled_from(SHOPS),
    st.sampled_from([2, 3]),
    st.sampled_from([GOOD, BROKEN, DEAR]),
    st.booleans(),
)


def office_at(folder: Path, layout: str = LAYOUT) -> Workbench:
    """A home that reads the files of one office."""
    office = Workbench.at(folder)
    shelf = office.home.root / "layouts" / "prices"
    shelf.mkdir(parents=True)
    (shelf / "my.yaml").write_text(layout)
    office.source = QuoteFiles.of(office.settings)
    return office


@of_hypothesis(max_examples=12, deadline=None)
@given(st.lists(DELIVERIES, min_size=1, max_size=5))
def test_a_refused_file_is_something_to_do_until_another_is_in_force_in_its_place(deliveries: list[Delivery]) -> None:
    with TemporaryDirectory() as folder:
        office = office_at(Path(folder))
        for number, each in enumerate(deliveries):
            office.register(each.name, each.content(number))
            if each.read_at_once:
                office.ingest()
        office.ingest()
        expected = {
            number + 1
            for number, each in enumerate(deliveries)
            if each.kind != GOOD and not any(each.is_set_right_by(later) for later in deliveries[number + 1 :])
        }
        corrections = Corrections.of(office.ledger.drops())
        told = [corrections.drop_of(entry) for entry in operations.quarantined(office.settings)]
        assert {drop.drop_id for drop in told if drop is not None} == expected
        facts = gather(office.home, office.settings)
        assert {each.drop.drop_id for each in facts.refusals if each.drop is not None} == expected
        office.check_books()


def test_a_file_about_people_is_not_set_right_by_another_of_its_name(workbench: Workbench) -> None:
    """Portals give the files of all homes one name."""
    for content in (b"", b"x"):
        workbench.ledger.receive(
            "meters",
            "my_usage.csv",
            content.hex() or None,
            len(content),
            datetime.now(UTC),
            is_individual=True,
            unreadable=None if content else "is empty",
        )
    refused, accepted = workbench.ledger.drops()
    workbench.ledger.accept(accepted, accepted=1, quarantined=0, in_force=1, reason=None, run_id="run")
    assert Corrections.of(workbench.ledger.drops()).replaced == set()
    assert refused.is_called_by_number


def without_numbers(reason: str) -> list[str]:
    """What a reason says, one by one, without how many."""
    return [re.sub(r"[\d,.]+|s\b", "", each) for each in reason.split("; ")]


def days_of(shop: str, price: str, days: Sequence[int]) -> str:
    """Records of some days of a shop."""
    return "".join(f"{day:02}.01.2024;{shop};Milch;Milch A 1l;{price}\n" for day in days)


@pytest.mark.parametrize("rows_at_once", [1, 2, 100])
def test_reasons_of_a_file_add_up_over_the_batches_that_it_is_made_in(tmp_path: Path, rows_at_once: int) -> None:
    office = office_at(tmp_path, LAYOUT + "name_pattern: '^preise_(?P<run>\\d)'\nbatch: [retailer, run]\n")
    days = range(2, 7)
    rows = days_of("Spar", "1,19", days)
    office.register("preise_1.csv", f"{HEADER}{rows}".encode())
    office.register("preise_2.csv", f"{HEADER}{rows}{days_of('Billa', '1,19', [2])}".encode())
    made(office, rows_at_once)
    reason = office.drop("preise_2.csv").reason or ""
    assert "5 rows also in files that arrived earlier, and not added" in reason
    assert len(without_numbers(reason)) == len({*without_numbers(reason)}), reason


@pytest.mark.parametrize("rows_at_once", [1, 100])
def test_what_a_file_replaces_unsaid_is_added_up(tmp_path: Path, rows_at_once: int) -> None:
    office = office_at(tmp_path)
    days = range(2, 7)
    office.register("preise_1.csv", f"{HEADER}{days_of('Spar', '1,19', days)}".encode())
    made(office, rows_at_once)
    other = days_of("Spar", "2,49", days).replace("Milch;Milch A 1l", "Gouda;Gouda B 200g")
    office.register("preise_2.csv", f"{HEADER}{other}".encode())
    outcome = made(office, rows_at_once)
    assert (office.drop("preise_2.csv").reason or "").count("replaces 5 rows on what it says nothing of") == 1
    assert [each.reason for each in outcome.warnings if each.reason.startswith("replaces")] == [
        "replaces 5 rows on what it says nothing of: if the files belong together, `batch` in the layout can say so"
    ]


@pytest.mark.parametrize("rows_at_once", [1, 100])
def test_batches_that_are_refused_for_the_same_are_told_once(tmp_path: Path, rows_at_once: int) -> None:
    office = office_at(tmp_path)
    dear = "".join(days_of(shop, f"90{number}0,00", [2, 3]) for number, shop in enumerate((*SHOPS, "Hofer")))
    office.register("preise_1.csv", f"{HEADER}{dear}{days_of('Lidl', '1,19', [2])}".encode())
    made(office, rows_at_once)
    drop = office.drop("preise_1.csv")
    reason = drop.reason or ""
    assert (drop.accepted_rows, drop.quarantined_rows) == (1, 6)
    assert len(without_numbers(reason)) == len({*without_numbers(reason)}), reason
    assert len(quarantine.entries(office.home)) > 1
    [told] = operations.quarantined(office.settings)
    assert (told.name, told.rows) == ("preise_1.csv", 6)
    assert told.reason.startswith("in 6 batches, of the first: ")
    assert "in 6 batches, of the first: " in reason


def made(office: Workbench, rows_at_once: int) -> ingestion.Ingested:
    """Make all days, so many rows at once."""
    return ingestion.ingest(
        office.home,
        office.ledger,
        office.source,
        office.table,
        office.suite,
        run_id=f"run-{next(office.runs)}",
        settings={},
        days=(date(2024, 1, 1), date(2024, 1, 31)),
        rows_at_once=rows_at_once,
    )
