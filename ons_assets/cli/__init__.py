"""The command `ons-assets`: thin, it calls the rest and prints what came of it."""

import logging
import sqlite3
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

from ons_assets import garbage
from ons_assets.cli.alerts import alerts
from ons_assets.cli.backups import backup, restore
from ons_assets.cli.collecting import collectors
from ons_assets.cli.erasure import erase, retain
from ons_assets.cli.expectations import expectations
from ons_assets.cli.files import ingest, names, reread, retry
from ons_assets.cli.harvesting import harvesters
from ons_assets.cli.layouts import layouts
from ons_assets.cli.meters import meter
from ons_assets.cli.register import register
from ons_assets.cli.releases import publish, releases, withdraw
from ons_assets.cli.report import report
from ons_assets.cli.serving import health, serve
from ons_assets.cli.tables import materialize, parameters, status
from ons_assets.cli.terminal import Commands, Failed, console, errors, print_version
from ons_assets.cli.trace import trace
from ons_assets.cli.tutorials import tutorial
from ons_assets.cli.upgrading import upgrade
from ons_assets.cli.worlds import demo, simulate

__all__ = ["Failed", "app", "console", "main"]

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

# In the order in which the help shows them.
for command in (
    *(demo, tutorial, simulate, ingest, retry, names, reread, erase, retain, materialize),
    *(publish, withdraw, releases, report, trace, serve, health, backup, restore, upgrade, status, parameters),
):
    app.command()(command)
app.add_typer(layouts, name="layout")
app.add_typer(expectations, name="expectations")
app.add_typer(register, name="register")
app.add_typer(meter, name="meter")
app.add_typer(alerts, name="alerts")
app.add_typer(collectors, name="collect")
app.add_typer(harvesters, name="harvest")


@app.callback()
def whole(
    version: Annotated[
        bool,
        typer.Option("--version", help="Say which version this is.", is_eager=True, callback=print_version),
    ] = False,
) -> None:
    """Big-data sources as official statistics: from supplier files to published figures."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; every error that a user can cause ends in one sentence and exit code 1."""
    garbage.look_seldom()
    warnings.filterwarnings("ignore")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    try:
        app(arguments)
    except sqlite3.OperationalError as error:
        _die(f"the ledger cannot be used: {error}; nothing was lost, and the same command goes on from here")
    except OSError as error:
        why = error.strerror or str(error)
        _die(f"{error.filename} cannot be used: {why}" if error.filename is not None else why)
    except (Failed, ValueError, LookupError) as error:
        _die(str(error))


def _die(sentence: str) -> None:
    errors.print(f"ons-assets: {sentence}", style="red", soft_wrap=True)
    sys.exit(1)
