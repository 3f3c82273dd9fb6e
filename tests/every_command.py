"""All commands of the program, for what must be so of each."""

from collections.abc import Iterator
from typing import Any


def commands(group: Any, *before: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All commands by their words."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *before, name)
        else:
            yield (*before, name), command
