"""What is wrong with a rejected record has a number, whatever rule it broke; and each is in quarantine by itself."""

from datetime import UTC, datetime

import polars as pl
import pytest

from ons_assets.intake.layouts import Layout
from ons_assets.lakehouse import quarantine
from ons_assets.lakehouse.home import Home
from ons_assets.mobile.record_errors import (
    BROKEN,
    CONTRADICTORY,
    MISSING,
    OUT_OF_RANGE,
    REPEATED,
    UNREADABLE,
    record_errors,
)
from ons_assets.mobile.sources import CellFiles, DeviceFiles, EventFiles

RECEIVED = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("kind", [CellFiles, EventFiles, DeviceFiles])
def test_no_rule_of_a_source_is_taken_for_a_broken_record(kind, settings):
    rules = kind.of(settings).rules(Layout.model_validate({"name": "x", "columns": {}}), RECEIVED)
    rejected = pl.DataFrame({"reason": [rule.sentence for rule in rules]}).with_columns(
        from_source=pl.lit("x"), batch=pl.lit("0"), rows=pl.lit(1)
    )
    assert BROKEN not in record_errors(rejected)["error_code"]


def test_each_rejected_record_of_a_plan_is_counted_once_under_its_number(settings, tmp_path):
    path = tmp_path / "cells.csv"
    good = "n,1,51.5,-0.1,2015-01-01,"
    path.write_text(
        "operator,cell_id,latitude,longitude,valid_from,valid_to\n"
        f"{good}\n{good}\n,2,51.5,-0.1,,\nn,3,95,-0.1,,\nn,4,51.5,-0.1,soon,\n"
        "n,5,51.5,-0.1,2015-01-01,2014-01-01\nn,6,51.5,-0.1,,\nn,6,51.6,-0.1,,\nn,7,51.5\n"
    )
    rejected = CellFiles.of(settings).whole(path, path.name, RECEIVED).rejected
    home = Home(settings.home)
    quarantine.keep_rows(home, CellFiles.table, "a" * 64, path.name, "run", rejected)
    found = quarantine.rejected_rows(home, CellFiles.table).with_columns(from_source=pl.lit("cells"))
    counted = record_errors(found)
    assert counted["records"].sum() == len(rejected) == 8
    by_code = dict(counted.group_by("error_code").agg(pl.col("records").sum()).rows())
    assert by_code == {REPEATED: 1, MISSING: 1, OUT_OF_RANGE: 2, UNREADABLE: 1, CONTRADICTORY: 2, BROKEN: 1}
    assert quarantine.rejected_rows(home, EventFiles.table).is_empty()
