"""The command that lists the tutorials, and sets the stage for one."""

import os
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ons_assets import cli, shipped
from ons_assets.cli.terminal import Failed

PAGES = sorted((Path(__file__).resolve().parents[1] / "docs" / "tutorials").glob("*.md"))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which the command is called."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli.console, "_width", 80)
    return tmp_path


def tutorial(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["tutorial", *arguments])


def test_every_page_is_listed_with_its_aim_and_minutes() -> None:
    listed = " ".join(re.sub(r"[│\s]+", " ", tutorial().output).split())
    for page in PAGES:
        assert re.search(rf"{page.stem} \d+ ", listed), page
    assert "first_index 15 " in listed
    assert os.listdir() == [], "nothing is made by looking"


def test_a_stage_is_a_copy_of_the_folder_and_says_what_comes_first(folder: Path) -> None:
    result = tutorial("first_index")
    assert result.exit_code == 0, result.output
    [page] = [page for page in PAGES if page.stem == "first_index"]
    assert {each.name for each in (folder / "first_index").iterdir()} == {
        each.name for each in page.with_suffix("").iterdir() if each.name != "__pycache__" and each.stem != "in_python"
    }
    assert "the same in Python, a notebook: first_index/first_index.ipynb\n" in result.output
    assert str(page) in result.output
    assert result.output.endswith("first: cd first_index\n")


def test_files_of_another_tutorial_come_first(folder: Path) -> None:
    assert tutorial("where_from").exit_code == 0
    there = {str(each.relative_to(folder / "where_from")) for each in (folder / "where_from").rglob("*")}
    assert {"prices_2023.csv", "cpi/layouts/prices/my-office.yaml"} <= there
    assert not {"stage.toml", "first_index.ipynb"} & there


def test_what_is_there_stays_as_it_is(folder: Path) -> None:
    (folder / "first_index").mkdir()
    with pytest.raises(Failed, match="first_index is here already"):
        raise tutorial("first_index").exception or AssertionError
    assert os.listdir("first_index") == []


def test_a_slip_in_a_name_is_answered() -> None:
    with pytest.raises(Failed, match="there is no tutorial 'first_indx'; did you mean first_index"):
        raise tutorial("first_indx").exception or AssertionError
    assert os.listdir() == []


def test_it_works_where_the_program_is_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = folder / "site-packages" / "ons_assets"
    inside = package / "docs" / "tutorials"
    shutil.copytree(PAGES[0].parent, inside)
    monkeypatch.setattr(shipped, "PACKAGE", package)
    result = tutorial("first_index")
    assert str(inside / "first_index.md") in result.output
    assert (folder / "first_index" / "prices_2023.csv").exists()


def test_a_page_without_a_head_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = folder / "ons_assets" / "docs" / "tutorials"
    pages.mkdir(parents=True)
    (pages / "mine.md").write_text("# Mine\n\nNo aim.\n")
    monkeypatch.setattr(shipped, "PACKAGE", folder / "ons_assets")
    with pytest.raises(Failed, match="does not say its aim"):
        raise tutorial().exception or AssertionError
