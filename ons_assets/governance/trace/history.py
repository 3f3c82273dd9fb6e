"""What a home knows of its tables: every publication, what it was made of, and the files behind it."""

from collections.abc import Collection, Mapping

import polars as pl

from ons_assets.intake.members import DROP_SHA256
from ons_assets.lakehouse import commits, lake
from ons_assets.lakehouse.commits import WHOLE, Commit, Forgotten, View
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.tables import Table

# What stands for partitions of which nobody can say any more which they were.
UNKNOWN = "unknown"
# Rows of files, by partition and the hash of the file.
Counts = dict[str, dict[str, int]]
# Tables whose next version is made of the version before, beside their inputs.
GROWING = frozenset({"prices/index_vintages"})


class History:
    """The publications of the tables of a home, each read once.

    Parameters
    ----------
    home
        That holds the lake.
    tables
        Declared tables by name.
    growing
        Names of those of which a version is made of the one before, too.
    """

    def __init__(self, home: Home, tables: Mapping[str, Table], growing: Collection[str] = GROWING) -> None:
        self.home, self.tables = home, tables
        self._growing = frozenset(growing)
        self._commits: dict[str, dict[int, Commit]] = {}
        self._views: dict[tuple[str, int], View | Forgotten] = {}
        self._drops: dict[tuple[str, int], tuple[Counts, Forgotten | None]] = {}

    def commits(self, name: str) -> list[Commit]:
        """Return the publications of a table, oldest first."""
        if name not in self._commits:
            self._commits[name] = {each.number: each for each in commits.commits(self.home, self.tables[name])}
        return list(self._commits[name].values())

    def commit(self, name: str, number: int) -> Commit:
        """Return one publication.

        Raises
        ------
        LookupError
            If there is none of the number.
        """
        known = self.commits(name)
        if number not in self._commits[name]:
            has = f"its versions are {known[0].number} to {known[-1].number}" if known else "it was never published"
            raise LookupError(f"{name} has no version {number}: {has}")
        return self._commits[name][number]

    def latest(self, name: str) -> int:
        """Return the number of the last version of a table.

        Raises
        ------
        LookupError
            If it was never published.
        """
        known = self.commits(name)
        if not known:
            raise LookupError(f"{name} has not been published yet")
        return known[-1].number

    def view(self, name: str, version: int) -> View:
        """Return the partitions of a version, each with the publication that wrote it.

        Raises
        ------
        Forgotten
            If nothing says any more which they were.
        """
        found = self._views.get((name, version))
        if found is None:
            try:
                found = commits.view(self.home, self.tables[name], version, self.commits(name))
            except Forgotten as error:
                found = error
            self._views[name, version] = found
        if isinstance(found, Forgotten):
            raise found
        return found

    def candidates(self, name: str, version: int) -> list[Commit]:
        """Return the publications that may have written something of a version, as far as the log alone can say."""
        found = []
        for each in reversed([known for known in self.commits(name) if known.number <= version]):
            found.append(each)
            if each.predicate is None:
                break
        return found

    def inputs(self, commit: Commit) -> dict[str, int]:
        """Return the tables that a publication was made of, each with its version."""
        made = commit.provenance.inputs if commit.provenance else {}
        of = {name: int(said.split(":")[0]) for name, said in made.items() if name in self.tables and said}
        if commit.table in self._growing and commit.number > self.commits(commit.table)[0].number:
            of[commit.table] = commit.number - 1
        return of

    def named_drops(self, commit: Commit) -> list[str]:
        """Return the hashes of the files that a publication names as its inputs."""
        made = commit.provenance.inputs if commit.provenance else {}
        return [name for name in made if name not in self.tables]

    def is_raw(self, commit: Commit) -> bool:
        """Return whether a publication was made of files, and its rows say of which."""
        return bool(self.named_drops(commit)) and DROP_SHA256 in self.tables[commit.table].schema

    def drops(self, commit: Commit) -> tuple[Counts, Forgotten | None]:
        """Return, by partition, the files with rows in what a publication wrote, and how many rows.

        Where its own version is forgotten, only the partitions that the latest still has are counted, and why is
        returned beside them.
        """
        key = (commit.table, commit.number)
        if key not in self._drops:
            try:
                rows = commits.came(self.home, self.tables[commit.table], commit)
                self._drops[key] = self._count(commit.table, rows), None
            except Forgotten as error:
                self._drops[key] = self._still_there(commit), error
        return self._drops[key]

    def counted(self, commit: Commit) -> Collection[str]:
        """Return the partitions of which the files are known, of what a publication wrote."""
        return self.drops(commit)[0] if self.is_raw(commit) else ()

    def _still_there(self, commit: Commit) -> Counts:
        """Count the partitions of a publication that the latest version has as it wrote them."""
        latest = self.latest(commit.table)
        try:
            stay = {
                value for value, number in self.view(commit.table, latest).commit_of.items() if number == commit.number
            }
            counts = self._count(commit.table, self.rows(commit.table, latest)) if stay else {}
        except Forgotten:
            return {}
        return {value: of for value, of in counts.items() if value in stay}

    def _count(self, name: str, rows: pl.LazyFrame) -> Counts:
        table = self.tables[name]
        column = table.partition_by[0] if table.partition_by else None
        partition = pl.col(column).cast(pl.String()) if column else pl.lit(WHOLE)
        counted = rows.group_by(partition.alias("partition_"), DROP_SHA256).len().collect(engine="streaming")
        found: Counts = {}
        for value, sha256, count in counted.iter_rows():
            found.setdefault(value, {})[sha256] = count
        return found

    def until(self, commit: Commit, partitions: Collection[str]) -> dict[str, int | None]:
        """Return the last version in which partitions are as a publication wrote them; None if they still are.

        Parameters
        ----------
        commit
            That wrote them.
        partitions
            As a view names them.
        """
        last: dict[str, int | None] = dict.fromkeys(partitions)
        names = sorted(last.keys() - {UNKNOWN})
        values = commits.as_values(self.tables[commit.table], names)
        for later in self.commits(commit.table):
            if later.number > commit.number:
                gone = [*pl.Series("", names, dtype=pl.String()).filter(later.replaced(values))]
                gone += [UNKNOWN] if UNKNOWN in last and later.predicate is None else []
                last |= {name: later.number - 1 for name in gone if last[name] is None}
        return last

    def rows(self, name: str, version: int) -> pl.LazyFrame:
        """Return the rows of a version.

        Raises
        ------
        Forgotten
            If they can no longer be read.
        """
        return commits.rows(self.home, self.tables[name], version)

    def exists(self, name: str) -> bool:
        """Return whether a table was ever published."""
        return lake.exists(self.home, self.tables[name])
