"""Commands that copy a home, and put a copy back."""

from pathlib import Path
from typing import Annotated

import typer

from ons_assets.cli.terminal import HomeOption, console, settings_of
from ons_assets.wording import counted

MEGABYTE = 1e6


def backup(
    folder: Annotated[Path, typer.Argument(help="Of copies, outside of the home; each has a folder of its own there.")],
    wait: Annotated[float, typer.Option(min=0, help="Seconds that those who work in the home are waited for.")] = 600,
    home: HomeOption = None,
) -> None:
    """Copy a home as it is at one moment, also while it is served; what is as in the latest copy takes no room."""
    from ons_assets.lakehouse.backup import back_up
    from ons_assets.lakehouse.home import Home

    made = back_up(Home(settings_of(home).home), folder, wait)
    what = f"{counted(len(made.files), 'file')}, {made.size_bytes / MEGABYTE:,.1f} MB, {made.linked:,} as before"
    console.print(f"{made.folder}: {what}", soft_wrap=True)
    for what, which in (
        ("was copied again, for the copy before is damaged", made.renewed),
        ("was not copied, as it is neither file nor folder", made.left_out),
    ):
        if which:
            more = f", and {len(which) - 1:,} more" if which[1:] else ""
            console.print(f"{which[0]} {what}{more}", soft_wrap=True)
    console.print(
        "it holds the key of the pseudonyms, and what is erased later: keep it closed, and not for longer than need be"
    )


def restore(
    folder: Annotated[Path, typer.Argument(help="Of one copy, such as backups/2026-11-30T171500.000000Z.")],
    home: Annotated[Path, typer.Option(help="New folder for the home.")],
) -> None:
    """Check a copy of a home by the hash of every file, and put it back into a new folder."""
    from ons_assets.lakehouse import backup

    made = backup.restore(backup.read(folder), home)
    console.print(f"{made.root} is as it was; every file was checked", soft_wrap=True)
    console.print(
        f"the databases for people: ons-assets materialize governance/analytical_database --home {made.root}",
        soft_wrap=True,
    )
