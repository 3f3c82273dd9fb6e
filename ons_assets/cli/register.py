"""The register: who answers for a table, and whether it may be published."""

from typing import Annotated

import typer
from rich.table import Column, Table

from ons_assets.cli.mistakes import Commands
from ons_assets.cli.terminal import HomeOption, console, settings_of
from ons_assets.wording import counted

register = typer.Typer(
    cls=Commands, help="Who answers for each table: show it, check what you wrote.", no_args_is_help=True
)


@register.command("show")
def show_register(
    table: Annotated[str | None, typer.Argument(help="Name of the table; without it, all in a line each.")] = None,
    home: HomeOption = None,
) -> None:
    """Show who answers for a table, where its data come from, what they are for, and whether they may be published."""
    from ons_assets.operations import registering

    settings = settings_of(home)
    if table is not None:
        for word, said in registering.shown(settings, table):
            console.print(f"{word}: {said}", soft_wrap=True, highlight=False)
        return
    lines = Table("table", Column("owner", overflow="fold"), "sensitivity", "release")
    for entry in registering.check(settings)[0].values():
        lines.add_row(entry.table, entry.owner.contact, entry.sensitivity.value, entry.release_state.value)
    console.print(lines)


@register.command("check")
def check_register(home: HomeOption = None) -> None:
    """Say whether the register can be used, and what in it a person should see to."""
    from ons_assets.operations import registering

    entries, remarks = registering.check(settings_of(home))
    for said in remarks:
        console.print(said, style="yellow", soft_wrap=True)
    own = sum(bool(entry.of_home) for entry in entries.values())
    console.print(
        f"{counted(len(entries), 'table')}, each with an owner; {own} with words of this home", soft_wrap=True
    )
