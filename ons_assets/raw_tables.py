"""Every raw table with its source, as the modules `raw.py` of the rooms declare them.

Who only asks how files and tables stand needs no more: assets bring every method with them, and Dagster.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import ons_assets
from ons_assets.intake.raw_table import RawTable
from ons_assets.intake.source import Source
from ons_assets.settings import Settings


def _declared() -> Iterator[RawTable]:
    for path in sorted(Path(ons_assets.__path__[0]).glob("*/raw.py")):
        module = import_module(f"ons_assets.{path.parent.name}.raw")
        yield from (each for each in vars(module).values() if isinstance(each, RawTable))


RAW_TABLES = tuple(_declared())


def sources(settings: Settings) -> list[Source]:
    """Return every source of files."""
    return [raw.source(settings) for raw in RAW_TABLES]
