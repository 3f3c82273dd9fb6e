"""What the gate would say of one value is said of its row before: one odd value never refuses a file."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.definitions import RAW
from ons_assets.intake.source import Source
from ons_assets.lakehouse import gate
from ons_assets.lakehouse.gate import CRITICAL, Suite
from ons_assets.lakehouse.tables import Table
from ons_assets.settings import Settings
from tests.intake.samples import SAMPLES, TABLES, table_of
from tests.workbench import SUITES

NAMES = {raw.source(Settings(home=Path("unused"))).name: raw for raw in RAW}
RECEIVED = datetime(2026, 6, 1, tzinfo=UTC)
ODD = (
    "",
    "-1",
    "0",
    "1e9",
    "-1e-300",
    "1e300",
    "inf",
    "nan",
    "é ä",
    "x" * 2_000,
    "2999-01-01",
    "a\nb",
    "3",
    "#",
    "true",
)


def mutants(name: str) -> Iterator[bytes]:
    """The sample with one odd value, in each of its columns: what the suite excludes, and what is odd anywhere."""
    header, first, *others = table_of(name)
    odd = dict.fromkeys([*ODD, *(text for each in by_value(name) for text in excluded(each))])
    for column in range(len(header)):
        for value in odd:
            row = [*first[:column], value, *first[column + 1 :]]
            buffer = io.StringIO()
            csv.writer(buffer, lineterminator="\n").writerows([header, *others, row])
            yield buffer.getvalue().encode()


def by_value(name: str) -> list[dict[str, Any]]:
    """Critical expectations of each value of a column."""
    content = json.loads((SUITES / f"{NAMES[name].table}.json").read_text())
    return [
        each
        for each in content["expectations"]
        if each["type"].startswith("expect_column_value") and each.get("severity") == CRITICAL and is_of_all(each)
    ]


def is_of_all(expectation: dict[str, Any]) -> bool:
    return bool(expectation["kwargs"].get("mostly", 1) == 1)


def excluded(expectation: dict[str, Any]) -> Iterator[str]:
    """Texts of values that an expectation excludes, as far as its bounds say them."""
    said = expectation["kwargs"]
    for bound, step in (("min_value", -1), ("max_value", 1)):
        value = said.get(bound)
        if isinstance(value, int | float):
            yield from ("x" * (int(value) + step),) if "lengths" in expectation["type"] else (str(value + step),)


def read(source: Source, path: Path, content: bytes) -> pl.DataFrame:
    path.write_bytes(content)
    return source.whole(path, path.name, RECEIVED).accepted


@pytest.mark.parametrize("name", NAMES)
def test_one_odd_value_is_a_matter_of_its_row(name: str, tmp_path: Path) -> None:
    raw = NAMES[name]
    settings = Settings(home=tmp_path / "home", expectations=SUITES)
    settings.home.mkdir()
    (settings.home / "secret.key").write_bytes(b"k" * 32)
    source, table = raw.source(settings), CATALOGUE[raw.table]
    path = tmp_path / ("m.csv" if name in TABLES else SAMPLES[name].name)
    header, _, *others = table_of(name)
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([header, *others])
    alone = conformed(read(source, path, buffer.getvalue().encode()), table)
    assert len(alone)
    found = []
    for content in mutants(name):
        found.append(conformed(read(source, path, content), table))
        assert (
            len(said_by(alone).join(said_by(found[-1]), on=said_by(alone).columns, how="anti", nulls_equal=True)) == 0
        )
    every = pl.concat([*found, alone])
    audit = gate.audit(Suite.load(SUITES, table.name), replace(table, key=()), every)
    said = [each for each in audit.failures if each.severity == CRITICAL and not is_of_the_table(each.expectation)]
    assert said == []


def conformed(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The rows as they reach the gate."""
    lineage = {"drop_sha256": pl.lit("0" * 64), "arrival": pl.lit(1, dtype=pl.Int64())}
    return table.conform(
        rows.with_columns(value.alias(name) for name, value in lineage.items() if name in table.schema)
    )


def said_by(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows without their place in the file; of a list its hash, for a list is no key of a join."""
    kept = rows.drop("line", strict=False)
    nested = [name for name, dtype in kept.schema.items() if dtype.is_nested()]
    return kept.with_columns(pl.col(name).hash() for name in nested)


def is_of_the_table(expectation: str) -> bool:
    return expectation.startswith(("table ", "column median", "column mean", "column unique"))
