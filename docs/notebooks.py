"""Pages with examples in Python as notebooks, for who would rather run them than read them."""

import doctest
import json
import re
from collections.abc import Iterator
from typing import Any

BLOCK = re.compile(r"^```python\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
RAISED = re.compile(r"(?P<ename>\w+): (?P<evalue>.*)", re.DOTALL)


def notebook(page: str) -> str:
    """Return a page as a notebook: what it shows below an example is what the cell gives.

    Parameters
    ----------
    page
        Markdown, with examples in blocks of Python as doctest reads them.

    Returns
    -------
    str
        JSON, nbformat 4.5.
    """
    cells = [{"id": f"cell-{number}", "metadata": {}, **cell} for number, cell in enumerate(_cells(page), 1)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def _cells(page: str) -> Iterator[dict[str, Any]]:
    for number, text in enumerate(BLOCK.split(page)):
        if number % 2:
            yield from _examples(text)
        elif text.strip():
            yield {"cell_type": "markdown", "source": text.strip()}


def _examples(block: str) -> Iterator[dict[str, Any]]:
    """A cell for each example that shows something, with those before it that show nothing."""
    source = ""
    for example in doctest.DocTestParser().get_examples(block):
        source += example.source
        if example.want:
            yield _code(source, [_shown(example)], raises=example.exc_msg is not None)
            source = ""
    if source:
        yield _code(source, [])


def _code(source: str, outputs: list[dict[str, Any]], *, raises: bool = False) -> dict[str, Any]:
    # By this tag whoever runs all cells goes on after it.
    tags = {"tags": ["raises-exception"]} if raises else {}
    return {
        "cell_type": "code",
        "source": source.strip(),
        "outputs": outputs,
        "execution_count": None,
        "metadata": tags,
    }


def _shown(example: doctest.Example) -> dict[str, Any]:
    if example.exc_msg is None:
        text = {"text/plain": example.want.strip()}
        return {"output_type": "execute_result", "data": text, "execution_count": None, "metadata": {}}
    raised = RAISED.fullmatch(example.exc_msg.strip())
    assert raised is not None
    return {"output_type": "error", **raised.groupdict(), "traceback": [example.exc_msg.strip()]}
