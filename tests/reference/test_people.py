from pathlib import Path

import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.geography.area_totals import people_of_areas
from ons_assets.lakehouse import quarantine
from ons_assets.reference.people import EstimateFiles, PopulationFiles
from tests.workbench import Workbench


@pytest.fixture
def population(workbench: Workbench) -> Workbench:
    workbench.source, workbench.table = PopulationFiles.of(workbench.settings), CATALOGUE["reference/population"]
    return workbench


@pytest.fixture
def estimates(workbench: Workbench) -> Workbench:
    workbench.source = EstimateFiles.of(workbench.settings)
    workbench.table = CATALOGUE["reference/migration_estimates"]
    return workbench


def test_population_of_areas_alone_is_for_all(population: Workbench) -> None:
    population.register("p.csv", b"area,population\nE06000001,92000\n,5\nE06000002,-1\nE06000003,many\n")
    population.ingest()
    [row] = population.published().rows(named=True)
    assert (row["area"], row["age"], row["sex"], row["population"], row["students"]) == (
        "E06000001", "all", "all", 92_000.0, None,
    )  # fmt: skip
    [entry] = quarantine.entries(population.home)
    assert entry.reason == "2 rows: population is missing, negative or not a number; 1 row: area is missing"
    population.check_books()


def test_more_students_than_people_are_rejected(population: Workbench) -> None:
    population.register("p.csv", b"area,population,students\nE06000001,100,101\nE06000002,100,\n")
    population.ingest()
    assert population.published()["area"].to_list() == ["E06000002"]
    assert "more than the population" in quarantine.entries(population.home)[0].reason


def test_totals_are_taken_where_they_are_given_and_added_up_elsewhere() -> None:
    rows = pl.DataFrame(
        [
            ("A", "all", "all", 10.0, 2.0),
            ("A", "0-15", "all", 4.0, None),
            ("A", "16+", "all", 6.0, 2.0),
            ("B", "0-15", "all", 1.0, None),
            ("B", "16+", "all", 2.0, None),
        ],
        schema=["area", "age", "sex", "population", "students"],
        orient="row",
    )
    assert people_of_areas(rows).rows() == [("A", 10.0, 2.0), ("B", 3.0, None)]


def test_both_layouts_of_estimates_are_moves_between_two_ends(estimates: Workbench) -> None:
    estimates.register("d.csv", b"period,area,direction,moves\n2014,A,in,5\n2014,A,out,7\n2014,B,up,1\n2014,,in,1\n")
    estimates.register("p.csv", b"period,age,origin,destination,moves\n2014,0-15,A,B,3.5\n2014,0-15,A,,3.5\n,,A,B,1\n")
    estimates.ingest()
    columns = ["area_type", "period", "age", "origin", "destination", "moves"]
    assert sorted(estimates.published().select(columns).rows()) == [
        ("unknown", "2014", "0-15", "A", "B", 3.5),
        ("unknown", "2014", "all", "A", "all", 7.0),
        ("unknown", "2014", "all", "all", "A", 5.0),
    ]
    reasons = "; ".join(entry.reason for entry in quarantine.entries(estimates.home))
    assert "1 row: direction is neither in nor out" in reasons
    assert "1 row: period is missing" in reasons
    assert reasons.count("1 row: area, or origin and destination, are missing") == 2
    estimates.check_books()


def test_the_published_layout_of_internal_migration(estimates: Workbench, shared_data: Path) -> None:
    file = shared_data / "geo" / "migration" / "internal_migration_by_age.csv.gz"
    estimates.register(file.name, file.read_bytes())
    outcome = estimates.ingest()
    given = pl.read_csv(file, schema_overrides={"period": pl.String()})
    assert (outcome.rows, outcome.quarantined_rows) == (len(given), 0)
    assert estimates.published()["moves"].sum() == pytest.approx(given["moves"].sum(), rel=1e-12)
