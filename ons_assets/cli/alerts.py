"""Alerts: who is told when something needs a person."""

import typer

from ons_assets.cli.mistakes import Commands
from ons_assets.cli.terminal import HomeOption, console, fail_unless, settings_of

alerts = typer.Typer(
    cls=Commands, help="Who is told when a file was refused or a table was not made.", no_args_is_help=True
)


@alerts.callback()
def of_alerts() -> None:
    """Who is told when a file was refused or a table was not made."""


@alerts.command("try")
def try_alerts(home: HomeOption = None) -> None:
    """Send a message by every channel of [alerts] in the settings, to see whether it arrives."""
    from ons_assets.operations import alerting

    results = alerting.send_trial(settings_of(home))
    fail_unless(bool(results), "[alerts] in the settings names no command, webhook or mail")
    for name, fault in results.items():
        console.print(f"{name}: {fault or 'sent'}", style="red" if fault else None, soft_wrap=True)
    fail_unless(not any(results.values()), "not every message was sent")
