"""What tables wait for, as something that a person can do."""

from collections.abc import Mapping
from dataclasses import dataclass

from ons_assets.raw_tables import RAW_TABLES
from ons_assets.settings import Settings


@dataclass(frozen=True)
class Idle:
    """Tables of one group that were not made, because something was never there.

    Parameters
    ----------
    group
        First part of their names.
    tables
        How many there are.
    folders
        Drop folders, below the home, in which no file ever lay.
    tables_before
        Tables that were not asked for, and were never made.
    """

    group: str
    tables: int
    folders: tuple[str, ...]
    tables_before: tuple[str, ...]


def drop_folders() -> dict[str, str]:
    """Return the drop folder of each raw table, below the home."""
    return {raw.name: f"drops/{raw.source(Settings()).name}" for raw in RAW_TABLES}


def idle_groups(waiting: Mapping[str, tuple[str, ...]], folders: Mapping[str, str]) -> list[Idle]:
    """Return the groups with tables that wait, and what would let each go on.

    Parameters
    ----------
    waiting
        By table, what it lacks: other tables, which may wait themselves; of a raw table nothing that has a name.
    folders
        Drop folders of raw tables.
    """

    def roots(name: str, passed: frozenset[str]) -> set[str]:
        if name in folders or name not in waiting:
            return {name}
        lacking = [each for each in waiting[name] if each not in passed]
        return {root for each in lacking for root in roots(each, passed | {name})}

    groups: dict[str, set[str]] = {}
    for name in waiting:
        groups.setdefault(name.split("/")[0], set()).add(name)
    wanted = {group: {root for name in names for root in roots(name, frozenset())} for group, names in groups.items()}
    return [
        Idle(
            group,
            len(names),
            tuple(sorted(folders[root] for root in wanted[group] & folders.keys())),
            tuple(sorted(wanted[group] - folders.keys())),
        )
        for group, names in sorted(groups.items())
    ]
