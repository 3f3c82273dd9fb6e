"""Pages with examples in Python as notebooks, for who would rather run them than read them."""

import base64
import doctest
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
RAISED = re.compile(r"(?P<ename>\w+): (?P<evalue>.*)", re.DOTALL)
COMMAND = re.compile(r"^\$ (?P<command>.+)\n(?P<shown>(?:(?!\$ ).*\n)*)", re.MULTILINE)
# What the last example gives, drawn.
PICTURE = re.compile(r"\s*!\[[^\]]*\]\((?P<file>[\w.]+)\)\n")
LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<way>(?![a-z]+:)[^)#]+)(?:#[^)]*)?\)")

Cell = dict[str, Any]


def notebook(page: str, folder: Path | None = None) -> str:
    """Return a page as a notebook: what it shows below an example is what the cell gives.

    Parameters
    ----------
    page
        Markdown, with examples in blocks of Python as doctest reads them, and commands in blocks of `console`.
    folder
        In which the page lies, of a notebook that is copied to elsewhere: it takes pictures along, and names the pages
        to which no link would lead from there. None for one that stays beside its page.

    Returns
    -------
    str
        JSON, nbformat 4.5.
    """
    told = _cells(page) if folder is None else _alone(_cells(page), folder)
    cells = [{"id": f"cell-{number}", "metadata": {}, **cell} for number, cell in enumerate(told, 1)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def _cells(page: str) -> Iterator[Cell]:
    # Text, and then in turn the language of a block, the block and the text that follows.
    first, *others = BLOCK.split(page)
    yield from _text(first)
    for language, block, text in zip(others[::3], others[1::3], others[2::3], strict=True):
        yield from _examples(block) if language == "python" else _commands(block)
        yield from _text(text)


def _text(text: str) -> Iterator[Cell]:
    if text.strip():
        yield {"cell_type": "markdown", "source": text.strip()}


def _examples(block: str) -> Iterator[Cell]:
    """A cell for each example that shows something, with those before it that show nothing."""
    source = ""
    for example in doctest.DocTestParser().get_examples(block):
        # As Python is written, with an empty line around a function.
        around = "\n" * example.source.startswith("def ")
        source += around + example.source + around
        if example.want:
            yield _code(source, [_shown(example)], raises=example.exc_msg is not None)
            source = ""
    if source:
        yield _code(source, [])


def _commands(block: str) -> Iterator[Cell]:
    """A cell for each command of a shell, with the lines that it prints."""
    for found in COMMAND.finditer(block):
        printed = {"output_type": "stream", "name": "stdout", "text": found["shown"]}
        yield _code(f"!{found['command']}", [printed] if found["shown"] else [])


def _code(source: str, outputs: list[Cell], *, raises: bool = False) -> Cell:
    # By this tag whoever runs all cells goes on after it.
    tags = {"tags": ["raises-exception"]} if raises else {}
    return {
        "cell_type": "code",
        "source": source.strip(),
        "outputs": outputs,
        "execution_count": None,
        "metadata": tags,
    }


def _shown(example: doctest.Example) -> Cell:
    if example.exc_msg is None:
        text = {"text/plain": example.want.strip()}
        return {"output_type": "execute_result", "data": text, "execution_count": None, "metadata": {}}
    raised = RAISED.fullmatch(example.exc_msg.strip())
    assert raised is not None
    return {"output_type": "error", **raised.groupdict(), "traceback": [example.exc_msg.strip()]}


def _alone(cells: Iterator[Cell], folder: Path) -> Iterator[Cell]:
    """The cells of a notebook that is understood without its folder: a picture is what the cell before it gives."""
    before: Cell = {}
    for cell in cells:
        if cell["cell_type"] == "markdown":
            text = f"{cell['source']}\n"
            if before and (picture := PICTURE.match(text)):
                drawn = base64.b64encode((folder / picture["file"]).read_bytes()).decode()
                before["outputs"][0]["data"]["image/png"] = drawn
                text = text[picture.end() :]
            cell["source"] = LINK.sub(lambda link: _named(link, folder), text).strip()
        if before:
            yield before
        before = cell if cell["source"] else {}
    if before:
        yield before


def _named(link: re.Match[str], folder: Path) -> str:
    """A link as the name of the page to which it leads; what lies in the folder is copied, too."""
    if "/" not in link["way"]:
        return link[0]
    name = (folder / link["way"]).resolve().relative_to(REPOSITORY).as_posix()
    return f"`{name}`" if name.endswith(f"/{link['text']}.md") else f"{link['text']} (`{name}`)"
