"""Raw tables: of which source's files they are made, and with which parameters; rooms declare them in `raw.py`."""

from collections.abc import Callable
from dataclasses import dataclass

from ons_assets.intake.source import Source
from ons_assets.parameters import Parameters
from ons_assets.settings import Settings


@dataclass(frozen=True)
class RawTable:
    """A table that is made of the files of a source.

    Parameters
    ----------
    name
        In the registry.
    source
        Makes the source from the settings.
    parameters
        Groups of parameters with which the source reads; every version records them.
    by_day
        Whether the table is made by day.
    """

    name: str
    source: Callable[[Settings], Source]
    parameters: tuple[type[Parameters], ...] = ()
    by_day: bool = False
