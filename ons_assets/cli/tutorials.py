"""Tutorials: which there are, and the stage set for one."""

import re
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.table import Column, Table

from ons_assets.cli.terminal import Failed, console, progress_of
from ons_assets.shipped import shipped
from ons_assets.wording import no_such

# A page begins with its title and one line: **Aim**: ... **Time**: 15 minutes. **You need**: ...
HEAD = re.compile(r"\*\*Aim\*\*: (?P<aim>.+?)\s\*\*Time\*\*: (?P<minutes>\d+) minutes\.\s\*\*You need\*\*: ", re.DOTALL)
# In the folder of a tutorial: whose files come first (`files_of`), and what is simulated (`pilot` and `scale`).
STAGE = "stage.toml"
# What stays there: the page of which the notebook was written, which is whole without it, and what compilers leave.
LEFT = (STAGE, "in_python.*", "__pycache__")
COMMANDS = re.compile(r"^\$ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Tutorial:
    """A page of docs/tutorials, and the folder of its files beside it."""

    page: Path
    aim: str
    minutes: int
    # That are typed, in order.
    commands: tuple[str, ...]

    @property
    def name(self) -> str:
        """By which it is asked for."""
        return self.page.stem

    @property
    def files(self) -> Path:
        """Folder of which whoever follows the page works in a copy."""
        return self.page.with_suffix("")

    @property
    def notebook(self) -> Path:
        """The same in Python, in the folder of its files; not every tutorial has one."""
        return self.files / f"{self.name}.ipynb"


def tutorials() -> Iterator[Tutorial]:
    """The tutorials that go along with the program, in the order of their names."""
    for page in sorted(shipped("docs/tutorials").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        head = HEAD.search(text)
        if head is None:
            raise Failed(f"{page} does not say its aim, how long it takes and what one needs")
        aim = " ".join(head["aim"].split())
        yield Tutorial(page, aim, int(head["minutes"]), tuple(COMMANDS.findall(text)))


def tutorial(
    name: Annotated[str | None, typer.Argument(help="Which; without a name, all are listed.")] = None,
) -> None:
    """List the tutorials, or set the stage for one: a folder with its files, here."""
    found = {each.name: each for each in tutorials()}
    if name is None:
        console.print(_listed([*found.values()]))
        console.print("ons-assets tutorial NAME sets the stage for one", soft_wrap=True)
        return
    if name not in found:
        raise Failed(no_such("tutorial", name, [*found]))
    _set_stage(found[name], Path(name))


def _listed(found: list[Tutorial]) -> Table:
    """A line for each tutorial, those that take least time first."""
    table = Table(Column("tutorial", no_wrap=True), "minutes", "aim")
    for each in sorted(found, key=lambda each: (each.minutes, each.name)):
        table.add_row(each.name, f"{each.minutes}", each.aim)
    return table


def _set_stage(chosen: Tutorial, folder: Path) -> None:
    """Copy the files of a tutorial, and say how it goes on."""
    if folder.exists():
        raise Failed(f"{folder} is here already; go on in it, or delete it to begin anew")
    with TemporaryDirectory(dir=folder.absolute().parent, prefix=".tutorial-") as made:
        _prepare(chosen, Path(made) / folder.name)
        # As a whole: what was ended in the middle would look like what one goes on in.
        (Path(made) / folder.name).rename(folder)
    console.print(f"the files are in {folder}, the page is {chosen.page}", soft_wrap=True)
    if chosen.notebook.exists():
        console.print(f"the same in Python, a notebook: {folder / chosen.notebook.name}", soft_wrap=True)
    console.print(f"first: {_first_command(chosen)}", soft_wrap=True)


def _prepare(chosen: Tutorial, folder: Path) -> None:
    """Write the files of a tutorial into a folder that is not there yet."""
    path = chosen.files / STAGE
    stage = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for source, left in ((stage.get("files_of"), (*LEFT, "*.ipynb")), (chosen.name, LEFT)):
        if source is not None:
            ignore = shutil.ignore_patterns(*left)
            shutil.copytree(chosen.files.with_name(source), folder, ignore=ignore, dirs_exist_ok=True)
    if "pilot" in stage:
        _simulate(folder, stage["pilot"], stage["scale"])


def _simulate(folder: Path, pilot: str, scale: str) -> None:
    """Write the files of a simulated world into `drops`, and the truth into `truth`."""
    from ons_assets.demo import PILOTS

    with progress_of("simulating"):
        summary = PILOTS[pilot].simulate(folder / "drops", folder / "truth", scale, None)
    console.print(f"simulated: {summary}", soft_wrap=True)


def _first_command(chosen: Tutorial) -> str:
    """What is typed after the command that sets the stage."""
    return next(each for each in chosen.commands if not each.startswith(f"ons-assets tutorial {chosen.name}"))
