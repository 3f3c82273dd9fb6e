"""Single meters: their figures, for who is permitted to see them."""

import sys
from typing import Annotated

import typer

from ons_assets.cli.mistakes import Commands
from ons_assets.cli.terminal import Failed, HomeOption, console, errors, progress_of, settings_of

meter = typer.Typer(
    cls=Commands, help="Single meters: their figures, for who is permitted to see them.", no_args_is_help=True
)
NOT_PERMITTED = 2


# Half of all pseudonyms begin with a minus, and are no option.
@meter.command("show", context_settings={"ignore_unknown_options": True})
def show_meter(
    name: Annotated[
        str,
        typer.Argument(
            metavar="PSEUDONYM-OR-ID",
            help="Pseudonym as in the tables, or name as the supplier writes it; - reads it from standard input, which "
            "keeps it out of a shell's history.",
        ),
    ],
    consented: Annotated[
        bool, typer.Option("--consented", help="The people of the home permit that it is seen.")
    ] = False,
    reason: Annotated[
        str | None, typer.Option(help="Why; it is kept with your name, and must not say whom it is about.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Draw daily totals and low days of one meter into the restricted folder; every request is written down."""
    from ons_assets import operations
    from ons_assets.operations import showing

    settings = settings_of(home)
    operations.open_made_home(settings)
    asked = sys.stdin.readline().strip() if name == "-" else name
    if not asked:
        raise Failed("say which meter, by its pseudonym or its name")
    try:
        with progress_of("drawing"):
            shown = showing.show_meter(settings, asked, reason, consented=consented)
    except showing.NotPermitted as refused:
        errors.print(f"ons-assets: {refused}", style="red", soft_wrap=True)
        raise typer.Exit(NOT_PERMITTED) from None
    for path in shown.pictures:
        console.print(str(path), soft_wrap=True)
