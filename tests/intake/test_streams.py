"""Bytes of a stream are all given, once and in order, however they are asked for and however they come."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_assets.intake.streams import Stream
from tests.intake.reading import read, rejected, rows

ASKED = st.lists(st.tuples(st.sampled_from(["peek", "read", "readline"]), st.integers(1, 40)), max_size=30)


@given(content=st.binary(max_size=300), more=st.integers(0, 9), asked=ASKED)
def test_what_is_looked_at_is_read_again_though_a_decoder_gives_more_than_was_asked_for(
    content: bytes, more: int, asked: list[tuple[str, int]]
) -> None:
    rest = [content]

    def pull(size: int) -> bytes:
        given, rest[0] = rest[0][: size + more], rest[0][size + more :]
        return given

    stream, found = Stream(pull), b""
    for how, size in asked:
        got = getattr(stream, how)(size)
        assert content.startswith(got, len(found)), "it is what comes next"
        found += b"" if how == "peek" else got
    while piece := stream.read(7):
        found += piece
    assert found == content


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16"])
def test_no_row_is_lost_where_characters_become_longer_in_utf8(tmp_path: Path, encoding: str) -> None:
    lines = [f"{number};Café à {number} £" for number in range(20_000)]
    content = "\n".join(["a;b", *lines, ""]).encode(encoding)
    blocks = read(tmp_path / "a.csv", content, encoding=encoding.replace("utf-16", "utf-8"), delimiter=";")
    assert [";".join(row[:2]) for row in rows(blocks)] == lines
    assert rejected(blocks) == []
