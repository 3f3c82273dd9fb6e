"""What the versions of tables tell of how they were made, and whether they are made of what there is now."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import polars as pl

from ons_assets.governance.scorecard.measures import OBSERVED, observed
from ons_assets.lakehouse.disclosure import needs_step
from ons_assets.lakehouse.lake import Provenance, Version
from ons_assets.lakehouse.tables import Table

SECONDS_OF_DAY = 86_400


def of_versions(tables: Mapping[str, Table], histories: Mapping[str, Sequence[Version]], now: datetime) -> pl.DataFrame:
    """Return whether versions say what made them, and for how long their inputs have been newer.

    Parameters
    ----------
    tables
        Declarations.
    histories
        Published versions of each table, newest first; those without any are left out.
    now
        The moment by which is judged.

    Returns
    -------
    polars.DataFrame
        Observations.
    """
    explained: list[tuple[object, ...]] = []
    parts: list[tuple[object, ...]] = []
    behind: list[tuple[object, ...]] = []
    for name, versions in histories.items():
        if not versions:
            continue
        told = sum(version.provenance is not None for version in versions)
        explained.append((name, told / len(versions), len(versions), None))
        made = versions[0].provenance
        if made is None:
            continue
        said = _parts(tables[name], made)
        lacking = ", ".join(part for part, is_there in said.items() if not is_there)
        parts.append((name, sum(said.values()) / len(said), len(said), lacking or None))
        if (found := _behind(made, histories, now)) is not None:
            behind.append((name, *found))
    schema = {name: OBSERVED[name] for name in ("table_name", "value", "basis", "detail")}
    frames = {"explained_versions": explained, "explained_parts": parts, "inputs_behind_days": behind}
    return pl.concat(
        observed(pl.DataFrame(rows, schema=schema, orient="row"), measure) for measure, rows in frames.items()
    )


def _parts(table: Table, made: Provenance) -> dict[str, bool]:
    """What a version must say, and whether it does."""
    said = {
        "run": bool(made.run_id),
        "code": bool(made.code_version),
        "suite": bool(made.suite.get("sha256")),
        "data version": bool(made.data_version),
    }
    return {**said, "disclosure step": bool(made.disclosure)} if needs_step(table.disclosure) else said


def _behind(
    made: Provenance, histories: Mapping[str, Sequence[Version]], now: datetime
) -> tuple[float, int, str | None] | None:
    """Days since the first version of an input that the table is not made of, how many inputs it has, and which."""
    inputs = {name: said for name, said in made.inputs.items() if name in histories and said}
    if not inputs:
        return None
    since = {}
    for name, said in inputs.items():
        used = int(said.split(":")[0])
        newer = [version.published_utc for version in histories[name] if version.number > used]
        if newer:
            since[name] = (now - min(newer)).total_seconds() / SECONDS_OF_DAY
    told = ", ".join(sorted(since, key=lambda name: -since[name])) or None
    return max(since.values(), default=0.0), len(inputs), told
