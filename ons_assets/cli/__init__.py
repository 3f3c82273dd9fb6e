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
from ons_assets.cli.mistakes import PROGRAM, Commands, in_words, nothing_said
from ons_assets.cli.register import register
from ons_assets.cli.releases import publish, releases, withdraw
from ons_assets.cli.report import report
from ons_assets.cli.serving import health, serve
from ons_assets.cli.tables import materialize, parameters, status
from ons_assets.cli.terminal import Failed, console, errors, print_version
from ons_assets.cli.trace import trace
from ons_assets.cli.tutorials import tutorial
from ons_assets.cli.upgrading import upgrade
from ons_assets.cli.worlds import demo, simulate
from ons_assets.faults import place_of

# What Python says of a lookup that the program did not foresee tells nobody anything.
OF_ITS_OWN = "the program made a mistake of its own, at {}: tell those who look after it"
# Exit code of what cannot be a command.
MISTYPED = 2

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
    """Run the command line; what a user can cause ends in one sentence and exit code 1, or 2 where it is no command."""
    garbage.look_seldom()
    warnings.filterwarnings("ignore")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    # What methods note is told by the commands that make tables; Python would print it in between.
    logging.getLogger("ons_assets").addHandler(logging.NullHandler())
    typed = sys.argv[1:] if arguments is None else [*arguments]
    if (sentence := nothing_said(typed)) is not None:
        _die(sentence, MISTYPED)
    try:
        sys.exit(app(typed, prog_name=PROGRAM, standalone_mode=False))
    except typer.TyperException as error:
        _die(in_words(error), error.exit_code)
    except typer.Abort:
        _die("ended, because nothing was answered")
    except sqlite3.OperationalError as error:
        _die(f"the ledger cannot be used: {error}; nothing was lost, and the same command goes on from here")
    except OSError as error:
        why = error.strerror or str(error)
        _die(f"{error.filename} cannot be used: {why}" if error.filename is not None else why)
    except (Failed, ValueError, LookupError) as error:
        _die(OF_ITS_OWN.format(place_of(error)) if type(error) in (IndexError, KeyError) else str(error))


def _die(sentence: str, code: int = 1) -> None:
    if sentence:
        errors.print(f"{PROGRAM}: {sentence}", style="red", soft_wrap=True)
    sys.exit(code)
