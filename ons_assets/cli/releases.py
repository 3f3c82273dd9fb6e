"""Releases: put out, withdrawn, and looked at."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from ons_assets.cli.terminal import (
    SHOWN,
    Failed,
    HomeOption,
    console,
    errors,
    fail_unless,
    print_outcome,
    progress_of,
    settings_of,
)
from ons_assets.wording import counted

if TYPE_CHECKING:
    from ons_assets.governance.releases.making import Draft
    from ons_assets.operations.releasing import Verdict
    from ons_assets.settings import Settings

# What was found about a table that no approval changes.
NOBODY = "nobody can overrule that"


def publish(
    table: Annotated[str, typer.Argument(help="Table of the lake, such as tweets/migration_flows.")],
    approve: Annotated[
        str | None, typer.Option(help="Name of who approves it; without one nothing is released.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why it is released now, for the ledger.")] = None,
    despite: Annotated[
        bool, typer.Option("--despite", help="Release it although the report says not now; with --reason.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Release a table: a folder that never changes, if the auditor lets it pass and somebody named approves it."""
    from ons_assets import operations
    from ons_assets.operations import releasing, tracing

    settings = settings_of(home)
    operations.open_made_home(settings)
    with progress_of("attacking") as progress:
        with releasing.drawn_up(settings, table) as drawn:
            _print_draft(drawn.draft)
            if drawn.verdict.sentence is not None:
                console.print(f"the report: {drawn.verdict.sentence}", style="yellow", soft_wrap=True)
            if approve is None:
                is_refused = drawn.draft.refusal is not None
                how = NOBODY if is_refused else _how_it_is_released(drawn.verdict)
                console.print(f"nothing was released; {how}")
                return
            progress("writing")
            try:
                entry, chains = drawn.put_out(approve, reason, despite=despite)
            except releasing.NotNow as refused:
                raise Failed(f"nothing was released: {refused} {_how_it_is_released(drawn.verdict)}") from None
        _follow_release_ledger(settings, progress)
    written = f"; the subtractions are in {chains}" if chains.exists() else ""
    fail_unless(entry.release_version is not None, f"{table} is not released: {entry.refusal}{written}")
    folder = settings.home / "releases" / table / str(entry.release_version)
    console.print(f"release {entry.release_version} of {table} is in {folder}", soft_wrap=True)
    console.print(f"where it comes from is said by {tracing.page_of_release(settings, entry)}", soft_wrap=True)


def withdraw(
    table: Annotated[str, typer.Argument(help="Table.")],
    version: Annotated[int, typer.Argument(help="Version of the release.", min=1)],
    reason: Annotated[str, typer.Option(help="Why it is not to be used any more.")],
    home: HomeOption = None,
) -> None:
    """Say that a release is not to be used any more; it stays, with the reason, and is known."""
    from ons_assets import operations
    from ons_assets.operations import releasing

    settings = settings_of(home)
    operations.open_made_home(settings)
    releasing.withdraw(settings, table, version, reason)
    with progress_of("publishing the ledger of releases") as progress:
        _follow_release_ledger(settings, progress)
    console.print(f"release {version} of {table} is withdrawn; its folder stays", soft_wrap=True)


def releases(home: HomeOption = None) -> None:
    """Show all releases and refusals, and verify that every release is what it was."""
    from ons_assets import operations
    from ons_assets.operations import releasing

    settings = settings_of(home)
    operations.open_made_home(settings)
    entries, faults = releasing.releases(settings)
    table = Table(Column("table", overflow="fold"), "version", "status", "made (UTC)", "approved by", "reason")
    for each in entries:
        why = each.refusal or each.withdrawn_reason or each.approval_reason or ""
        version = "" if each.release_version is None else str(each.release_version)
        made = f"{each.made_utc:%Y-%m-%d %H:%M}"
        table.add_row(each.table_name, version, each.release_status, made, each.approved_by, why)
    console.print(table if entries else "nothing was released yet")
    for sentence in faults:
        errors.print(sentence, style="red", soft_wrap=True)
    fail_unless(not faults, "not every release is what it was; see above")


def _how_it_is_released(verdict: "Verdict") -> str:
    if verdict.sentence is None:
        return "--approve NAME releases it"
    if verdict.is_final:
        return NOBODY
    return "--approve NAME with --despite and --reason releases it all the same"


def _print_draft(draft: "Draft") -> None:
    """Say what would be released, and what the auditor found; the chains tell what is withheld, to whoever may ask."""
    if draft.learned.attacked is None and draft.refusal is not None:
        console.print(f"it cannot be released: {draft.refusal}", soft_wrap=True)
        return
    accounts = draft.provenance.disclosure
    withheld = sum(account["primary"] + account["secondary"] for account in accounts)
    cells = sum(account["cells"] for account in accounts)
    said = f"release {draft.number} of {draft.table.name}: {counted(len(draft.rows), 'row')}"
    console.print(f"{said} of version {draft.version.number} in the lake", soft_wrap=True)
    if accounts:
        console.print(f"withheld: {withheld:,} of {counted(cells, 'figure')}")
    attacked, earlier = draft.learned.attacked, counted(len(draft.earlier), "earlier release")
    if attacked is None:
        console.print("the auditor: nothing in it adds up or is told of groups, so nothing was attacked")
    else:
        found = "nothing may not be told" if draft.refusal is None else draft.refusal
        console.print(f"the auditor: {counted(attacked, 'figure')} attacked, with {earlier}; {found}", soft_wrap=True)
    for chain in draft.chains[:SHOWN]:
        errors.print(chain, style="yellow", soft_wrap=True)
    if len(draft.chains) > SHOWN:
        errors.print(f"and {len(draft.chains) - SHOWN:,} more")


def _follow_release_ledger(settings: "Settings", progress: Callable[[str], None]) -> None:
    from ons_assets.operations import releasing

    outcome = releasing.publish_release_ledger(settings, progress)
    if not outcome.success:
        print_outcome(outcome)
