"""Files as suppliers send them: each is read or refused in a sentence."""

import polars as pl
import pytest

from ons_assets.intake.layouts import Layout
from ons_assets.intake.limits import Limits
from ons_assets.intake.records import header, records
from ons_assets.intake.sniff import describe, draft
from ons_assets.intake.unreadable import Unreadable
from tests.shared import INTAKE_CASES as CASES

FILES = sorted(path for path in CASES.rglob("*") if path.is_file() and path.suffix != ".yaml") if CASES.exists() else []
REFUSED = {"tweets_broken.json.gz", "wien.xlsx"}


@pytest.mark.skipif(not FILES, reason="needs the shared cases")
def test_every_case_is_read_as_it_is_described_or_refused() -> None:
    for path in FILES:
        found = describe(path, Limits())
        if path.name in REFUSED:
            with pytest.raises(Unreadable):
                draft(found, "a")
            continue
        blocks = list(records(path, draft(found, "a"), Limits()))
        rows = pl.concat([block.rows for block in blocks])
        assert len(rows) or path.name == "tweets_deep.json", path.name
        names = [name for name in rows.columns if name != "line"]
        assert header(path, draft(found, "a"), Limits()) == names
        if not path.name.startswith(("cer", "nem12", "tweets", "greenbutton")):
            lines = pl.concat([rows["line"], *(block.rejected["line"] for block in blocks)])
            assert lines.sort().to_list() == list(range(int(lines.min()), int(lines.max()) + 1))  # type: ignore[arg-type]


@pytest.mark.skipif(not FILES, reason="needs the shared cases")
def test_every_case_is_read_or_refused_by_a_layout_that_says_nothing() -> None:
    refused = []
    for path in FILES:
        try:
            for block in records(path, Layout(name="a", columns={}), Limits(), block_bytes=1000):
                assert block.rows["line"].is_sorted()
        except Unreadable as why:
            refused.append((path.name, str(why)))
    assert {name for name, _ in refused} >= REFUSED
    assert all(why.startswith(("is ", "has ", "holds ")) and name not in why for name, why in refused)
