"""What is wrong with what somebody typed, in one sentence."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import typer
from typer.core import TyperGroup

from ons_assets.wording import ASKED_FOR, fault_in_words, no_such

PROGRAM = "ons-assets"
# What people type for a command, and means an option.
OPTIONS_MEANT = {"help": "--help", "version": "--version"}
NOT_OF_FORMATS = "does not match the formats"


class NotKnown(typer.TyperException):
    """There is no command of this name; the message is one sentence."""

    exit_code = 2


class Commands(TyperGroup):
    """Commands that are also found by their plural or singular, and as British English writes them."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of a name, or of the one that was meant where there is just one way to mean it."""
        forms = (cmd_name, f"{cmd_name}s", cmd_name.removesuffix("s"), cmd_name.replace("ialise", "ialize"))
        return next((self.commands[each] for each in forms if each in self.commands), None)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command of the first word; where there is none, say what was probably meant."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise NotKnown(self._meant(ctx, args))
        return super().resolve_command(ctx, args)

    def _meant(self, ctx: Any, args: Sequence[str]) -> str:
        option = OPTIONS_MEANT.get(args[0])
        if option is None or option not in (known for each in self.get_params(ctx) for known in each.opts):
            return no_such("command", args[0], self.commands)
        # As in help ingest.
        of = [each for each in args[1:2] if option == "--help" and self.get_command(ctx, each) is not None]
        return f"there is no command {args[0]!r}; did you mean {' '.join([ctx.command_path, *of, option])}?"


def name_or_command(command: str) -> type[Commands]:
    """Return a group in which a first word that is no command is a name: `collect pellworth` asks that shop.

    Parameters
    ----------
    command
        That takes the names.
    """

    class NameOrCommand(Commands):
        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            is_name = args[0] not in {*self.commands, *OPTIONS_MEANT}
            return super().resolve_command(ctx, [command, *args] if is_name else args)

    return NameOrCommand


def nothing_said(arguments: Sequence[str]) -> str | None:
    """Return a sentence on the first argument that says nothing, as one does of a variable that is not set.

    Parameters
    ----------
    arguments
        As they were typed.

    Examples
    --------
    >>> nothing_said(["ingest", "--home", ""])
    '--home is empty: say a value, or leave it out'
    """
    for before, each in pairwise(["", *arguments]):
        name, sign, value = each.partition("=")
        if not each.strip():
            what = before if before.startswith("--") else "an argument"
        elif name.startswith("--") and sign and not value.strip():
            what = name
        else:
            continue
        return f"{what} is empty: say a value, or leave it out"
    return None


def in_words(error: typer.TyperException) -> str:
    """Say what was typed wrong, and what may be typed in its place; empty if help was shown instead."""
    said = _said(error).rstrip(".")
    command = getattr(getattr(error, "ctx", None), "command_path", None)
    return f"{said}; {command} --help says more" if said and command is not None else said


def _said(error: typer.TyperException) -> str:
    name, near = getattr(error, "option_name", None), getattr(error, "possibilities", None)
    if near is not None and name is not None:
        return f"there is no option {name}" + (f"; did you mean {near[0]}?" if near else "")
    faults = getattr(error.__cause__, "errors", None)
    if isinstance(error, typer.BadParameter) and error.param is not None and faults is not None:
        return f"{_called(error.param)} {_wrong(faults()[0])}"
    said = error.format_message()
    return said[:1].lower() + said[1:]


def _called(parameter: Any) -> str:
    """An option by the longest of its names, an argument as the help has it."""
    is_option = parameter.param_type_name == "option"
    return str(max(parameter.opts, key=len) if is_option else parameter.name.upper())


def _wrong(fault: dict[str, Any]) -> str:
    if NOT_OF_FORMATS in fault["msg"]:
        return f"{ASKED_FOR['date']}, not {fault['input']!r}"
    if fault["type"] == "value_error":
        # Of a choice: what was given is not one of those that it names.
        return f"cannot be so: {fault_in_words(fault)}"
    return fault_in_words(fault)
