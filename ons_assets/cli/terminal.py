"""How the commands speak: what they print, how they fail, what their options are called."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
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

from ons_assets.wording import OBEYED, counted, listed

if TYPE_CHECKING:
    import polars as pl

    from ons_assets.orchestration.runs import Outcome
    from ons_assets.settings import Settings


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
# Tables that are made and told one by one; of more, a line says how many.
NAMED = 6


def settings_of(home: Path | None) -> "Settings":
    """Return the settings of a home, as `ons_assets.settings.load_settings` does."""
    # Their models take longer to build than the help takes, which has no need of them.
    from ons_assets.settings import load_settings

    return load_settings(home)


def print_version(is_asked: bool) -> None:
    """Say which version this is, and end, if that is asked."""
    if is_asked:
        # What follows the sign is a hash of the program, which every published version has, too.
        from ons_assets.program import code_version

        console.print(f"ons-assets {code_version()}")
        raise typer.Exit


class Failed(Exception):
    """A command did not do all that it was asked; the message is one plain sentence."""


def fail_unless(well: bool, sentence: str) -> None:
    """End the command with a sentence unless all is well."""
    if not well:
        raise Failed(sentence)


def check_file(path: Path) -> None:
    """Raise unless a path is that of a file that can be read."""
    fail_unless(path.exists(), f"there is no file {path}")
    fail_unless(path.is_file(), f"{path} is a folder, not a file" if path.is_dir() else f"{path} is no file")
    fail_unless(os.access(path, os.R_OK), f"{path} cannot be opened: permission denied")


def days_of(first: datetime | None, last: datetime | None) -> tuple[date, date] | None:
    """Return the first and the last day that were asked for; None for all days."""
    if first is None and last is None:
        return None
    if first is None or last is None:
        raise Failed("--from and --to go together")
    if first > last:
        raise Failed(f"--from {first.date()} is after --to {last.date()}")
    return first.date(), last.date()


class _Noting(logging.Handler):
    """Keeps what methods note of the tables that they make, each sentence once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.sentences: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a sentence."""
        self.sentences.setdefault(record.getMessage())


@contextmanager
def noting() -> Iterator[Collection[str]]:
    """Give what methods note meanwhile, such as what they leave out: told when all is done, not in between."""
    handler, ours = _Noting(), logging.getLogger("ons_assets")
    ours.addHandler(handler)
    try:
        yield handler.sentences
    finally:
        ours.removeHandler(handler)


def print_notes(sentences: Collection[str]) -> None:
    """Print what methods noted."""
    for sentence in sentences:
        console.print(sentence, style="yellow", soft_wrap=True)


@contextmanager
def progress_of(first: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done, from what it is at first; give what says what it is now."""
    if "JPY_PARENT_PID" in os.environ:
        # A cell of a notebook keeps every line that a terminal would write over.
        yield lambda _: None
        return
    with console.status(Text(first)) as shown:
        yield lambda what: shown.update(Text(what))


def print_made(outcome: "Outcome") -> None:
    """Print how many tables were made, of which how many with a warning, and why others were not made."""
    console.print(_made(outcome.made))
    if outcome.warnings:
        console.print(f"{counted(len(outcome.warnings), 'warning')}: {', '.join(outcome.warnings)}", style="yellow")
    _print_failures(outcome)


def print_outcome(outcome: "Outcome") -> None:
    """Print what was made, which groups wait and for what, and why other tables were not made; what is worst, last."""
    from ons_assets.operations.waiting import drop_folders, idle_groups

    console.print(_made(outcome.made), soft_wrap=True)
    lacking = {name: tuple(wanted.split(" and ")) for name, wanted in outcome.waiting.items()}
    for idle in idle_groups(lacking, drop_folders()):
        verb = "waits" if idle.tables == 1 else "wait"
        files = [f"files in {listed(idle.folders)}"] if idle.folders else []
        wanted = ", and for ".join([*files, *([listed(idle.tables_before)] if idle.tables_before else [])])
        console.print(f"{idle.group}: {counted(idle.tables, 'table')} {verb} for {wanted}", soft_wrap=True)
    for name, reason in outcome.warnings.items():
        console.print(f"[yellow]{escape(name)}[/yellow] was made, with a warning: {escape(reason)}", markup=True)
    _print_failures(outcome)


def _print_failures(outcome: "Outcome") -> None:
    if outcome.skipped:
        console.print(f"not made, because of a table before them: {', '.join(outcome.skipped)}")
    for name, reason in outcome.failures.items():
        console.print(f"[red]{escape(name)}[/red] was not made: {escape(reason)}", markup=True)


def _made(names: Sequence[str]) -> str:
    """Which tables were made: by name if they are few, else how many of which group."""
    if not names:
        return "nothing was made"
    if len(names) <= NAMED:
        return f"{counted(len(names), 'table')} made: {', '.join(names)}"
    groups = Counter(name.split("/")[0] for name in names)
    return f"{counted(len(names), 'table')} made: {', '.join(f'{n} of {group}' for group, n in sorted(groups.items()))}"


def frame_table(title: str, frame: "pl.DataFrame") -> Table:
    """Return rows as a table for the terminal."""
    columns = [Column(name, overflow="fold") for name in frame.columns]
    table = Table(*columns, title=title, title_justify="left")
    for row in frame.iter_rows():
        table.add_row(*map(_cell, row))
    return table


def upright(title: str, frame: "pl.DataFrame") -> Table:
    """Return rows side by side, a line for each field with a value: a terminal is narrower than a row has fields."""
    rows = [Column(f"{number}", overflow="fold") for number in range(1, len(frame) + 1)]
    table = Table(Column("field", no_wrap=True), *rows, title=title, title_justify="left")
    for values in frame:
        if values.null_count() < len(values):
            # As they will be stored: who looks for a wrong mark needs every digit.
            table.add_row(values.name, *("" if value is None else f"{value}" for value in values))
    return table


def _cell(value: object) -> str:
    return "" if value is None else f"{value:,.2f}" if isinstance(value, float) else f"{value}"
