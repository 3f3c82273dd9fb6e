import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ons_assets.lakehouse.spreadsheets import neutralised, restored

TEXTS = st.lists(st.text(max_size=5) | st.sampled_from(["=1+1", "-5", "@SUM(1)", "+44", "\tx", "'=1", "'"]), min_size=1)


@given(TEXTS)
def test_no_text_looks_like_a_formula_and_all_come_back(texts: list[str]) -> None:
    frame = pl.DataFrame({"text": texts, "number": -1.5})
    written = neutralised(frame)
    assert not any(text.startswith(tuple("=+-@\t\r")) for text in written["text"])
    assert written["number"].to_list() == frame["number"].to_list()
    # Of a text that began with an apostrophe and a formula nobody can say which it was.
    doubtful = pl.Series(texts).str.contains(r"^'[=+\-@\t\r]")
    assert restored(written["text"]).filter(~doubtful).to_list() == pl.Series(texts).filter(~doubtful).to_list()
