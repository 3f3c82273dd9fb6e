"""Tables: made, and how they and everything else stand."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from ons_assets.cli.terminal import (
    SHOWN,
    HomeOption,
    console,
    days_of,
    fail_unless,
    frame_table,
    noting,
    print_notes,
    print_outcome,
    progress_of,
    settings_of,
)
from ons_assets.wording import counted

if TYPE_CHECKING:
    from ons_assets.settings import Settings


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
    from ons_assets.operations import bounds

    settings, days = settings_of(home), days_of(first, last)
    together = operations.made_together(assets or [])
    operations.open_made_home(settings)
    for sentence in bounds.strays(settings):
        console.print(sentence, style="yellow", soft_wrap=True)
    for name, others in together.items():
        console.print(f"{name} is made together with {', '.join(others)}", soft_wrap=True)
    with noting() as notes, progress_of("materialising") as progress:
        outcome = operations.make(settings, assets or [], days, progress)
    print_notes(notes)
    print_outcome(outcome)
    failed = len(outcome.failures)
    fail_unless(outcome.success, f"{counted(failed, 'table')} {'was' if failed == 1 else 'were'} not made")


def status(home: HomeOption = None) -> None:
    """Say how things stand: files by source, tables, quarantine."""
    from ons_assets import operations
    from ons_assets.operations import bounds

    settings = settings_of(home)
    operations.open_made_home(settings)
    if operations.unfinished_erasure(settings):
        console.print("an erasure is not finished; ons-assets erase --resume goes on with it", style="red")
    console.print(frame_table("Files by source", operations.drops_by_status(settings)))
    _print_faults_of_layouts(settings)
    for each in bounds.check_all(settings):
        if each.fault is not None:
            console.print(each.fault, style="red", soft_wrap=True)
        else:
            console.print(f"{each.table} is held against bounds of this home", style="yellow", soft_wrap=True)
    for source, files in operations.stale_drops(settings).iter_rows():
        console.print(
            f"{counted(files, 'file')} of {source}, read under a layout or parameters that are other ones now; "
            f"ons-assets reread {source} shows what that changes",
            style="yellow",
            soft_wrap=True,
        )
    remarks = operations.remarks(settings)
    if len(remarks):
        console.print(frame_table(f"Accepted with a remark ({len(remarks):,})", remarks.head(SHOWN)))
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


def _print_faults_of_layouts(settings: "Settings") -> None:
    from ons_assets import operations

    for source, sentence in operations.broken_layouts(settings):
        console.print(f"a layout of {source} cannot be used: {sentence}", style="red", soft_wrap=True)
    for source, sentence in operations.remarks_on_layouts(settings):
        console.print(f"of {source}, {sentence}", style="yellow", soft_wrap=True)


def parameters(
    path: Annotated[
        str | None,
        typer.Argument(help="A domain such as tweets, a group such as tweets.flows, or one; without it, all."),
    ] = None,
    home: HomeOption = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The page docs/parameters.md: every parameter with its default.")
    ] = False,
) -> None:
    """Show every parameter of the methods: its value, its bound, what it decides, and where the value comes from."""
    from ons_assets import settings as of_home
    from ons_assets.parameters.description import page

    if markdown:
        typer.echo(page(of_home.Settings.model_construct()), nl=False)
        return
    found = of_home.below(of_home.origins(settings_of(home)), path)
    for each in found:
        shown = each.parameter
        console.print(
            f"[bold]{shown.path}[/bold] = {escape(shown.value)}  [dim]({escape(each.source)})[/dim]",
            soft_wrap=True,
            markup=True,
        )
        console.print(f"    {shown.sentence}; {shown.bound}", soft_wrap=True, highlight=False)
