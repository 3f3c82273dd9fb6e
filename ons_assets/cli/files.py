"""Files: taken, read, read again, and by which names suppliers called them."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from ons_assets.cli.terminal import (
    SHOWN,
    Failed,
    HomeOption,
    console,
    days_of,
    errors,
    fail_unless,
    print_outcome,
    progress_of,
    settings_of,
)
from ons_assets.wording import counted, listed

if TYPE_CHECKING:
    from ons_assets.intake.ledger import Drop
    from ons_assets.intake.reading import Difference
    from ons_assets.orchestration.runs import Outcome


def ingest(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files, or folders that hold folders of sources; else the drop folders.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Whose files they are; else they are recognised.")] = None,
    home: HomeOption = None,
) -> None:
    """Archive files, read them, and publish the raw tables of their days."""
    from ons_assets import operations

    settings = settings_of(home)
    if source is not None:
        operations.source_named(settings, source)
    if files and not any(file.exists() for file in files):
        # Nothing is to be done, and a slip in a name makes no home.
        raise Failed(f"there is no file {listed([*map(str, files)], 'or')}")
    operations.open_home(settings)
    with progress_of("taking files") as progress:
        taken = (
            operations.take_given(settings, files, source, progress)
            if files
            else operations.take_dropped(settings, progress)
        )
        outcomes = operations.read_waiting(settings, progress)
        outcomes.append(operations.account_for_files(settings, progress))
        drops = operations.current(settings, taken.drops)
    for sentence in taken.stayed:
        errors.print(sentence, style="yellow", soft_wrap=True)
    _print_ingested(drops, outcomes, taken.left, taken.passed_over)


def retry(
    drops: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names of refused files, or numbers, or another name of one, to read it by that; without any, all."
        ),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Read files that were refused once more, from the archive."""
    from ons_assets import operations

    settings = settings_of(home)
    operations.open_made_home(settings)
    with progress_of("reading") as progress:
        again, outcomes = operations.retry(settings, drops or [], progress)
        outcomes.append(operations.account_for_files(settings, progress))
    _print_ingested(operations.current(settings, again), outcomes, [])


def names(
    drops: Annotated[list[int], typer.Argument(help="Numbers of files in the ledger, such as 12 of 'file 12'.")],
    home: HomeOption = None,
) -> None:
    """Say what suppliers called files about people; such a name may tell of whom they are, so nothing else says it."""
    from ons_assets import operations

    settings = settings_of(home)
    operations.open_made_home(settings)
    for number, name in operations.names(settings, drops).items():
        # A name with a line break must not look like the name of another file.
        console.print(f"file {number}: {name}".replace("\n", "\ufffd"), soft_wrap=True)


def reread(
    source: Annotated[str, typer.Argument(help="Whose files.")],
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before the new reading takes effect.")] = False,
    home: HomeOption = None,
) -> None:
    """Read accepted files once more under the layouts and parameters of now; what that changes is shown first."""
    from ons_assets import operations

    settings = settings_of(home)
    operations.open_made_home(settings)
    with operations.reread(settings, source, days_of(first, last)) as again:
        changed = [each for each in again.differences if each.changes]
        otherwise = sum(each.replaces_otherwise for each in changed)
        other_rows = sum(bool(each.went or each.came) for each in changed)
        said = f"{counted(len(again.differences), 'file')} read again, {other_rows} with other rows"
        console.print(f"{said}, {otherwise} with another batch" if otherwise else said)
        if not changed:
            return
        _print_differences(changed)
        if not (yes or typer.confirm("Let the new reading take effect?")):
            return
        with progress_of("publishing") as progress:
            outcome = again.apply(progress).and_then(operations.account_for_files(settings, progress))
    print_outcome(outcome)
    fail_unless(outcome.success, "the table could not be made anew")


def print_totals(drops: "Sequence[Drop]") -> None:
    """Print how many files there were, and how much of them was accepted."""
    if not drops:
        console.print("no file was waiting")
        return
    from ons_assets import operations

    accepted = " and ".join(counted(number, row) for row, number in operations.accepted_by_row(drops).items())
    quarantined = counted(sum(drop.quarantined_rows or 0 for drop in drops), "row")
    console.print(f"{counted(len(drops), 'file')}: {accepted} accepted, {quarantined} in quarantine")


def print_drops(drops: "Sequence[Drop]") -> None:
    """Print the totals, and a line for each file that was not taken whole."""
    print_totals(drops)
    odd = [drop for drop in drops if drop.status != "accepted" or drop.quarantined_rows or drop.reason]
    if not odd:
        return
    file = Column("file", overflow="fold")
    reason = Column("reason", overflow="fold")
    table = Table(file, "status", "accepted", "quarantined", reason, title="Not taken whole", title_justify="left")
    for drop in odd[:SHOWN]:
        counts = (f"{drop.accepted_rows or 0:,}", f"{drop.quarantined_rows or 0:,}")
        table.add_row(drop.name, drop.status, *counts, drop.reason or "")
    console.print(table)
    if len(odd) > SHOWN:
        console.print(f"and {len(odd) - SHOWN} more; ons-assets status shows the quarantine")


def _print_ingested(
    drops: "Sequence[Drop]", outcomes: "Sequence[Outcome]", left: Sequence[str], passed_over: Sequence[str] = ()
) -> None:
    """Print what became of files, and fail unless all were taken and accepted."""
    if drops or not left:
        print_drops(drops)
    refused = [drop for drop in drops if drop.status == "refused"]
    broken = [outcome for outcome in outcomes if not outcome.success]
    if not refused:
        for outcome in broken:
            print_outcome(outcome)
    if len(left) == 1 and not drops:
        raise Failed(left[0])
    for sentence in (*left, *passed_over):
        errors.print(sentence, style="red", soft_wrap=True)
    faults = [
        *([f"{len(refused)} of {counted(len(drops), 'file')} refused"] if refused else []),
        *([f"{counted(len(left), 'file')} not taken"] if left else []),
        *([f"{counted(len(passed_over), 'folder')} passed over"] if passed_over else []),
    ]
    if not faults and broken:
        faults = ["not every table could be made; see above"]
    fail_unless(not faults, "; ".join(faults))


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
