"""Layouts of files: look at a file through one, draft one."""

from pathlib import Path
from typing import Annotated

import typer

from ons_assets.cli.mistakes import Commands
from ons_assets.cli.terminal import Failed, HomeOption, check_file, console, errors, fail_unless, settings_of, upright
from ons_assets.wording import counted

layouts = typer.Typer(
    cls=Commands, help="Layouts of files: look at a file through one, draft one.", no_args_is_help=True
)
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

    check_file(file)
    if layout is not None:
        check_file(layout)
    given = shelf.one(layout) if layout is not None else None
    with operations.looking(settings_of(home), source) as of:
        checked = drafting.check(of, file, given)
    shown = drafting.shown_name(of, file)
    console.print(f"{shown} is {checked.kind}", soft_wrap=True)
    if checked.header:
        console.print(f"columns: {', '.join(checked.header)}", soft_wrap=True)
    if checked.layout is not None:
        console.print(f"layout: {checked.layout.name}")
    if checked.unused:
        console.print(f"not read: {', '.join(checked.unused)}", soft_wrap=True)
    if checked.rows is not None:
        console.print(upright("first rows", checked.rows))
    elif checked.types:
        console.print(
            "fields: " + ", ".join(f"{name} ({kind})" for name, kind in checked.types.items()), soft_wrap=True
        )
    if checked.accepted or checked.rejected:
        accepted, rejected = counted(checked.accepted, of.row), counted(checked.rejected, "row")
        console.print(f"{accepted} accepted, {rejected} rejected, of those looked at")
    for sentence in checked.sentences:
        console.print(sentence, soft_wrap=True, style="yellow")
    fail_unless(checked.accepted > 0, f"{shown} gives no row")


@layouts.command("draft")
def draft_layout(
    file: Annotated[Path, typer.Argument(help="The file; it is only looked at.")],
    source: SourceOption,
    home: HomeOption = None,
) -> None:
    """Write a draft of a layout for a file, to be completed and put into <home>/layouts/<source>/."""
    from ons_assets import operations
    from ons_assets.intake import drafting
    from ons_assets.intake.unreadable import Unreadable

    check_file(file)
    try:
        draft = drafting.draft(operations.source_named(settings_of(home), source), file)
    except Unreadable as error:
        raise Failed(str(error)) from None
    console.print(draft, end="", soft_wrap=True, highlight=False)


@layouts.command("upgrade")
def upgrade_layout(
    mapping: Annotated[Path, typer.Argument(help="YAML of a mapping of version 0.1.")],
) -> None:
    """Print a mapping of version 0.1 as a layout, and say what was changed."""
    from ons_assets.intake import shelf

    check_file(mapping)
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
