"""The command `ons-assets`: thin, it calls the rest and prints what came of it."""

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from ons_assets.settings import Settings, load_settings

if TYPE_CHECKING:
    from ons_assets.lakehouse.ledger import Drop
    from ons_assets.orchestration.runs import Outcome

app = typer.Typer(
    help="Big-data sources as official statistics: from supplier files to published figures.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()
errors = Console(stderr=True)

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Folder of the installation; else $ONS_ASSETS_HOME, else ./data.")
]
SHOWN = 15


class Failed(Exception):
    """A command did not do all that it was asked; the message is one plain sentence."""


@app.command()
def demo(
    home: HomeOption = None,
    scale: Annotated[str, typer.Option(help="Size of the simulated world: small, medium or full.")] = "small",
) -> None:
    """Simulate a small world, ingest it, materialise every asset, and print what was found."""
    from ons_assets import demo as show

    settings = _settings(home)
    with _progress("simulating") as progress:
        show.simulate(settings, scale, progress)
        taken = show.ingest(settings, progress)
        outcomes = show.materialize(settings, progress)
    _print_drops(taken)
    for outcome in outcomes:
        _print_outcome(outcome)
    for title, frame in show.results(settings).items():
        console.print(_frame_table(title, frame))
    console.print("\n[bold]Where to look next[/bold]")
    for what, where in show.next_steps(settings).items():
        console.print(f"  {what:<28}{where}", soft_wrap=True)
    _fail_unless(all(outcome.success for outcome in outcomes), "not every asset could be made; see above")


@app.command()
def simulate(
    drops: Annotated[Path, typer.Argument(help="Folder for the files; in it, one folder a source.")],
    truth: Annotated[Path, typer.Argument(help="Folder for the known truth; not inside the other one.")],
    pilot: Annotated[str, typer.Option(help="Whose world: prices, tweets, meters or mobile.")] = "prices",
    scale: Annotated[str, typer.Option(help="small, medium or full.")] = "small",
    seed: Annotated[int | None, typer.Option(help="Seed of the world; the same seed writes the same bytes.")] = None,
) -> None:
    """Write the files of a simulated world, and apart from them the truth."""
    from ons_assets.demo import PILOTS

    if pilot not in PILOTS:
        raise Failed(f"there is no pilot {pilot!r} to simulate; there are {', '.join(PILOTS)}")
    if truth.resolve().is_relative_to(drops.resolve()):
        raise Failed("the folder for the truth lies inside the folder for the files, and would be ingested with them")
    with _progress("simulating"):
        summary = PILOTS[pilot].simulate(drops, truth, scale, seed)
    console.print(f"{summary} in {drops}; the truth is in {truth}", soft_wrap=True)


@app.command()
def ingest(
    files: Annotated[list[Path] | None, typer.Argument(help="Files; without any, those in the drop folders.")] = None,
    source: Annotated[str | None, typer.Option(help="Whose files they are; else they are recognised.")] = None,
    home: HomeOption = None,
) -> None:
    """Archive files, read them, and publish the raw tables of their days."""
    from ons_assets import operations

    settings = _settings(home)
    operations.open_home(settings)
    with _progress("taking files") as progress:
        taken = (
            operations.take(settings, files, source, progress) if files else operations.take_dropped(settings, progress)
        )
        outcomes = operations.read_waiting(settings, progress)
        drops = operations.current(settings, taken)
    _print_drops(drops)
    refused = [drop for drop in drops if drop.status == "refused"]
    broken = [outcome for outcome in outcomes if not outcome.success]
    if not refused:
        for outcome in broken:
            _print_outcome(outcome)
    _fail_unless(not refused and not broken, f"{len(refused)} of {len(drops)} files were refused")


@app.command()
def materialize(
    assets: Annotated[
        list[str] | None, typer.Argument(help="Assets, or groups but for their raw tables; without any, all groups.")
    ] = None,
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")] = None,
    home: HomeOption = None,
) -> None:
    """Make tables from what was ingested; for all days, or for those given."""
    from ons_assets import operations

    settings = _settings(home)
    operations.open_home(settings)
    for name, others in operations.made_together(assets or []).items():
        console.print(f"{name} is made together with {', '.join(others)}", soft_wrap=True)
    with _progress("materialising") as progress:
        outcome = operations.make(settings, assets or [], _days(first, last), progress)
    _print_outcome(outcome)
    _fail_unless(outcome.success, f"{len(outcome.failures)} assets were not made")


@app.command()
def serve(
    home: HomeOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 3000,
) -> None:
    """Run the UI and the daemon: files dropped into the drop folders are read within half a minute."""
    from ons_assets import operations
    from ons_assets.lakehouse.home import Home
    from ons_assets.orchestration.runs import close_dead_runs, prepare_instance

    settings = _settings(home)
    operations.open_home(settings)
    close_dead_runs(Home(settings.home))
    prepare_instance(Home(settings.home))
    os.environ["ONS_ASSETS_HOME"] = str(settings.home)
    for source in operations.sources(settings):
        console.print(f"drop files of {source.name} into {settings.home / 'drops' / source.name}", soft_wrap=True)
    console.print(f"the UI is at http://{host}:{port}")
    command = [sys.executable, "-m", "dagster", "dev", "-m", "ons_assets.definitions", "-h", host, "-p", str(port)]
    os.execv(sys.executable, command)


