"""Expectations: the bounds that hold for a table, and what a home lays over those that are shipped."""

from pathlib import Path
from typing import Annotated

import typer

from ons_assets.cli.mistakes import Commands
from ons_assets.cli.terminal import HomeOption, check_file, console, fail_unless, settings_of
from ons_assets.wording import counted

expectations = typer.Typer(
    cls=Commands, help="Bounds of the tables: show them, check those of your own.", no_args_is_help=True
)


@expectations.command("show")
def show_expectations(
    table: Annotated[str, typer.Argument(help="Name of the table, such as prices/raw_quotes.")],
    home: HomeOption = None,
) -> None:
    """Show the bounds that hold for a table, by the names under which a file of the home changes them."""
    from ons_assets.operations import bounds

    for name, said in bounds.in_force(settings_of(home), table):
        console.print(f"{name}: {said}", soft_wrap=True, highlight=False)


@expectations.command("check")
def check_expectations(
    file: Annotated[Path | None, typer.Argument(help="A file to look at; else all of <home>/expectations.")] = None,
    table: Annotated[str | None, typer.Option("--table", help="What it is about; else its name says so.")] = None,
    home: HomeOption = None,
) -> None:
    """Say what the bounds of your own change, and what is wrong with them."""
    from ons_assets.operations import bounds

    settings = settings_of(home)
    if file is None:
        fail_unless(table is None, "--table goes with a file")
        checked = bounds.check_all(settings)
    else:
        check_file(file)
        checked = [bounds.check(settings, file, table or f"{file.resolve().parent.name}/{file.stem}")]
    for each in checked:
        if each.fault is None:
            console.print(f"{each.table}:", soft_wrap=True)
            for change in each.changes:
                console.print(f"  {change}", soft_wrap=True, highlight=False)
        else:
            console.print(each.fault, style="red", soft_wrap=True)
    if not checked:
        console.print(f"nothing lies in {settings.home / 'expectations'}: the shipped bounds hold", soft_wrap=True)
    faults = [each for each in checked if each.fault is not None]
    fail_unless(not faults, f"{counted(len(faults), 'file')} cannot be used")
