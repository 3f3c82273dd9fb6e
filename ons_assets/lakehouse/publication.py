"""Stage, audit, publish: how the rows of a derived table reach the lake."""

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import polars as pl

from ons_assets.lakehouse import gate, lake, quarantine, validations
from ons_assets.lakehouse.disclosure import Protected
from ons_assets.lakehouse.gate import Audit, Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.keys import all_differ
from ons_assets.lakehouse.lake import Between, Partition, Provenance
from ons_assets.lakehouse.staging import Rows, Stage, Staged
from ons_assets.lakehouse.tables import Table
from ons_assets.program import code_version
from ons_assets.wording import counted


class Refused(Exception):
    """The gate refused a batch; nothing of it was published."""

    def __init__(self, table: str, audit: Audit) -> None:
        super().__init__(audit.reason)
        self.table, self.audit = table, audit


@dataclass(frozen=True)
class Published:
    """What was published.

    Parameters
    ----------
    rows_by_day
        Of a table by day, how many rows of each.
    """

    table: str
    version: int
    rows: int
    audit: Audit
    data_version: str
    rows_by_day: Mapping[str, int] = dataclasses.field(default_factory=dict)


def data_version(inputs: Mapping[str, str], suite: Suite, settings: Mapping[str, Any]) -> str:
    """Return a hash that is the same whenever the same inputs meet the same program and suite.

    Parameters
    ----------
    inputs
        Data version of each input, by its name.
    suite
        Suite that audits the table; its hash counts.
    settings
        Parameters of the method, as plain values.
    """
    ingredients = [code_version(), suite.sha256, sorted(inputs.items()), settings]
    return hashlib.sha256(json.dumps(ingredients, sort_keys=True, default=str).encode()).hexdigest()[:16]


class Publication:
    """The rows of one table on their way: staged part by part, each audited, then committed together.

    Parameters
    ----------
    run_id
        Dagster run that makes them.
    """

    def __init__(self, home: Home, table: Table, suite: Suite, run_id: str) -> None:
        self._home, self._table, self._suite, self._run_id = home, table, suite, run_id
        self.stage = Stage.of(home, table, suite, run_id)
        self._parts: list[Staged] = []

    def add(self, part: Rows | Staged) -> None:
        """Take a part, which is staged and audited now unless that was done where it was made.

        Raises
        ------
        Unprotected
            If the table declares a disclosure step, and the part has not passed it.
        Refused
            If the gate found a critical failure. The part is kept in quarantine, the table is as it was.
        SchemaMismatch
            If the frame does not have the columns of the table.
        """
        staged = part if isinstance(part, Staged) else self.stage.take(part)
        if staged.audit.is_critical:
            self._refuse(staged.audit, staged.path)
        self._parts.append(staged)

    def verify(self) -> None:
        """Audit what only all parts together can show.

        Raises
        ------
        Refused
            If two parts hold the same key.
        """
        if len(self._parts) < 2:
            return  # the gate has looked at all there is
        key_columns = list(self._table.key)
        if all_differ(pl.read_parquet(path, columns=key_columns, glob=False) for path in self._files):
            return
        keys = pl.scan_parquet(self._files, glob=False).select(self._table.key)
        lengths = pl.concat([keys.select(pl.len()), keys.unique().select(pl.len())])
        n_rows, n_keys = lengths.collect(engine="streaming").to_series()
        if n_rows > n_keys:
            detail = f"{counted(n_rows - n_keys, 'row')} of one part with a key of another"
            key = gate.Failure(gate.KEY_IS_UNIQUE, ", ".join(self._table.key), gate.CRITICAL, detail)
            audit = Audit.of_parts(self._audits)
            self._refuse(dataclasses.replace(audit, failures=(key, *audit.failures)), None)

    def commit(
        self, inputs: Mapping[str, str], settings: Mapping[str, Any], replace: Partition | None = None
    ) -> Published:
        """Publish what was staged as one version.

        Parameters
        ----------
        inputs
            Data version of each input table.
        replace
            The partition that the rows are; None for the whole table.

        """
        if not self._parts:
            self.add(self.stage.nothing())
        rows = pl.scan_parquet(self._files, glob=False)
        audit = Audit.of_parts(self._audits)
        validations.keep(self._home, self._table.name, self._run_id, "", self._worst())
        made_of = data_version(inputs, self._suite, settings)
        provenance = Provenance(
            run_id=self._run_id,
            code_version=code_version(),
            inputs=dict(inputs),
            suite=audit.summary(),
            settings=dict(settings),
            data_version=made_of,
            partition=(str(replace.first), str(replace.last)) if replace else None,
            disclosure=[part.account.said() for part in self._parts if part.account is not None],
        )
        number = lake.publish(self._home, self._table, rows, provenance, replace)
        n_rows = rows.select(pl.len()).collect().item()
        by_day = lake.rows_by_value(rows, replace.column) if isinstance(replace, Between) else {}
        self.discard()
        return Published(self._table.name, number, n_rows, audit, made_of, by_day)

    @property
    def _files(self) -> list[Path]:
        return [part.path for part in self._parts]

    @property
    def _audits(self) -> list[Audit]:
        return [part.audit for part in self._parts]

    def _worst(self) -> Audit:
        """The audit that people look at: of the part with the most failures, the last of those with none."""
        return max(reversed(self._audits), key=lambda audit: len(audit.failures))

    def _refuse(self, audit: Audit, staged: Path | None) -> NoReturn:
        name, run = self._table.name, self._run_id
        validations.keep(self._home, name, run, "", audit)
        quarantine.keep_refused(self._home, name, run, f"run {run}", run, audit.reason, staged, audit.failures)
        raise Refused(name, audit)

    def discard(self) -> None:
        """Forget what was staged, and what a worker staged that was taken to be lost."""
        shutil.rmtree(self.stage.folder, ignore_errors=True)


def publish_parts(
    publications: Sequence[Publication],
    parts: Iterable[tuple[Rows | Staged, ...]],
    inputs: Mapping[str, str],
    settings: Mapping[str, Any],
    replace: Partition | None = None,
) -> list[Published]:
    """Publish tables that are made together: all of them if the gate lets every part pass, else none.

    Parameters
    ----------
    parts
        Parts of the tables, each as one frame a table, or staged already.
    inputs, settings, replace
        As for `Publication.commit`.

    Raises
    ------
    Refused
        If the gate refused a part; all tables are as they were.
    """
    try:
        for part in parts:
            for publication, frame in zip(publications, part, strict=True):
                publication.add(frame)
        for publication in publications:
            publication.verify()
    except BaseException:
        for publication in publications:
            publication.discard()
        raise
    return [publication.commit(inputs, settings, replace) for publication in publications]


def publish(
    home: Home,
    table: Table,
    frame: pl.DataFrame | Protected,
    suite: Suite,
    *,
    run_id: str,
    inputs: Mapping[str, str],
    settings: Mapping[str, Any],
    replace: Partition | None = None,
) -> Published:
    """Stage a frame, audit it, and publish it if the gate lets it pass; see `Publication`.

    Parameters
    ----------
    home
        Home that holds lake, staging area and quarantine.
    table
        Declared table.
    frame
        Whole content of the table, or of the partition that it replaces.
    suite
        Suite that audits the frame.
    run_id
        Run that made the frame.
    inputs
        Data version of each input, by its name; recorded with the version.
    settings
        Parameters that the method was given; recorded with the version.
    replace
        Column and value of the partition to replace; None replaces the table.
    """
    [published] = publish_parts([Publication(home, table, suite, run_id)], [(frame,)], inputs, settings, replace)
    return published
