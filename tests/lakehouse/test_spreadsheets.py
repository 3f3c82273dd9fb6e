import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_assets.lakehouse.spreadsheets import neutralised, restored

RUN = "=+-@\t\r\n＝＋－＠"
ODD = st.text(alphabet=f"'; {RUN}a", max_size=8)
TEXTS = st.lists(st.text(max_size=5) | ODD | st.sampled_from(["=1+1", "-5", "@SUM(1)", "\tx", "'=1", "'"]), min_size=1)


@given(TEXTS)
def test_no_text_looks_like_a_formula_and_all_come_back(texts: list[str]) -> None:
    frame = pl.DataFrame({"text": texts, "number": -1.5})
    written = neutralised(frame)
    for text in written["text"]:
        # In some countries a spreadsheet divides by semicolons.
        assert not any(cell.lstrip().startswith(tuple(RUN)) for cell in text.split(";"))
    assert written["number"].to_list() == frame["number"].to_list()
    assert restored(written["text"]).to_list() == texts


@pytest.mark.parametrize("text", ["milk", "6 x 330 ml", "it's; so", "a=b", "50% - off", ""])
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert neutralised(pl.DataFrame({"text": [text]}))["text"].to_list() == [text]
