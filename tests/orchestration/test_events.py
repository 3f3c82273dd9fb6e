"""What the UI is told of a table."""

from types import SimpleNamespace
from typing import cast

import dagster as dg
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.ingestion import Ingested
from ons_assets.intake.members import Finding
from ons_assets.orchestration.events import WAITING_FOR, _verdict_on_drops, of_ingestion
from ons_assets.orchestration.partitions import partitions_of


def test_names_of_files_are_no_markdown() -> None:
    refusal = Finding("![seen](http://evil.example/x).csv", "<b>tesco</b>", 1, "is | odd", frozenset())
    outcome = Ingested.__new__(Ingested)
    for name, value in {"refusals": (refusal,), "warnings": ()}.items():
        object.__setattr__(outcome, name, value)
    shown = _verdict_on_drops(CATALOGUE["prices/raw_quotes"], outcome, None).metadata["batches"]
    assert isinstance(shown, dg.MarkdownMetadataValue)
    assert shown.md_str is not None
    assert not any(mark in shown.md_str for mark in ("![", "](", "://", "<b>", " | "))
    assert r"\<b\>tesco" in shown.md_str


@pytest.mark.parametrize("days", [["2016-07-21", "2016-07-22"], []])
def test_days_on_which_no_file_came_are_nothing_to_report_and_a_table_without_days_waits(days: list[str]) -> None:
    context = SimpleNamespace(
        has_partition_key_range=bool(days),
        has_partition_key=False,
        assets_def=SimpleNamespace(partitions_def=partitions_of("prices/raw_quotes")),
        partition_keys=days,
        selected_asset_check_keys=[],
        add_asset_metadata=lambda *_, **__: None,
    )
    nothing = Ingested(rows=0, quarantined_rows=0, drops=0, refusals=[], warnings=[])
    told = list(of_ingestion(cast(dg.AssetExecutionContext, context), CATALOGUE["prices/raw_quotes"], nothing))
    *verdicts, made = told
    assert isinstance(made, dg.MaterializeResult)
    assert (WAITING_FOR in (made.metadata or {})) == (not days)
    passed = [each.passed for each in verdicts if isinstance(each, dg.AssetCheckResult | dg.AssetCheckEvaluation)]
    assert passed == ([True] * 3 if days else [False])
