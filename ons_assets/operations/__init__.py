"""What the command line does: take files, read what waits, make what follows, say how things stand.

Here stands what needs no asset; what runs assets is in `ons_assets.operations.making`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import reduce
from importlib import import_module
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.erasure.intent import Intent
from ons_assets.governance.register import register_of
from ons_assets.intake import parsed, records, taking
from ons_assets.intake.corrections import Corrections
from ons_assets.intake.drops import StillChanging, is_finished
from ons_assets.intake.fields import ColumnsOf, holders
from ons_assets.intake.ledger import Drop, Ledger, Status
from ons_assets.intake.one_grid import check_grid
from ons_assets.intake.reading import OF_THE_MACHINE, stale
from ons_assets.intake.recovery import recover
from ons_assets.intake.source import Source
from ons_assets.lakehouse import lake, quarantine
from ons_assets.lakehouse.home import Home
from ons_assets.raw_tables import sources
from ons_assets.settings import Settings
from ons_assets.wording import no_such

if TYPE_CHECKING:
    from ons_assets.operations.making import (
        Again,
        account_for_files,
        add_days,
        made_together,
        make,
        publish_raw,
        read_waiting,
        reread,
        retry,
    )

__all__ = [
    "Again",
    "NoHome",
    "Progress",
    "TableState",
    "Taken",
    "UnknownName",
    "accepted_by_row",
    "account_for_files",
    "add_days",
    "broken_layouts",
    "current",
    "drops_by_status",
    "looking",
    "made_together",
    "make",
    "names",
    "open_home",
    "open_made_home",
    "publish_raw",
    "quarantined",
    "read_waiting",
    "recognising",
    "remarks",
    "remarks_on_layouts",
    "reread",
    "retry",
    "source_named",
    "sources",
    "span_of",
    "stale_drops",
    "table_states",
    "take",
    "take_dropped",
    "take_given",
    "unfinished_erasure",
]

Progress = Callable[[str], None]


def __getattr__(name: str) -> Any:
    """Return what runs assets: it brings Dagster and every method with it, and is imported when it is asked for."""
    if name in __all__:
        return getattr(import_module(f"{__name__}.making"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@dataclass(frozen=True)
class TableState:
    """A table as it stands."""

    name: str
    rows: int
    versions: int
    published_utc: datetime


class NoHome(ValueError):
    """There is no home where one is needed; the message is one sentence."""


class UnknownName(ValueError):
    """There is no source or asset of this name."""


def open_home(settings: Settings) -> Home:
    """Make the folders of a home, those of its sources too, and clear away what a process that died left there.

    Raises
    ------
    BadSettings
        If the home is on another grid than its settings say.
    """
    check_grid(Home(settings.home), sources(settings))
    home = Home(settings.home).ensure()
    Ledger(home).set_individual([source.name for source in sources(settings) if source.is_individual])
    for source in sources(settings):
        home.drop_folder(source.name, is_individual=source.is_individual)
        (home.layouts / source.name).mkdir(exist_ok=True)
    recover(home)
    return home


def open_made_home(settings: Settings) -> Home:
    """Open a home for a command that goes on from what is there, and makes none.

    Raises
    ------
    NoHome
        If there is none.
    """
    if settings.home.is_file():
        raise NoHome(f"the home {settings.home} is a file, and is to be a folder")
    if not Home(settings.home).is_made:
        raise NoHome(f"there is no home {settings.home} yet; ons-assets ingest makes it")
    return open_home(settings)


def unfinished_erasure(settings: Settings) -> bool:
    """Return whether an erasure was begun that is not finished."""
    return Intent.read(Home(settings.home)) is not None


@contextmanager
def looking(settings: Settings, name: str) -> Iterator[Source]:
    """Give a source that reads a file only to look at it: where there is no home, in a folder that goes again.

    Rows about people are read with the key of a home, and set down in it for the time of reading.

    Parameters
    ----------
    name
        Of the source.

    Raises
    ------
    UnknownName
        If there is no such source.
    """
    source = source_named(settings, name)
    if Home(settings.home).is_made:
        yield source
        return
    with TemporaryDirectory(prefix="ons-assets-") as folder:
        aside = source_named(settings.model_copy(update={"home": Path(folder)}), name)
        yield replace(aside, folders=source.folders)


@dataclass(frozen=True)
class Taken:
    """Files that were taken, and sentences on those that could not be: they keep no other from being taken."""

    drops: list[Drop]
    left: list[str]
    # On files that were taken, and could not leave their folder.
    stayed: list[str]
    # On folders that nothing was taken from.
    passed_over: list[str] = field(default_factory=list)

    def and_then(self, other: "Taken") -> "Taken":
        """Return what was taken, and then another time, as if it were one.

        Parameters
        ----------
        other
            The later one.
        """
        return Taken(
            [*self.drops, *other.drops],
            [*self.left, *other.left],
            [*self.stayed, *other.stayed],
            [*self.passed_over, *other.passed_over],
        )


def take(
    settings: Settings, files: Sequence[Path], source_name: str | None, progress: Progress, *, seen: bool = False
) -> Taken:
    """Archive files and write them into the ledger; a file that was refused earlier is tried again.

    Parameters
    ----------
    files
        Wherever they lie.
    source_name
        Source of the files; without it, the one source that recognises a file.
    progress
        Called with the name of each.
    seen
        Whether all were there a moment ago; what is gone, another process has taken.

    Raises
    ------
    UnknownName
        If there is no such source.
    RegisterError
        If the register cannot be used, before anything is taken: nothing could be made of it.
    """
    home, ledger = Home(settings.home), Ledger(Home(settings.home))
    register_of(home)
    # Read once: each of them reads its layouts.
    known = sources(settings)
    named = _named(known, source_name) if source_name is not None else None
    drops, left = [], []
    stayed: list[str] = []
    with home.working():
        for file in files:
            shown, individual = file.name, False
            try:
                source = named or _source_of(known, file)
                individual = source.is_individual
                shown = f"a file of {source.name}" if individual else shown
                progress(shown)
                drop = taking.take(home, ledger, source, file, settings.drops, retry=True, stays=stayed.append)
                drops.append(drop)
            except UnknownName as error:
                left.append(str(error))
            except FileNotFoundError:
                if not seen:
                    left.append(f"there is no file {file}")
            except StillChanging:
                left.append(f"{shown} changed while it was read; it is taken when it is complete")
            except OSError as error:
                if error.errno in OF_THE_MACHINE:
                    if individual:
                        # Without the name of the file, which the text of the error says.
                        raise OSError(error.errno, error.strerror) from None
                    raise
                left.append(f"{shown} cannot be taken: {error.strerror}")
    return Taken(drops, left, stayed)


def take_dropped(settings: Settings, progress: Progress) -> Taken:
    """Take every file that lies in the drop folders."""
    drops = Home(settings.home).drops
    taken = [_take_all(settings, drops / source.name, source.name, progress) for source in sources(settings)]
    return reduce(Taken.and_then, taken)


def take_given(settings: Settings, paths: Sequence[Path], source_name: str | None, progress: Progress) -> Taken:
    """Take files, in the order in which they are given; of folders of drops, all files.

    A folder of drops has folders in it that are named after sources, as that of a home has: their files are of these.

    Parameters
    ----------
    paths
        Of files and folders of drops.
    source_name, progress
        As for `take`; what is of one source is no folder of drops.
    """
    known = [source.name for source in sources(settings)]
    taken = []
    for is_of_drops, some in groupby(paths, lambda path: source_name is None and _holds_drops(path, known)):
        if is_of_drops:
            taken += [_take_folder(settings, folder, known, progress) for folder in some]
        else:
            taken.append(take(settings, list(some), source_name, progress))
    return reduce(Taken.and_then, taken)


def _holds_drops(path: Path, known: Sequence[str]) -> bool:
    return path.is_dir() and any((path / name).is_dir() for name in known)


def _take_folder(settings: Settings, folder: Path, known: Sequence[str], progress: Progress) -> Taken:
    inside = [each for each in sorted(folder.iterdir()) if is_finished(each)]
    strange = [each for each in inside if each.is_dir() and each.name not in known]
    passed_over = [f"nothing was taken from {each}: {no_such('source', each.name, known)}" for each in strange]
    taken = [_take_all(settings, folder / name, name, progress) for name in known if (folder / name).is_dir()]
    loose = take(settings, [each for each in inside if not each.is_dir()], None, progress, seen=True)
    return reduce(Taken.and_then, [*taken, loose, Taken([], [], [], passed_over)])


def _take_all(settings: Settings, folder: Path, source_name: str, progress: Progress) -> Taken:
    files = [file for file in sorted(folder.iterdir()) if is_finished(file)]
    return take(settings, files, source_name, progress, seen=True)


def names(settings: Settings, drop_ids: Sequence[int]) -> dict[int, str]:
    """Return what files were called by their suppliers, by their numbers in the ledger.

    Raises
    ------
    UnknownName
        If there is no file of such a number.
    """
    called = {drop.drop_id: drop.original_name for drop in Ledger(Home(settings.home)).drops()}
    if unknown := {*drop_ids} - called.keys():
        raise UnknownName(f"there is no file {', '.join(map(str, sorted(unknown)))} in the ledger")
    return {drop_id: called[drop_id] for drop_id in drop_ids}


def broken_layouts(settings: Settings) -> list[tuple[str, str]]:
    """Return the source and the fault of every layout that cannot be used."""
    return [(source.name, broken.sentence) for source in sources(settings) for broken in source.shelf.broken]


def remarks_on_layouts(settings: Settings) -> list[tuple[str, str]]:
    """Return the source of every layout that can be used and promises more than is done, and what it is."""
    return [(source.name, said) for source in sources(settings) for said in source.remarks]


def stale_drops(settings: Settings) -> pl.DataFrame:
    """Return, by source, how many drops were read under a layout or parameters that are other ones now."""
    home, ledger = Home(settings.home), Ledger(Home(settings.home))
    rows = []
    for source in sources(settings):
        read = [parsed.load(parsed.folder_of(home, source.name), drop.drop_id) for drop in ledger.drops(source.name)]
        rows.append((source.name, len(stale(source, [each for each in read if each is not None]))))
    return pl.DataFrame(rows, schema={"source": pl.String(), "files": pl.Int64()}, orient="row").filter(
        pl.col("files") > 0
    )


def current(settings: Settings, taken: Sequence[Drop]) -> list[Drop]:
    """Return drops as the ledger has them now."""
    rows = {drop.drop_id: drop for drop in Ledger(Home(settings.home)).drops()}
    return [rows[drop.drop_id] for drop in taken]


def drops_by_status(settings: Settings) -> pl.DataFrame:
    """Return the number of files and rows by source and status."""
    ledger = Ledger(Home(settings.home)).frame()
    return (
        ledger.group_by("source", "status")
        .agg(
            files=pl.len(),
            accepted_rows=pl.col("accepted_rows").sum(),
            quarantined_rows=pl.col("quarantined_rows").sum(),
        )
        .sort("source", "status")
    )


def remarks(settings: Settings) -> pl.DataFrame:
    """Return accepted files of which something was said, newest first: source, file, remark."""
    ledger = Ledger(Home(settings.home)).frame()
    remarked = ledger.filter((pl.col("status") == Status.ACCEPTED) & pl.col("reason").is_not_null())
    return remarked.sort("drop_id", descending=True).select("source", file="file_name", remark="reason")


def accepted_by_row(drops: Iterable[Drop]) -> dict[str, int]:
    """Return how many rows were accepted, by what a row of the table is: of readings, the day of a meter."""
    row = {source.name: source.row for source in sources(Settings())}
    counts: dict[str, int] = {}
    for drop in drops:
        counts[row[drop.source]] = counts.get(row[drop.source], 0) + (drop.accepted_rows or 0)
    return counts


def table_states(settings: Settings) -> list[TableState]:
    """Return every published table as it stands."""
    home = Home(settings.home)
    states = []
    for table in CATALOGUE.values():
        if versions := lake.history(home, table):
            rows = lake.read(home, table).select(pl.len()).collect().item()
            states.append(TableState(table.name, rows, len(versions), versions[0].published_utc))
    return states


def quarantined(settings: Settings) -> list[quarantine.Entry]:
    """Return what lies in quarantine and was not set right since by another file, newest first.

    Batches of one file that were refused for the same are one.
    """
    home = Home(settings.home)
    corrections = Corrections.of(Ledger(home).drops())
    return quarantine.by_file(entry for entry in quarantine.entries(home) if corrections.is_open(entry))


def source_named(settings: Settings, name: str) -> Source:
    """Return the source of a name.

    Raises
    ------
    UnknownName
        If there is none.
    """
    return _named(sources(settings), name)


def _named(known: Sequence[Source], name: str) -> Source:
    for source in known:
        if source.name == name:
            return source
    raise UnknownName(no_such("source", name, [each.name for each in known]))


def _source_of(known: Sequence[Source], file: Path) -> Source:
    if not file.exists():
        raise FileNotFoundError(file)
    fitting = recognising(known, file) if file.is_file() else []
    # Which of several comes first is nobody's decision, so a person is asked.
    if len(fitting) > 1:
        several = " and ".join(source.name for source in fitting)
        raise UnknownName(f"{file.name} may be of {several}; say whose it is with --source")
    if not fitting:
        names = ", ".join(source.name for source in known)
        raise UnknownName(f"no source recognises {file.name}; say whose it is with --source, one of {names}")
    return fitting[0]


def recognising(known: Sequence[Source], file: Path) -> list[Source]:
    """Return the sources that recognise a file, but for those of which another one reads all columns and more.

    Parameters
    ----------
    known
        Sources that are asked.
    file
        To be looked at.
    """
    read = {source.name: _columns_read(source, file) for source in known if _recognises(source, file)}
    return [
        source
        for source in known
        if source.name in read and not any(read[source.name] < others for others in read.values())
    ]


def _columns_read(source: Source, file: Path) -> frozenset[str]:
    """Columns of a file that its layout in a source names."""
    try:
        layout = source.layout(file, file.name)
        header = records.header(file, layout, source.limits)
    except Exception:
        # The text of what a library raises may quote the file; that it cannot be read is said where it is read.
        return frozenset()
    named = [*layout.needed, *(name for each in layout.optional.values() for name in each.columns)]
    known = ColumnsOf([*named, *holders(layout).values()])
    return frozenset(name for name in header if known(name) is not None)


def _recognises(source: Source, file: Path) -> bool:
    """Whether a source knows a file; what a library raises over it is no answer for the other sources."""
    try:
        return source.recognises(file, file.name)
    except Exception:
        return False


def span_of(drops: Iterable[Drop]) -> tuple[date, date] | None:
    """Return the first and the last day of some files; None if they have none."""
    days = [day for drop in drops for day in drop.days]
    return (min(days), max(days)) if days else None
