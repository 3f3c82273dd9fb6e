"""The register: who answers for a table, what it is for, and whether it may be published."""

from ons_assets.governance.register.entries import Entry, Register, register_of
from ons_assets.governance.register.files import RegisterError
from ons_assets.governance.register.model import Person, UpdateCycle

__all__ = ["Entry", "Person", "Register", "RegisterError", "UpdateCycle", "register_of"]
