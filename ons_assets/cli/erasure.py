"""Erasure: of who asked for it, and of what is older than is kept."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from ons_assets.cli.terminal import Failed, HomeOption, check_file, console, fail_unless, progress_of, settings_of
from ons_assets.wording import counted

if TYPE_CHECKING:
    from ons_assets.governance.erasure.erasing import Erased


def erase(
    source: Annotated[str | None, typer.Argument(help="Whose files name them, such as meters or tweets.")] = None,
    subject: Annotated[
        list[str] | None,
        typer.Option(help="Name of a person, home or device as the supplier writes it; it stays in a shell's history."),
    ] = None,
    subjects: Annotated[
        Path | None, typer.Option(help="File of such names, one a line, or - to read them from standard input.")
    ] = None,
    record: Annotated[list[str] | None, typer.Option(help="Number of one record, such as a deleted tweet.")] = None,
    records: Annotated[Path | None, typer.Option(help="File of such numbers, one a line, or -.")] = None,
    reason: Annotated[str, typer.Option(help="Why; it is kept, and must not say whom.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an erasure that is not finished.")] = False,
    home: HomeOption = None,
) -> None:
    """Erase people, homes or devices, or single records, from all that the home keeps, and prove it."""
    from ons_assets import operations
    from ons_assets.operations import erasing

    settings = settings_of(home)
    people, single = _names(subject, subjects), _names(record, records)
    if resume:
        fail_unless(source is None and not people and not single, "--resume goes on as was asked before: say no more")
    else:
        fail_unless(source is not None, "say the source, such as ons-assets erase meters --subjects -")
        fail_unless(bool(people) != bool(single), "say either subjects or records that are to be erased")
    operations.open_made_home(settings)
    with progress_of("erasing") as progress:
        if resume:
            done = erasing.resume_erasure(settings, progress)
        else:
            done = erasing.erase(settings, str(source), people or single, reason, progress, records=bool(single))
    _print_erased(done)
    console.print("every byte of the home was searched: nothing of it is found")
    fail_unless(not done.failures, f"{counted(len(done.failures), 'table')} could not be made again; see above")


def retain(home: HomeOption = None) -> None:
    """Erase what is older than the settings keep, `drops.retention_days`; the service does so every night."""
    from ons_assets import operations
    from ons_assets.operations import erasing

    settings = settings_of(home)
    operations.open_made_home(settings)
    with progress_of("looking for what is too old") as progress:
        done = erasing.retain(settings, progress)
    for each in done:
        _print_erased(each)
    if not done:
        console.print("nothing is older than is kept")
    fail_unless(not any(each.failures for each in done), "not every table could be made again; see above")


def _names(given: Sequence[str] | None, file: Path | None) -> list[str]:
    """Names that were given, and those in a file, one a line."""
    text = ""
    if file is not None:
        by_pipe = str(file) == "-"
        if not by_pipe:
            check_file(file)
        try:
            text = sys.stdin.read() if by_pipe else file.read_text("utf-8")
        except UnicodeDecodeError:
            # What the exception says quotes the bytes.
            raise Failed(f"{'what came' if by_pipe else file} is not text in UTF-8") from None
    return [*(given or []), *(line.strip() for line in text.splitlines() if line.strip())]


def _print_erased(done: "Erased") -> None:
    console.print(
        f"{done.source}: {counted(done.rows, 'row')} erased from {counted(done.files, 'file')}, "
        f"and from {counted(done.tables, 'table')}; older versions are forgotten"
    )
    console.print("copies of the home of before hold it still: delete them in time (docs/backup.md)", soft_wrap=True)
    for change in done.changes:
        small = "" if change.small is None else f", {change.small:,} of them by fewer than {change.fewest:g} units"
        console.print(f"  {change.table}: {counted(change.cells, 'row')} changed{small}", soft_wrap=True)
    if done.changes:
        console.print(
            "Who has one of these tables from before, and now, learns from the difference of whom was erased: what was "
            "released stays as it is, and the next release comes with its data, not for the sake of the erasure",
            style="yellow",
            soft_wrap=True,
        )
    for name, reason in done.failures.items():
        console.print(f"[red]{escape(name)}[/red] {escape(reason)}", markup=True)
