"""The register: shown, and checked."""

from collections import Counter

from ons_assets.governance.register import Entry, Register, register_of
from ons_assets.lakehouse.home import Home
from ons_assets.raw_tables import RAW_TABLES
from ons_assets.settings import Settings
from ons_assets.wording import counted, no_such


def check(settings: Settings) -> tuple[Register, list[str]]:
    """Return the register of a home, and a sentence on each thing in it that a person should see to.

    Raises
    ------
    RegisterError
        If it cannot be used.
    """
    register = register_of(Home(settings.home))
    register.check_sources({raw.source(settings).name: raw.name for raw in RAW_TABLES})
    nobody = Counter(
        str(each)
        for entry in register.values()
        for each in {entry.owner, entry.information_risk_owner, entry.data_protection_officer}
        if each.is_nobody
    )
    said = [
        f"{person} is an address that is shipped, and reaches nobody: {counted(tables, 'table')}"
        for person, tables in nobody.items()
    ]
    return register, said


def shown(settings: Settings, table: str) -> list[tuple[str, str]]:
    """Return what the register says of a table, word by word.

    Raises
    ------
    LookupError
        If there is no such table.
    RegisterError
        If the register cannot be used.
    """
    register = register_of(Home(settings.home))
    if table not in register:
        raise LookupError(no_such("table", table, register))
    return _lines(register[table], settings)


def _lines(entry: Entry, settings: Settings) -> list[tuple[str, str]]:
    kept = settings.drops.retention_days
    erased = [f"; rows of {each} are erased after {kept[each]} local days" for each in entry.sources if each in kept]
    replaced = f"; a version replaces {entry.partition}s of it" if entry.partition else ""
    lines = {
        "owner": str(entry.owner),
        "information_risk_owner": str(entry.information_risk_owner),
        "data_protection_officer": str(entry.data_protection_officer),
        "supplier": "; ".join(entry.suppliers),
        "licence": "; ".join(entry.licences),
        "legal_basis": entry.legal_basis,
        "purpose": entry.purpose,
        "retention": f"{entry.retention}{''.join(erased)}",
        "update_cycle": f"{entry.update_cycle}{replaced}",
        "business_rules": ". ".join(entry.business_rules) or "none",
        "sensitivity": entry.sensitivity.value,
        "release": entry.release_status,
    }
    of_home = " (register.toml of this home)"
    return [(word, f"{said}{of_home if word in entry.of_home else ''}") for word, said in lines.items()]
