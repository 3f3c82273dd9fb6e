"""The parser of CER text against the slow one, on ordinary, random and hostile bytes."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core_ext import parse_cer_text
from core_ext.cer_text import reference

POSITIONS = np.full((1000, 100), -7, dtype=np.int16)
POSITIONS[1:900, 1:49] = np.arange(48)
POSITIONS[0] = -9
POSITIONS[900:] = -10

LINE = st.from_regex(r"\A[0-9]{1,5}[ \t]{1,2}[0-9]{4,6} [-+]?[0-9]{0,4}(\.[0-9]{0,12})?([eE]-?[0-9]{1,2})?\r?\Z")
JUNK = st.text(alphabet="0123456789 .-+eEnainfxX(\t\r", max_size=24)


def same(left: tuple, right: tuple) -> bool:
    return all(
        np.array_equal(mine, other) and getattr(mine, "dtype", None) == getattr(other, "dtype", None)
        for mine, other in zip(left, right, strict=True)
    )


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(LINE, JUNK), max_size=20), st.booleans(), st.sampled_from([0.5, 1.0]))
@example(["1392 19503 0.14", "", "1392 19504 nan", "1392 19504 inf", "1392 19504 0x1p3"], True, 0.5)
@example(["1392 19503 1234567890123456789.5", "1 19503 0.1234567890123456789", "1 19503 ."], False, 1.0)
@example(["1392 19503 5 6", "1392 19503", "1392", " 1392 19503 5 ", "12a 19503 5", "1392 1950a 5"], True, 1.0)
@example(["9999999999999999999 19503 5", "1392 19549 5", "1392 00001 5", "1392 95001 5", "1 19503 1e400"], True, 1.0)
def test_kernel_agrees_with_the_reference(lines: list[str], ends: bool, factor: float) -> None:
    block = "\n".join(lines).encode() + (b"\n" if ends else b"")
    assert same(
        parse_cer_text(block, POSITIONS, factor, 50.0), reference.parse_cer_text(block, POSITIONS, factor, 50.0)
    )


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_end_in_rows_or_in_reasons(block: bytes) -> None:
    parsed = parse_cer_text(block, POSITIONS, 1.0, 50.0)
    assert len(parsed[1]) + len(parsed[6]) == parsed[9]
    assert parsed[9] == len(block.split(b"\n")) - (block.endswith(b"\n") or not block)


def test_numbers_are_read_as_python_reads_them() -> None:
    texts = ["0.1", "0.145", "12.3456789012345", "3e-2", "0.30000000000000004", "+7.5", "1."]
    block = "\n".join(f"1 00101 {text}" for text in texts).encode()
    value = parse_cer_text(block, POSITIONS, 1.0, 50.0)[4]
    assert value.tolist() == np.array([float(text) for text in texts], dtype=np.float32).tolist()


def test_a_table_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="1000 days and 100 slots"):
        parse_cer_text(b"", np.zeros((10, 10), dtype=np.int16), 1.0, 50.0)
