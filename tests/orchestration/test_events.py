"""What the UI is told of a table."""

import dagster as dg

from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.ingestion import Finding, Ingested
from ons_assets.orchestration.events import _verdict_on_drops


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
