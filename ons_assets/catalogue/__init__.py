"""Every table of the project, declared once: one module a domain, data only."""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from ons_assets.lakehouse.tables import Catalogue, Table


def tables_of(module: ModuleType) -> tuple[Table, ...]:
    """Return the tables that a module declares, in the order in which it does."""
    return tuple(each for each in vars(module).values() if isinstance(each, Table))


CATALOGUE = Catalogue(
    [table for found in iter_modules(__path__, f"{__name__}.") for table in tables_of(import_module(found.name))]
)
