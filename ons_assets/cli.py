"""The command `ons-assets`: thin, it calls the rest and prints what came of it."""

import logging
import os
import sqlite3
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from ons_assets.settings import Settings, load_settings
from ons_assets.wording import counted

if TYPE_CHECKING:
    import polars as pl

    from ons_assets.intake.ledger import Drop
    from ons_assets.intake.reading import Difference
    from ons_assets.orchestration.runs import Outcome

app = typer.Typer(
    help="Big-data sources as official statistics: from supplier files to published figures.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
# What a terminal obeys instead of showing it: controls, and marks that turn the direction of text.
OBEYED = {
    code: "\ufffd"
    for code in (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
    if chr(code) not in "\n\t"
}


class _Plain(Console):
    """Shows every text as text: names of files, and what they say, may hold what a terminal obeys."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(segment.text.translate(OBEYED), segment.style)


# Brackets are no markup, unless a line says that they are, and words between colons no pictures.
console = _Plain(markup=False, emoji=False)
errors = _Plain(markup=False, emoji=False, stderr=True)

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
    console.print("\nWhere to look next", style="bold")
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
        drops = operations.current(settings, taken.drops)
    for sentence in taken.stayed:
        errors.print(sentence, style="yellow", soft_wrap=True)
    _print_ingested(drops, outcomes, taken.left)


@app.command()
def retry(
    drops: Annotated[
        list[str] | None, typer.Argument(help="Names of refused files, or their numbers; without any, all of them.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Read files that were refused once more, from the archive."""
    from ons_assets import operations

    settings = _settings(home)
    operations.open_home(settings)
    with _progress("reading") as progress:
        again, outcomes = operations.retry(settings, drops or [], progress)
    _print_ingested(operations.current(settings, again), outcomes, [])


@app.command()
def names(
    drops: Annotated[list[int], typer.Argument(help="Numbers of files in the ledger, such as 12 of 'file 12'.")],
    home: HomeOption = None,
) -> None:
    """Say what suppliers called files about people; such a name may tell of whom they are, so nothing else says it."""
    from ons_assets import operations

    for number, name in operations.names(_settings(home), drops).items():
        # A name with a line break must not look like the name of another file.
        console.print(f"file {number}: {name}".replace("\n", "\ufffd"), soft_wrap=True)


@app.command()
def reread(
    source: Annotated[str, typer.Argument(help="Whose files.")],
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before the new reading takes effect.")] = False,
    home: HomeOption = None,
) -> None:
    """Read accepted files once more under the layouts and parameters of now; what that changes is shown first."""
    from ons_assets import operations

    settings = _settings(home)
    operations.open_home(settings)
    with operations.reread(settings, source, _days(first, last)) as again:
        changed = [each for each in again.differences if each.changes or each.layout is None]
        console.print(f"{counted(len(again.differences), 'file')} read again, {len(changed)} with other rows")
        if not changed:
            return
        _print_differences(changed)
        if not (yes or typer.confirm("Let the new reading take effect?")):
            return
        with _progress("publishing") as progress:
            outcome = again.apply(progress)
    _print_outcome(outcome)
    _fail_unless(outcome.success, "the table could not be made anew")


layouts = typer.Typer(help="Layouts of files: look at a file through one, draft one.", no_args_is_help=True)
app.add_typer(layouts, name="layout")
SourceOption = Annotated[str, typer.Option("--source", help="Whose file it is.")]


@layouts.command("check")
def check_layout(
    file: Annotated[Path, typer.Argument(help="The file; it is only looked at.")],
    source: SourceOption,
    layout: Annotated[Path | None, typer.Option(help="YAML of a layout; else the one that knows the file.")] = None,
    home: HomeOption = None,
) -> None:
    """Show the first rows of a file as they would be read, and what was not understood."""
    from ons_assets import operations
    from ons_assets.intake import drafting, shelf

    if not file.is_file():
        raise Failed(f"there is no file {file}")
    settings = _settings(home)
    of = operations.source_named(settings, source)
    # Rows about people are read with the key of the home, and set down in it for the time of reading.
    operations.open_home(settings)
    checked = drafting.check(of, file, shelf.one(layout) if layout is not None else None)
    shown = drafting.shown_name(of, file)
    console.print(f"{shown} is {checked.kind}", soft_wrap=True)
    if checked.header:
        console.print(f"columns: {', '.join(checked.header)}", soft_wrap=True)
    if checked.layout is not None:
        console.print(f"layout: {checked.layout.name}")
    if checked.unused:
        console.print(f"not read: {', '.join(checked.unused)}", soft_wrap=True)
    if checked.rows is not None:
        console.print(_upright("first rows", checked.rows))
    elif checked.types:
        console.print(
            "fields: " + ", ".join(f"{name} ({kind})" for name, kind in checked.types.items()), soft_wrap=True
        )
    if checked.accepted or checked.rejected:
        console.print(f"{checked.accepted:,} rows accepted, {checked.rejected:,} rejected, of those looked at")
    for sentence in checked.sentences:
        console.print(sentence, soft_wrap=True, style="yellow")
    _fail_unless(checked.accepted > 0, f"{shown} gives no row")


@layouts.command("draft")
def draft_layout(
    file: Annotated[Path, typer.Argument(help="The file; it is only looked at.")],
    source: SourceOption,
    home: HomeOption = None,
) -> None:
    """Write a draft of a layout for a file, to be completed and put into <home>/layouts/<source>/."""
    from ons_assets import operations
    from ons_assets.intake import drafting

    if not file.is_file():
        raise Failed(f"there is no file {file}")
    draft = drafting.draft(operations.source_named(_settings(home), source), file)
    console.print(draft, end="", soft_wrap=True, highlight=False)


@layouts.command("upgrade")
def upgrade_layout(
    mapping: Annotated[Path, typer.Argument(help="YAML of a mapping of version 0.1.")],
) -> None:
    """Print a mapping of version 0.1 as a layout, and say what was changed."""
    from ons_assets.intake import shelf

    text, said = shelf.upgraded_text(mapping)
    for sentence in said:
        errors.print(sentence)
    print(text, end="")


@layouts.command("schema")
def layout_schema() -> None:
    """Print the JSON Schema of layouts, by which editors complete them."""
    import json

    from ons_assets.intake.layouts import Layout

    print(json.dumps(Layout.model_json_schema(), indent=2))


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
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 3000,
    behind_proxy: Annotated[
        str | None,
        typer.Option(help="Name by which people call the proxy before the UI, which lets only those in who may."),
    ] = None,
) -> None:
    """Run the UI and the daemon: files dropped into the drop folders are read within half a minute."""
    from ons_assets import operations
    from ons_assets.lakehouse.home import Home
    from ons_assets.orchestration import service
    from ons_assets.orchestration.guard import LOOPBACK, is_name
    from ons_assets.orchestration.runs import close_dead_runs, prepare_instance

    _fail_unless(
        host in LOOPBACK or behind_proxy is not None,
        f"{host} may be open to the network, and the UI lets everybody do everything: put a proxy before it that asks "
        "who comes, and say its name with --behind-proxy; docs/serving.md shows how",
    )
    _fail_unless(
        behind_proxy is None or is_name(behind_proxy),
        f"--behind-proxy takes the name of a machine alone, such as assets.example.gov, and not {behind_proxy!r}",
    )
    settings = _settings(home)
    operations.open_home(settings)
    close_dead_runs(Home(settings.home))
    prepare_instance(Home(settings.home))
    os.environ["ONS_ASSETS_HOME"] = str(settings.home)
    names = (*LOOPBACK, *([behind_proxy] if behind_proxy else []))
    try:
        with Home(settings.home).served() as alone:
            _fail_unless(alone, f"the home {settings.home} is served already, by another process")
            service.serve(host, port, names, lambda: _print_addresses(settings, host, port))
    except service.NotStarted as error:
        raise Failed(str(error)) from None


def _print_addresses(settings: Settings, host: str, port: int) -> None:
    from ons_assets import operations

    for source in operations.sources(settings):
        console.print(f"drop files of {source.name} into {settings.home / 'drops' / source.name}", soft_wrap=True)
    console.print(f"the UI is at http://{f'[{host}]' if ':' in host else host}:{port}")


@app.command()
def status(home: HomeOption = None) -> None:
    """Say how things stand: files by source, tables, quarantine."""
    from ons_assets import operations

    settings = _settings(home)
    if not settings.home.is_dir():
        raise Failed(f"there is no home {settings.home} yet; ons-assets ingest makes it")
    operations.open_home(settings)
    console.print(_frame_table("Files by source", operations.drops_by_status(settings)))
    for source, sentence in operations.broken_layouts(settings):
        console.print(f"a layout of {source} cannot be used: {sentence}", style="red", soft_wrap=True)
    for source, files in operations.stale_drops(settings).iter_rows():
        console.print(
            f"{counted(files, 'file')} of {source}, read under a layout or parameters that are other ones now; "
            f"ons-assets reread {source} shows what that changes",
            style="yellow",
            soft_wrap=True,
        )
    tables = Table("table", "rows", "versions", "last published (UTC)", title="Published tables", title_justify="left")
    for state in operations.table_states(settings):
        tables.add_row(state.name, f"{state.rows:,}", str(state.versions), f"{state.published_utc:%Y-%m-%d %H:%M:%S}")
    console.print(tables)
    quarantined = operations.quarantined(settings)
    entries = Table(
        Column("file", overflow="fold"),
        "rows",
        "reason",
        title=f"Quarantine ({len(quarantined):,})",
        title_justify="left",
    )
    for entry in quarantined[:SHOWN]:
        entries.add_row(entry.name, f"{entry.rows:,}", entry.reason)
    if quarantined:
        console.print(entries)


@app.command()
def parameters(
    domain: Annotated[str | None, typer.Argument(help="prices, tweets, meters or mobile; without one, all.")] = None,
    home: HomeOption = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The page docs/parameters.md: every parameter with its default.")
    ] = False,
) -> None:
    """Show every parameter of the methods: its value, its bound, what it decides, and where the value comes from."""
    from ons_assets import settings as of_home
    from ons_assets.parameters.description import page

    if markdown:
        typer.echo(page(Settings.model_construct()), nl=False)
        return
    found = of_home.of_domain(of_home.origins(_settings(home)), domain)
    for each in found:
        shown = each.parameter
        console.print(
            f"[bold]{shown.path}[/bold] = {escape(shown.value)}  [dim]({escape(each.source)})[/dim]",
            soft_wrap=True,
            markup=True,
        )
        console.print(f"    {shown.sentence}; {shown.bound}", soft_wrap=True, highlight=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; every error that a user can cause ends in one sentence and exit code 1."""
    warnings.filterwarnings("ignore")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    try:
        app(arguments)
    except sqlite3.OperationalError as error:
        _die(f"the ledger cannot be used: {error}; nothing was lost, and the same command goes on from here")
    except (Failed, ValueError, LookupError, OSError) as error:
        _die(str(error))


def _die(sentence: str) -> None:
    errors.print(f"ons-assets: {sentence}", style="red", soft_wrap=True)
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
    with console.status(Text(first)) as shown:
        yield lambda what: shown.update(Text(what))


def _print_drops(drops: "Sequence[Drop]") -> None:
    """Print the totals, and a line for each file that was not taken whole."""
    if not drops:
        console.print("no file was waiting")
        return
    accepted = sum(drop.accepted_rows or 0 for drop in drops)
    quarantined = sum(drop.quarantined_rows or 0 for drop in drops)
    console.print(f"{counted(len(drops), 'file')}: {counted(accepted, 'row')} accepted, {quarantined:,} in quarantine")
    odd = [drop for drop in drops if drop.status != "accepted" or drop.quarantined_rows or drop.reason]
    if not odd:
        return
    file = Column("file", overflow="fold")
    table = Table(file, "status", "accepted", "quarantined", "reason", title="Not taken whole", title_justify="left")
    for drop in odd[:SHOWN]:
        counts = (f"{drop.accepted_rows or 0:,}", f"{drop.quarantined_rows or 0:,}")
        table.add_row(drop.name, drop.status, *counts, drop.reason or "")
    console.print(table)
    if len(odd) > SHOWN:
        console.print(f"and {len(odd) - SHOWN} more; ons-assets status shows the quarantine")


def _print_ingested(drops: "Sequence[Drop]", outcomes: "Sequence[Outcome]", left: Sequence[str]) -> None:
    """Print what became of files, and fail unless all were taken and accepted."""
    if drops or not left:
        _print_drops(drops)
    refused = [drop for drop in drops if drop.status == "refused"]
    broken = [outcome for outcome in outcomes if not outcome.success]
    if not refused:
        for outcome in broken:
            _print_outcome(outcome)
    if len(left) == 1 and not drops:
        raise Failed(left[0])
    for sentence in left:
        errors.print(sentence, style="red", soft_wrap=True)
    faults = [
        *([f"{len(refused)} of {counted(len(drops), 'file')} refused"] if refused else []),
        *([f"{counted(len(left), 'file')} not taken"] if left else []),
    ]
    if not faults and broken:
        faults = ["not every table could be made; see above"]
    _fail_unless(not faults, "; ".join(faults))


def _print_differences(differences: "Sequence[Difference]") -> None:
    table = Table(
        Column("file", overflow="fold"),
        "layout",
        "rows before",
        "rows now",
        "go",
        "come",
        "reason",
        title_justify="left",
    )
    for each in differences[:SHOWN]:
        counts = (f"{count:,}" for count in (each.before, each.after, each.went, each.came))
        table.add_row(each.drop.name, each.layout or "refused", *counts, each.reason or "")
    console.print(table)
    if len(differences) > SHOWN:
        console.print(f"and {len(differences) - SHOWN} more")


def _print_outcome(outcome: "Outcome") -> None:
    console.print(f"{len(outcome.made)} assets made: {', '.join(outcome.made) or 'none'}")
    if outcome.waiting:
        console.print(f"{len(outcome.waiting)} assets wait, and were not made:")
    for name, lacking in outcome.waiting.items():
        console.print(f"  {name} for {lacking}", soft_wrap=True)
    for name, reason in outcome.warnings.items():
        console.print(f"[yellow]{escape(name)}[/yellow] {escape(reason)}", markup=True)
    for name, reason in outcome.failures.items():
        console.print(f"[red]{escape(name)}[/red] {escape(reason)}", markup=True)
    if outcome.skipped:
        console.print(f"not made, because of an asset before them: {', '.join(outcome.skipped)}")


def _frame_table(title: str, frame: "pl.DataFrame") -> Table:
    columns = [Column(name, overflow="fold") for name in frame.columns]
    table = Table(*columns, title=title, title_justify="left")
    for row in frame.iter_rows():
        table.add_row(*map(_cell, row))
    return table


def _upright(title: str, frame: "pl.DataFrame") -> Table:
    """Rows side by side, a line for each field that has a value: a terminal is narrower than a row has fields."""
    rows = [Column(f"{number}", overflow="fold") for number in range(1, len(frame) + 1)]
    table = Table(Column("field", no_wrap=True), *rows, title=title, title_justify="left")
    for values in frame:
        if values.null_count() < len(values):
            table.add_row(values.name, *map(_cell, values))
    return table


def _cell(value: object) -> str:
    return "" if value is None else f"{value:,.2f}" if isinstance(value, float) else f"{value}"
