"""The register of a home: what holds for each table, from the headings of the shipped file and of the home's own."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.register import files
from ons_assets.governance.register.files import RegisterError
from ons_assets.governance.register.model import Person, RegisterFile, Said, UpdateCycle
from ons_assets.governance.register.release_status import ReleaseState, release_status
from ons_assets.governance.releases.release_ledger import Entry as Release
from ons_assets.governance.releases.release_ledger import ReleaseLedger
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.tables import Catalogue, Sensitivity, Table

NAMES = re.compile(r"[a-z]+/[a-z_]+")
# Of a derived table, what is not said is what its inputs say.
FROM_INPUTS = ("supplier", "licence")
MAY_BE_UNSAID = ("business_rules",)


@dataclass(frozen=True)
class Entry:
    """What the register says of one table.

    Parameters
    ----------
    table
        Its name.
    owner, information_risk_owner, data_protection_officer
        People, or roles that people have.
    suppliers, licences
        Who gives the data, and under what; of a derived table those of all its inputs, each once.
    legal_basis, purpose, retention
        In words.
    update_cycle
        How often it changes.
    partition
        Whether a version replaces days or months of it; None if it replaces the whole, or parts of other kinds.
    business_rules
        What holds of its rows, in sentences.
    sensitivity
        As the registry declares it.
    sources
        Drop folders whose files it is made of directly.
    release_state, release_status
        How it stands with the public, in a word and in a sentence.
    of_home
        Words of the entry that the home's own file says.
    """

    table: str
    owner: Person
    information_risk_owner: Person
    data_protection_officer: Person
    suppliers: tuple[str, ...]
    licences: tuple[str, ...]
    legal_basis: str
    purpose: str
    retention: str
    update_cycle: UpdateCycle
    partition: Literal["day", "month"] | None
    business_rules: tuple[str, ...]
    sensitivity: Sensitivity
    sources: tuple[str, ...]
    release_state: ReleaseState
    release_status: str
    of_home: tuple[str, ...]

    @property
    def may_be_published(self) -> bool:
        """Whether it may be published at all, once somebody approves it."""
        return self.release_state is not ReleaseState.NEVER


class Register(dict[str, Entry]):
    """Entries by the names of their tables.

    Parameters
    ----------
    entries
        One of each table.
    teams
        Who answers for what a team has, by the owner that the registry names, such as `team:prices`.
    tables_of_sources
        The raw table of each drop folder.
    """

    def __init__(
        self, entries: Sequence[Entry], teams: Mapping[str, Person], tables_of_sources: Mapping[str, str]
    ) -> None:
        super().__init__((entry.table, entry) for entry in entries)
        self.teams, self.tables_of_sources = dict(teams), dict(tables_of_sources)

    def check_sources(self, sources: Mapping[str, str]) -> None:
        """Raise what the register says otherwise of sources than they are.

        Parameters
        ----------
        sources
            The raw table of each drop folder, as its asset has it.

        Raises
        ------
        RegisterError
            With one sentence, on the first.
        """
        for name, table in sources.items():
            if self.tables_of_sources.get(name) != table:
                raise RegisterError(
                    f"the register does not say that files of {name} become {table}: see [sources.{name}]"
                )


def register_of(home: Home, catalogue: Catalogue = CATALOGUE) -> Register:
    """Return what the register says of every table.

    Parameters
    ----------
    home
        Whose `register.toml` goes before what is shipped, and whose releases are told.
    catalogue
        Tables.

    Raises
    ------
    RegisterError
        If the file of the home cannot be used, or a table has no owner, or lacks another word that must be said; the
        message is one sentence.
    """
    shipped, of_home = files.shipped(), files.of_home(home)
    files.check_names(of_home, home.root / files.NAME, catalogue)
    releases: dict[str, list[Release]] = defaultdict(list)
    if home.release_ledger.exists():
        for each in ReleaseLedger(home).entries():
            releases[each.table_name].append(each)
    said = _Said(catalogue, (shipped, of_home))
    return Register(
        [said.entry(table, releases[table.name]) for table in catalogue.values()],
        {f"team:{team}": said.teams[team] for team in said.teams},
        said.tables_of_sources,
    )


def made_of(table: Table, catalogue: Catalogue) -> list[Table]:
    """Return the tables that the registry names as the source of a table, in their order."""
    names = dict.fromkeys(NAMES.findall(table.source))
    return [catalogue[name] for name in names if name in catalogue and name != table.name]


def partition_of(table: Table) -> Literal["day", "month"] | None:
    """Return whether versions replace days or months of a table; None if neither."""
    dated = [name for name in table.partition_by if table.schema[name] == pl.Date]
    if not dated:
        return None
    return "month" if "month" in dated[0] else "day"


class _Said:
    """What the headings of the shipped file and of the home's say of tables."""

    def __init__(self, catalogue: Catalogue, both: tuple[RegisterFile, RegisterFile]) -> None:
        self._catalogue, self._both = catalogue, both
        self._known: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {}
        self.tables_of_sources = {
            name: said.table for file in both for name, said in file.sources.items() if said.table is not None
        }
        self.teams = {name: said.owner for file in both for name, said in file.teams.items() if said.owner is not None}

    def entry(self, table: Table, releases: Sequence[Release]) -> Entry:
        """Return the entry of a table, of which there are these releases."""
        said, of_home = self._words(table)
        words = said | {word: self._with_inputs(table, word, frozenset()) for word in FROM_INPUTS}
        if unsaid := [word for word, value in words.items() if not value and word not in MAY_BE_UNSAID]:
            raise RegisterError(
                f"the register says no {unsaid[0]} of {table.name}: "
                f'say it in {files.NAME} under [tables."{table.name}"]'
            )
        state, sentence = release_status(table, releases)
        return Entry(
            table=table.name,
            suppliers=words.pop("supplier"),
            licences=words.pop("licence"),
            business_rules=words.pop("business_rules") or (),
            **words,
            partition=partition_of(table),
            sensitivity=table.sensitivity,
            sources=self._sources(table),
            release_state=state,
            release_status=sentence,
            of_home=of_home,
        )

    def _words(self, table: Table) -> tuple[dict[str, Any], tuple[str, ...]]:
        """What is said of a table, and which words of it the home says; tables made of it ask again."""
        if table.name not in self._known:
            self._known[table.name] = self._read_words(table)
        return self._known[table.name]

    def _read_words(self, table: Table) -> tuple[dict[str, Any], tuple[str, ...]]:
        of_itself = Person(name=table.owner, contact=table.owner) if "@" in table.owner else None
        words: dict[str, Any] = {**dict.fromkeys(Said.model_fields), "owner": of_itself}
        of_home: set[str] = set()
        for is_of_home, said in self._headings(table):
            stated = {word: value for word in words if (value := getattr(said, word)) is not None}
            words |= stated
            of_home = of_home | {*stated} if is_of_home else of_home - {*stated}
        return words, tuple(word for word in words if word in of_home)

    def _headings(self, table: Table) -> Iterator[tuple[bool, Said]]:
        """Headings that cover a table, those that go before others last; and whether the home wrote them."""
        names = {
            "sensitivity": (table.sensitivity,),
            "domains": (table.domain,),
            "teams": (table.owner.removeprefix("team:"),),
            "sources": self._sources(table),
            "tables": (table.name,),
        }
        for is_of_home, file in enumerate(self._both):
            yield bool(is_of_home), file.office
        for heading, covering in names.items():
            for name in covering:
                for is_of_home, file in enumerate(self._both):
                    if (said := getattr(file, heading).get(name)) is not None:
                        yield bool(is_of_home), said

    def _sources(self, table: Table) -> tuple[str, ...]:
        return tuple(source for source, name in self.tables_of_sources.items() if name == table.name)

    def _with_inputs(self, table: Table, word: str, seen: frozenset[str]) -> tuple[str, ...]:
        """What is said of a table, or else of what it is made of."""
        said = self._words(table)[0][word]
        if said is not None:
            return (said,)
        inputs = [each for each in made_of(table, self._catalogue) if each.name not in seen]
        found = (self._with_inputs(each, word, seen | {table.name}) for each in inputs)
        return tuple(dict.fromkeys(value for values in found for value in values))
