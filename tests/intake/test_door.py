"""Drops that are screened together are held as if each batch had been audited alone."""

import json
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest

from ons_assets.intake import door
from ons_assets.intake.layouts import Layout
from ons_assets.intake.source import Piece, Source
from ons_assets.lakehouse import gate, quarantine
from tests.intake.test_ingestion import TRIPS
from tests.lakehouse.test_each_value import expect
from tests.workbench import Workbench

EXPECTATIONS = [
    expect("table_row_count_to_be_between", min_value=1, max_value=20),
    expect("column_values_to_be_in_set", column="note", value_set=["well", "ill"]),
    expect("column_values_to_be_in_set", "info", column="note", value_set=["well"], mostly=0.5),
    expect("column_values_to_be_between", "warning", column="distance_km", max_value=50),
    expect("column_median_to_be_between", "critical", column="distance_km", max_value=90),
]


class Trips(Source):
    """Persons' trips: `day,person,note,distance_km` on each line; a file is one batch."""

    name, table, identity, is_individual = "trips", TRIPS.name, ("person",), True
    batch: tuple[str, ...] = ()

    def layout(self, path: Path, name: str) -> Layout:
        return Layout(name="trips", columns={})

    def read(self, path: Path, name: str, received_utc: datetime, layout: Layout) -> Iterator[Piece]:
        schema = {"day": pl.Date(), "person": pl.String(), "note": pl.String(), "distance_km": pl.Float64()}
        rows = pl.read_csv(path, has_header=False, schema=schema)
        rows = rows.with_row_index("line", 1).with_columns(pl.col("line").cast(pl.Int64))
        yield Piece(rows, usable=len(rows))


class TripsByPerson(Trips):
    """The same, where a person is a batch."""

    batch = ("person",)


def files(seed: int) -> dict[str, str]:
    """Some files, most of them good; what is odd is odd in one row, in a person, or in all."""
    draw = random.Random(seed)
    found = {}
    for number in range(12):
        odd = draw.choice(["nothing", "nothing", "nothing", "a note", "a distance", "distances", "many", "ill"])
        rows = []
        for person in range(draw.randint(1, 4)):
            for day in range(draw.randint(1, 5)):
                note = "ill" if odd == "ill" else draw.choice(["well", "well", "ill"])
                km = 99.0 if odd == "distances" and person == 0 else float(draw.randint(0, 50))
                rows.append([date(2016, 7, 1 + day), f"person {person}", note, km])
        if odd == "a note":
            draw.choice(rows)[2] = "unheard of"
        if odd == "a distance":
            draw.choice(rows)[3] = 60.0
        if odd == "many":
            rows += [[date(2016, 7, 1) + timedelta(days=day), "person 0", "well", 1.0] for day in range(21)]
        found[f"{number}.csv"] = "\n".join(",".join(map(str, row)) for row in rows)
    return found


def held(folder: Path, source: Source, contents: dict[str, str]) -> tuple[Workbench, dict[str, Any]]:
    """Ingest files in one run, and return all that is said of them."""
    workbench = Workbench.at(folder)
    suite = {"name": TRIPS.name, "expectations": EXPECTATIONS}
    (workbench.settings.expectations / "test").mkdir()
    (workbench.settings.expectations / f"{TRIPS.name}.json").write_text(json.dumps(suite))
    workbench.source, workbench.table = source, TRIPS
    for name, content in contents.items():
        workbench.register(name, content.encode())
    outcome = workbench.ingest()
    workbench.check_books()
    kept = sorted((workbench.home.reports / "validations").rglob("*.json"))
    said = {
        "refusals": outcome.refusals,
        "warnings": outcome.warnings,
        "rows": (outcome.rows, outcome.quarantined_rows, outcome.rows_by_day),
        "published": workbench.published().rows() if outcome.rows else [],
        "statuses": [(drop.original_name, drop.status, drop.reason) for drop in workbench.ledger.drops()],
        "quarantine": [(entry.batch, entry.reason, entry.rows) for entry in quarantine.entries(workbench.home)],
        "results": [(path.name, json.loads(path.read_text())["failures"]) for path in kept],
    }
    return workbench, said


def everything(_: object, __: object, batches: list[pl.DataFrame]) -> frozenset[int]:
    return frozenset(range(len(batches)))


@pytest.mark.parametrize("source", [Trips(), TripsByPerson()], ids=["files", "persons"])
@pytest.mark.parametrize("seed", [1, 2])
def test_screened_files_are_held_as_if_each_were_audited_alone(tmp_path: Path, source: Source, seed: int) -> None:
    contents = files(seed)
    with mock.patch.object(door, "suspects", everything):
        _, alone = held(tmp_path / "alone", source, contents)
    _, screened = held(tmp_path / "screened", source, contents)
    assert alone["refusals"], "nothing is refused"
    assert alone["warnings"], "nothing is warned of"
    assert screened == alone


def test_of_many_good_files_one_is_looked_at_alone(tmp_path: Path) -> None:
    good = {f"{number}.csv": f"2016-07-{1 + number:02},person {number},well,1.0" for number in range(20)}
    with mock.patch.object(gate, "audit", wraps=gate.audit) as audit:
        workbench, said = held(tmp_path, Trips(), good)
    assert audit.call_count == 1
    assert len(said["published"]) == len(good)
    assert set(workbench.statuses().values()) == {"accepted"}
