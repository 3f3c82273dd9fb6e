"""The files of a register: the shipped one, with what a home lays over it."""

from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from tomllib import TOMLDecodeError, loads

from pydantic import BaseModel, ValidationError

from ons_assets.governance.register.model import Person, RegisterFile, Said, SaidOfSource, UpdateCycle
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.tables import Catalogue
from ons_assets.wording import fault_in_words, no_such, or_known

NAME = "register.toml"
SHIPPED = Path(__file__).with_name(NAME)
INSIDE: dict[str, type[BaseModel]] = {
    "owner": Person,
    "information_risk_owner": Person,
    "data_protection_officer": Person,
    "update_cycle": UpdateCycle,
}


class RegisterError(ValueError):
    """A register cannot be used; the message is one sentence."""


@cache
def shipped() -> RegisterFile:
    """Return the register that comes with the program."""
    return read(SHIPPED)


def of_home(home: Home) -> RegisterFile:
    """Return what a home lays over it; nothing, if it has no file.

    Raises
    ------
    RegisterError
        As `read`.
    """
    path = home.root / NAME
    return read(path) if path.exists() else RegisterFile()


def read(path: Path) -> RegisterFile:
    """Read a register.

    Raises
    ------
    RegisterError
        If it cannot be opened, is not TOML, has a word that is not known, or a value that does not fit.
    """
    try:
        return RegisterFile.model_validate(loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise RegisterError(f"the register {path} cannot be opened: {str(error.strerror).lower()}") from None
    except (TOMLDecodeError, UnicodeDecodeError) as error:
        raise RegisterError(f"the register {path} cannot be read as TOML: {error}") from None
    except ValidationError as error:
        faults = "; ".join(dict.fromkeys(_faults(error)))
        raise RegisterError(f"the register {path} cannot be used: {faults}") from None


def check_names(file: RegisterFile, path: Path, catalogue: Catalogue) -> None:
    """Raise what a home says of tables, sources, teams and domains that there are not.

    Parameters
    ----------
    path
        Of the file, for the sentence.

    Raises
    ------
    RegisterError
        With one sentence that names the first, and what may have been meant.
    """
    known: dict[str, Collection[str]] = {
        "tables": catalogue,
        "sources": shipped().sources,
        "domains": {table.domain for table in catalogue.values()},
        "teams": {table.owner.removeprefix("team:") for table in catalogue.values()},
    }
    for heading, names in known.items():
        for name in getattr(file, heading):
            if name not in names:
                fault = no_such(heading.removesuffix("s"), name, sorted(names))
                raise RegisterError(f"the register {path} cannot be used: {fault}")
    for name, said in file.sources.items():
        if said.table not in (None, shipped().sources[name].table):
            fault = f"files of {name} become {shipped().sources[name].table}, which a register does not change"
            raise RegisterError(f"the register {path} cannot be used: {fault}")


def _faults(error: ValidationError) -> Iterator[str]:
    for fault in error.errors():
        where = [str(part + 1) if isinstance(part, int) else str(part) for part in fault["loc"]]
        where = [each for each in where if each != "[key]"]
        path = ".".join(f'"{each}"' if "/" in each else each for each in where)
        if fault["type"] == "extra_forbidden":
            model = _model(where)
            yield f"{path} is no word here{or_known(where[-1], model.model_fields)}"
        else:
            yield f"{path}: {fault_in_words(fault)}"


def _model(where: list[str]) -> type[BaseModel]:
    """The model in which a word was not known, by its path."""
    inside = where[1:] if where[0] == "office" else where[2:]
    if len(inside) > 1:
        return INSIDE[inside[0]]
    if not inside:
        return RegisterFile
    return SaidOfSource if where[0] == "sources" else Said
