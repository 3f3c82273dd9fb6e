"""Every command of a tutorial does what the page shows: it is run, in order, and its output compared."""

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from ons_assets import cli
from ons_assets.catalogue import CATALOGUE
from ons_assets.cli.terminal import errors
from ons_assets.cli.tutorials import tutorials
from ons_assets.governance.report import gather, write_pages
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.settings import load_settings

REPOSITORY = Path(__file__).resolve().parents[1]
LEARNING = REPOSITORY / "docs" / "learning.md"
TUTORIALS = sorted((REPOSITORY / "docs" / "tutorials").glob("*.md"))
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]*)\)")
DRAWN = re.compile(r"^It draws `([^`]+)`", re.MULTILINE)
QUESTION = re.compile(
    r"^(?:\*\*Question\.\*\*|## A question$).+?\?.*?^<details markdown>\s*<summary>Answer</summary>$",
    re.DOTALL | re.MULTILINE,
)
PROMPT, ANYTHING = "$ ", "..."
# Of the terminal, as most are when they are opened.
COLUMNS = 80
# A picture is there for who cannot see it, too, and a page is read over slow lines.
FEWEST_WORDS, MOST_BYTES = 8, 60_000


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
    """Whether the lines of a page are what was printed; blanks count once.

    Three points stand for any lines, and within a line for whatever stands there.
    """
    lines = [" ".join(each.split()) for each in shown]
    pattern = "".join(r"(?:.*\n)*?" if each == ANYTHING else _of_line(each) for each in lines)
    text = "".join(" ".join(each.split()) + "\n" for each in printed)
    return re.fullmatch(pattern, text) is not None


@dataclass
class Printed:
    """What a command printed, and whether it ended well."""

    lines: list[str]
    ended_well: bool = True


def _of_line(shown: str) -> str:
    return ".*".join(map(re.escape, shown.split(ANYTHING))) + r"\n"


class Terminal:
    """Runs commands as somebody would who sits before the page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, command: str) -> Printed:
        """Run a command, and return what it printed; one that is not of this program must end well."""
        words = shlex.split(command)
        if words[0] == "cd":
            self.folder = self.folder / words[1]
            os.chdir(self.folder)
            return Printed([])
        if words[0] == "ons-assets":
            said = io.StringIO()
            with (
                warnings.catch_warnings(),
                redirect_stdout(said),
                redirect_stderr(said),
                pytest.raises(SystemExit) as end,
            ):
                cli.main(words[1:])
            return Printed(said.getvalue().splitlines(), not end.value.code)
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
        return Printed(done.stdout.splitlines())


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


def check_where_from(folder: Path) -> None:
    """What the page says of February is what moved: milk by a fifth, bread by a tenth, and all by 2 % of that."""
    parts = lake.read(Home(folder / "cpi"), CATALOGUE["prices/aggregate_contributions"]).filter(
        pl.col("horizon") == 12, group="Food", period="2024-02"
    )
    found = dict(parts.select("item_id", "contribution").collect().iter_rows())
    assert found == pytest.approx({"milk": 30 * 0.224, "bread": 50 * 0.122, "coffee": 20 * 0.02})


def check_report_for_managers(folder: Path) -> None:
    """What the pictures show, and that what nobody did becomes late."""
    settings = load_settings(folder / "cpi")
    start = (settings.home / "reports" / "governance" / "index.html").read_text()
    assert "4 tables in order, 1 to look at, 1 to act on. 2 things need a person, 1 of them now; none is late." in start
    later = gather(Home(settings.home), settings, now=datetime.now(UTC) + timedelta(days=14))
    assert "2 are late" in write_pages(later, folder / "later").read_text()


# What else must be so at the end of a page.
CHECKS = {
    "first_index": check_first_index,
    "report_for_managers": check_report_for_managers,
    "where_from": check_where_from,
}


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_every_command_does_what_the_page_shows(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for console in (cli.console, errors):
        monkeypatch.setattr(console, "_width", COLUMNS)
    monkeypatch.delenv("ONS_ASSETS_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(page.with_suffix(""), tmp_path / page.with_suffix("").relative_to(REPOSITORY))
    terminal, of_page = Terminal(tmp_path), list(steps(page.read_text()))
    assert len(of_page) > 5
    for step in of_page:
        printed = terminal.run(step.command)
        assert is_as_shown(step.shown, printed.lines), (step.command, step.shown, printed.lines)
        is_said = any(line.startswith("ons-assets: ") for line in step.shown)
        assert printed.ended_well != is_said, f"{step.command} fails if, and only if, the page shows so"
    for name in DRAWN.findall(page.read_text()):
        assert (terminal.folder / name).exists(), f"{name} is said to be drawn"
    if page.stem in CHECKS:
        CHECKS[page.stem](terminal.folder)


def test_ways_through_the_tutorials_take_as_long_as_they_say() -> None:
    minutes = {each.name: each.minutes for each in tutorials()}
    ways = re.findall(r"^- \*\*.+\*\*, (\d+) minutes: (.+(?:\n  .+)*)", LEARNING.read_text(), re.MULTILINE)
    led_to = [re.findall(r"\(tutorials/(\w+)\.md\)", way) for _, way in ways]
    assert [int(told) for told, _ in ways] == [sum(minutes[name] for name in names) for names in led_to]
    assert {name for names in led_to for name in names} == {*minutes}


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_page_shows_what_one_should_see_and_asks_something(page: Path) -> None:
    text = page.read_text()
    pictures = PICTURE.findall(text)
    assert pictures, "a page has a picture"
    for said, path in pictures:
        assert len(said.split()) >= FEWEST_WORDS, f"{path}: what is to be seen"
        assert (page.parent / path).stat().st_size <= MOST_BYTES
    assert QUESTION.search(text), "a page has a question with a folded answer"
    assert text.count("<details markdown>") == text.count("</details>")


def test_a_page_that_shows_something_else_is_seen() -> None:
    assert is_as_shown(["a", "...", "d  e"], ["a", "b", "c", "d e"])
    assert is_as_shown(["...", "b"], ["b"])
    assert not is_as_shown(["a", "c"], ["a", "b", "c"])
    assert not is_as_shown(["a"], ["a", "b"])
    assert not is_as_shown([], ["a"])
    assert not is_as_shown(["a.c"], ["abc"])
    assert is_as_shown(["made in ... s", "b"], ["made in 0.3 s", "b"])
    assert not is_as_shown(["made in ... s"], ["made in 0.3 s", "b"])
    [first, second] = steps("text\n```console\n$ one\nsaid\n```\n$ none\n```console\n$ two\n```\n")
    assert (first.command, first.shown, second.command, second.shown) == ("one", ["said"], "two", [])
