"""The report for those who answer for the figures."""

from datetime import datetime
from typing import Annotated

import typer

from ons_assets.cli.terminal import HomeOption, console, fail_unless, progress_of, settings_of


def report(
    summary: Annotated[
        bool, typer.Option("--summary", help="Print it in the length of a mail, as Markdown, and write nothing.")
    ] = False,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day of the change log (UTC); else a month ago.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day of the change log (UTC); else today.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Write the report: how good tables are, what was refused and why, what may be published, what needs a person."""
    from ons_assets import operations
    from ons_assets.operations import reporting

    fail_unless(since is None or until is None or since <= until, "--since is after --until")
    first, last = (day.date() if day is not None else None for day in (since, until))
    settings = settings_of(home)
    operations.open_made_home(settings)
    if summary:
        typer.echo(reporting.in_short(settings, first, last), nl=False)
        return
    with progress_of("writing the report"):
        page = reporting.write(settings, first, last)
    console.print(f"the report is {page}", soft_wrap=True)
