"""A home is on one grid: positions of two would lie beside each other as if they were of one."""

from collections.abc import Sequence

from ons_assets.intake import parsed
from ons_assets.intake.ledger import Ledger, Status
from ons_assets.intake.source import Source
from ons_assets.lakehouse.home import Home
from ons_assets.parameters.geography import BRITISH_GRID
from ons_assets.settings import BadSettings

READ = (Status.READ, Status.ACCEPTED, Status.SUPERSEDED)


def check_grid(home: Home, sources: Sequence[Source]) -> None:
    """Make sure that the grid of the settings is the one on which the files of a home were read.

    Parameters
    ----------
    home
        It may not be made yet.
    sources
        Of the settings.

    Raises
    ------
    BadSettings
        If it is another one.
    """
    if not home.is_made:
        return
    ledger = Ledger(home)
    for source in sources:
        before = _grid_of(home, ledger, source) if source.has_positions else None
        if before is not None and before != source.country.crs:
            raise BadSettings(
                f"this home has files of {source.name} that were read on the grid {before}, and geography.crs says "
                f"{source.country.crs}: positions of both would be taken for those of one. Set it back, or begin "
                "another home and take the files there"
            )


def _grid_of(home: Home, ledger: Ledger, source: Source) -> str | None:
    """The grid of the files of a source: that of any of them, for they agree; None if none was read."""
    folder = parsed.folder_of(home, source.name)
    for drop in ledger.drops(source.name, READ):
        if (found := parsed.load(folder, drop.drop_id)) is not None:
            # Before it was a setting there was one grid only.
            return str(found.parameters.get("crs", BRITISH_GRID))
    return None
