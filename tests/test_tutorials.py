"""Every command of a tutorial does what the page shows: it is run, in order, and its output compared."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from ons_assets import cli
from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home

REPOSITORY = Path(__file__).resolve().parents[1]
TUTORIALS = sorted((REPOSITORY / "docs" / "tutorials").glob("*.md"))
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PROMPT, ANYTHING = "$ ", "..."


@dataclass
class Step:
    """A command of a page, and the lines that the page shows below it."""

    command: str
    shown: list[str] = field(default_factory=list)


def steps(page: str) -> Iterator[Step]:
    """The commands of a page, in order."""
    for block in BLOCK.findall(page):
        found: list[Step] = []
        for line in block.splitlines():
            if line.startswith(PROMPT):
                found.append(Step(line.removeprefix(PROMPT)))
            else:
                found[-1].shown.append(line)
        yield from found


def is_as_shown(shown: list[str], printed: list[str]) -> bool:
    """Whether the lines of a page are what was printed; three points stand for any lines, blanks count once."""
    lines = [" ".join(each.split()) for each in shown]
    pattern = "".join(r"(?:.*\n)*?" if each == ANYTHING else re.escape(each) + r"\n" for each in lines)
    text = "".join(" ".join(each.split()) + "\n" for each in printed)
    return re.fullmatch(pattern, text) is not None


class Terminal:
    """Runs commands as somebody would who sits before the page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, command: str) -> list[str]:
        """Run a command; return the lines that it printed, and fail where it fails."""
        words = shlex.split(command)
        if words[0] == "cd":
            self.folder = self.folder / words[1]
            os.chdir(self.folder)
            return []
        if words[0] == "ons-assets":
            result = CliRunner().invoke(cli.app, words[1:])
            assert result.exit_code == 0, (command, result.output, result.exception)
            return result.output.splitlines()
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", command],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env={**os.environ, "PATH": path},
        )
        assert done.returncode == 0, (command, done.stderr)
        return done.stdout.splitlines()


def check_first_index(folder: Path) -> None:
    """The page shows one digit; here are all, from the moves of prices that its first step tells."""
    groups = lake.read(Home(folder / "cpi"), CATALOGUE["prices/aggregate_indices"]).filter(method="jevons").collect()
    moves = {"2023-04": ("milk", 1.2), "2023-07": ("bread", 1.1), "2023-10": ("petrol", 0.95)}
    weights = {"Food": {"bread": 50, "milk": 30, "coffee": 20}, "All items": {"bread": 40, "milk": 24, "coffee": 16}}
    weights["All items"]["petrol"] = 20
    level = dict.fromkeys(("bread", "milk", "coffee", "petrol"), 1.0)
    for period in [f"2023-{month:02}" for month in range(1, 13)] + ["2024-01", "2024-02"]:
        item, factor = moves.get(period, ("milk", 1.0))
        level[item] *= factor
        later = 1.02 if period >= "2024" else 1.0
        for group, of_group in weights.items():
            expected = later * sum(weight * level[name] for name, weight in of_group.items())
            [found] = groups.filter(pl.col("group") == group, pl.col("period") == period, pl.col("method") == "jevons")[
                "index"
            ].to_list()
            assert found == pytest.approx(expected, rel=1e-12), (group, period)


# What else must be so at the end of a page.
CHECKS = {"first_index": check_first_index}


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_every_command_does_what_the_page_shows(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.console, "_width", 250)
    monkeypatch.delenv("ONS_ASSETS_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(page.with_suffix(""), tmp_path / page.with_suffix("").relative_to(REPOSITORY))
    terminal, of_page = Terminal(tmp_path), list(steps(page.read_text()))
    assert len(of_page) > 5
    for step in of_page:
        printed = terminal.run(step.command)
        assert is_as_shown(step.shown, printed), (step.command, step.shown, printed)
    if page.stem in CHECKS:
        CHECKS[page.stem](terminal.folder)


def test_a_page_that_shows_something_else_is_seen() -> None:
    assert is_as_shown(["a", "...", "d  e"], ["a", "b", "c", "d e"])
    assert is_as_shown(["...", "b"], ["b"])
    assert not is_as_shown(["a", "c"], ["a", "b", "c"])
    assert not is_as_shown(["a"], ["a", "b"])
    assert not is_as_shown([], ["a"])
    assert not is_as_shown(["a.c"], ["abc"])
    [first, second] = steps("text\n```console\n$ one\nsaid\n```\n$ none\n```console\n$ two\n```\n")
    assert (first.command, first.shown, second.command, second.shown) == ("one", ["said"], "two", [])
