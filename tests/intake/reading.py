"""What the tests of readers share."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ons_assets.intake.blocks import Block
from ons_assets.intake.layouts import Layout
from ons_assets.intake.limits import Limits
from ons_assets.intake.records import records
from ons_assets.intake.unreadable import Unreadable

LIMITS = Limits()


def layout(**said: Any) -> Layout:
    return Layout(name="a", columns=said.pop("columns", {}), **said)


def read(
    path: Path, content: bytes, limits: Limits = LIMITS, /, *, block_bytes: int = 8 << 20, **said: Any
) -> list[Block]:
    path.write_bytes(content)
    return list(records(path, layout(**said), limits, block_bytes=block_bytes))


def rows(blocks: list[Block]) -> list[tuple[Any, ...]]:
    """Rows of all blocks; all of them have the same columns."""
    return pl.concat([block.rows for block in blocks]).rows()


def rejected(blocks: list[Block]) -> list[tuple[Any, ...]]:
    return pl.concat([block.rejected for block in blocks]).rows()


def why(path: Path, content: bytes, limits: Limits = LIMITS, /, **said: Any) -> str:
    with pytest.raises(Unreadable) as raised:
        read(path, content, limits, **said)
    return str(raised.value)
