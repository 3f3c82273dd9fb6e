"""A notebook gives what it shows: it is run from the first cell to the last."""

import importlib
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from ons_assets.cli.tutorials import HEAD

REPOSITORY = Path(__file__).resolve().parents[1]
DOCS = REPOSITORY / "docs"
PAGES = sorted((DOCS / "tutorials").glob("*/in_python.md"))
OF_TUTORIALS = [page.with_name(f"{page.parent.name}.ipynb") for page in PAGES]
NOTEBOOKS = [*DOCS.glob("*.ipynb"), *OF_TUTORIALS]
COLOUR = re.compile(r"\x1b\[[\d;]*m")
PAGE = """# Mine

More in [the other page](../mine.md#there), and [elsewhere](https://example.org/a.md).

```console
$ first
said

$ second
```

```python
>>> 1 + 1
2

```

![Two](two.png)

After it, ![a picture in a line](three.png).
"""


def shown(cell: Any) -> list[str]:
    """What a cell gives, however its lines are broken; what a method remarks beside it is another thing."""
    printed = "".join(each.text for each in cell.outputs if each.output_type == "stream" and each.name == "stdout")
    told = [
        f"{each.ename}: {each.evalue}" if each.output_type == "error" else each.data["text/plain"]
        for each in cell.outputs
        if each.output_type != "stream"
    ]
    return ["".join(text.split()) for text in (COLOUR.sub("", printed), *told) if text]


def set_stage(path: Path, folder: Path) -> None:
    """Lay beside a notebook what lies there where its tutorial begins."""
    if path in OF_TUTORIALS:
        shutil.copytree(path.parent, folder, dirs_exist_ok=True)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_gives_what_it_shows(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat", reason="notebooks are not run: nbformat is not installed")
    nbclient = pytest.importorskip("nbclient", reason="notebooks are not run: nbclient is not installed")
    pytest.importorskip("ipykernel", reason="notebooks are not run: ipykernel is not installed")
    # What a kernel says of itself and of its history is no matter of the home of whoever runs the tests.
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    stage = tmp_path / "stage"
    stage.mkdir()
    set_stage(path, stage)
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    expected = [shown(cell) for cell in notebook.cells if cell.cell_type == "code"]
    assert sum(map(bool, expected)) > 6
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(stage)}}).execute()
    assert [shown(cell) for cell in notebook.cells if cell.cell_type == "code"] == expected


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_a_page_says_what_it_is_for_and_is_found(page: Path) -> None:
    text = page.read_text("utf-8")
    assert HEAD.search(text)
    assert f"({page.parent.name}.ipynb)" in text
    assert "<details markdown>" in text, "it asks something, and answers"
    link = f"{page.parent.name}/in_python.md"
    assert f"({link})" in (page.parents[1] / f"{page.parent.name}.md").read_text("utf-8")
    assert f"(tutorials/{link})" in (DOCS / "python.md").read_text("utf-8")


def test_a_notebook_that_is_copied_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(DOCS)
    notebooks = importlib.import_module("notebooks")
    monkeypatch.setattr(notebooks, "REPOSITORY", tmp_path)
    folder = tmp_path / "docs" / "mine"
    folder.mkdir(parents=True)
    (folder / "two.png").write_bytes(b"picture")
    text, first, second, example, after = json.loads(notebooks.notebook(PAGE, folder))["cells"]
    assert "More in the other page (`docs/mine.md`), and [elsewhere](https://example.org/a.md)." in text["source"]
    assert (first["source"], second["source"]) == ("!first", "!second")
    assert [each["text"].strip() for each in first["outputs"]] == ["said"]
    assert second["outputs"] == []
    assert example["outputs"][0]["data"] == {"text/plain": "2", "image/png": "cGljdHVyZQ=="}
    assert after["source"] == "After it, ![a picture in a line](three.png)."
    beside = json.loads(notebooks.notebook(PAGE))["cells"]
    assert "[the other page](../mine.md#there)" in beside[0]["source"]
    assert beside[4]["source"].startswith("![Two](two.png)")