@app.command()
def status(home: HomeOption = None) -> None:
    """Say how things stand: files by source, tables, quarantine."""
    from ons_assets import operations

    settings = _settings(home)
    if not settings.home.is_dir():
        raise Failed(f"there is no home {settings.home} yet; ons-assets ingest makes it")
    operations.open_home(settings)
    console.print(_frame_table("Files by source", operations.drops_by_status(settings)))
    tables = Table("table", "rows", "versions", "last published (UTC)", title="Published tables", title_justify="left")
    for state in operations.table_states(settings):
        tables.add_row(state.name, f"{state.rows:,}", str(state.versions), f"{state.published_utc:%Y-%m-%d %H:%M:%S}")
    console.print(tables)
    quarantined = operations.quarantined(settings)
    entries = Table(
        Column("file", overflow="fold"),
        "rows",
        "reason",
        title=f"Quarantine: {len(quarantined)} entries",
        title_justify="left",
    )
    for entry in quarantined[:SHOWN]:
        entries.add_row(escape(entry.name), f"{entry.rows:,}", escape(entry.reason))
    if quarantined:
        console.print(entries)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; every error that a user can cause ends in one sentence and exit code 1."""
    warnings.filterwarnings("ignore")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    try:
        app(arguments)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        _die(f"the settings cannot be used: {faults}")
    except (Failed, ValueError, LookupError, OSError) as error:
        _die(str(error))


def _die(sentence: str) -> None:
    errors.print(f"ons-assets: {sentence}", style="red", markup=False, soft_wrap=True)
    sys.exit(1)


def _settings(home: Path | None) -> Settings:
    return load_settings(home)


def _days(first: datetime | None, last: datetime | None) -> tuple[date, date] | None:
    if first is None and last is None:
        return None
    if first is None or last is None:
        raise Failed("--from and --to go together")
    if first > last:
        raise Failed(f"--from {first.date()} is after --to {last.date()}")
    return first.date(), last.date()


def _fail_unless(well: bool, sentence: str) -> None:
    if not well:
        raise Failed(sentence)


@contextmanager
def _progress(first: str) -> Iterator[Callable[[str], None]]:
    with console.status(first) as shown:
        yield lambda what: shown.update(escape(what))


def _print_drops(drops: "Sequence[Drop]") -> None:
    """Print the totals, and a line for each file that was not taken whole."""
    if not drops:
        console.print("no file was waiting")
        return
    accepted = sum(drop.accepted_rows or 0 for drop in drops)
    quarantined = sum(drop.quarantined_rows or 0 for drop in drops)
    console.print(f"{len(drops)} files: {accepted:,} rows accepted, {quarantined:,} in quarantine")
    odd = [drop for drop in drops if drop.status != "accepted" or drop.quarantined_rows or drop.reason]
    if not odd:
        return
    file = Column("file", overflow="fold")
    table = Table(file, "status", "accepted", "quarantined", "reason", title="Not taken whole", title_justify="left")
    for drop in odd[:SHOWN]:
        counts = (f"{drop.accepted_rows or 0:,}", f"{drop.quarantined_rows or 0:,}")
        table.add_row(escape(drop.name), drop.status, *counts, escape(drop.reason or ""))
    console.print(table)
    if len(odd) > SHOWN:
        console.print(f"and {len(odd) - SHOWN} more; ons-assets status shows the quarantine")


def _print_outcome(outcome: "Outcome") -> None:
    console.print(f"{len(outcome.made)} assets made: {', '.join(outcome.made) or 'none'}")
    if outcome.waiting:
        console.print(f"{len(outcome.waiting)} assets wait, and were not made:")
    for name, lacking in outcome.waiting.items():
        console.print(f"  {name} for {lacking}", soft_wrap=True)
    for name, reason in outcome.warnings.items():
        console.print(f"[yellow]{name}[/yellow] {escape(reason)}")
    for name, reason in outcome.failures.items():
        console.print(f"[red]{name}[/red] {escape(reason)}")
    if outcome.skipped:
        console.print(f"not made, because of an asset before them: {', '.join(outcome.skipped)}")


def _frame_table(title: str, frame: "object") -> Table:
    import polars as pl

    assert isinstance(frame, pl.DataFrame)
    columns = [Column(name, overflow="fold") for name in frame.columns]
    table = Table(*columns, title=title, title_justify="left")
    for row in frame.iter_rows():
        table.add_row(
            *("" if value is None else f"{value:,.2f}" if isinstance(value, float) else f"{value}" for value in row)
        )
    return table
