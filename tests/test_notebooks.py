"""A notebook gives what it shows: it is run from the first cell to the last."""

import os
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((REPOSITORY / "docs").glob("*.ipynb"))


def shown(cell: Any) -> list[str]:
    """What a cell gives, however its lines are broken; what a method remarks beside it is another thing."""
    told = [
        f"{each.ename}: {each.evalue}" if each.output_type == "error" else each.data["text/plain"]
        for each in cell.outputs
        if each.output_type != "stream"
    ]
    return ["".join(text.split()) for text in told]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_gives_what_it_shows(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat", reason="notebooks are not run: nbformat is not installed")
    nbclient = pytest.importorskip("nbclient", reason="notebooks are not run: nbclient is not installed")
    pytest.importorskip("ipykernel", reason="notebooks are not run: ipykernel is not installed")
    # What a kernel says of itself and of its history is no matter of the home of whoever runs the tests.
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    expected = [shown(cell) for cell in notebook.cells if cell.cell_type == "code"]
    assert sum(map(bool, expected)) > 8
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert [shown(cell) for cell in notebook.cells if cell.cell_type == "code"] == expected
