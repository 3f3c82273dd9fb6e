"""Help with a layout: what a file is, how it would be read, and a draft of a layout to complete."""

import difflib
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import polars as pl
import yaml

from ons_assets.intake import records, sniff
from ons_assets.intake.blocks import LINE
from ons_assets.intake.fields import ColumnsOf, canonical, holders, lacking
from ons_assets.intake.layouts import Layout
from ons_assets.intake.reading import unforeseen
from ons_assets.intake.source import Piece, Source, pieces, said_by_name
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse.quarantine import reasons
from ons_assets.wording import counted

SHOWN_ROWS = 3
# Words by which suppliers call the fields of sources, in several languages.
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "meter": (
        "meter",
        "meter id",
        "mpan",
        "lclid",
        "anon id",
        "nmi",
        "cups",
        "zaehler",
        "zähler",
        "zählpunkt",
        "serial",
        "pod",
    ),
    "time": (
        "time",
        "datetime",
        "date time",
        "timestamp",
        "timestamp (utc)",
        "created at",
        "start",
        "interval start",
        "tstp",
        "zeit",
        "reading time",
        "ts",
    ),
    "date": ("date", "datum", "fecha", "day", "dato"),
    "value": (
        "value",
        "kwh",
        "consumption",
        "consumption kwh",
        "energy",
        "reading",
        "verbrauch",
        "verbrauch kwh",
        "consumo kwh",
    ),
    "collected_at": ("collected at", "timestamp", "date", "datum", "day", "time", "fecha", "scraped at", "period"),
    "product": ("product", "product name", "artikel", "item name", "description", "title", "produkt", "name"),
    "price": ("price", "preis", "item price num", "precio", "prix", "unit price", "amount"),
    "retailer": ("retailer", "store", "shop", "kette", "geschäft", "chain", "supermarket"),
    "category": ("category", "class", "gruppe", "warengruppe", "regal", "department", "aisle", "shelf"),
    "quantity": ("quantity", "menge", "units sold", "qty"),
    "turnover": ("turnover", "sales", "umsatz", "revenue", "value sold"),
    "outlet": ("outlet", "branch", "filiale", "store id"),
    "sku": ("sku", "ean", "gtin", "barcode", "upc", "product code", "product id"),
    "user": ("user", "user id", "userid", "author id", "author", "owner", "uid"),
    "device": ("device", "user id", "imsi", "msid", "subscriber"),
    "latitude": ("latitude", "lat", "y"),
    "longitude": ("longitude", "lon", "lng", "long", "x"),
    "origin": ("origin", "from", "o", "origen", "origcode", "id origin"),
    "destination": ("destination", "to", "d", "destino", "destcode", "id destination"),
    "count": ("count", "n trips", "flow", "trips", "viajes", "total"),
    "area": ("area", "area code", "geography code", "geogcode", "mnemonic"),
    "easting_m": ("easting", "bng e", "oseast1m"),
    "northing_m": ("northing", "bng n", "osnrth1m"),
    "boundary": ("boundary", "geometry"),
    "population": ("population", "obs value", "all ages", "residents", "persons"),
    "age": ("age", "age name", "c age name"),
    "sex": ("sex", "sex name", "c sex name", "gender", "gender name"),
    "cell_id": ("cell id", "cellid", "site id"),
    "operator": ("operator", "mnc", "net"),
    "technology": ("technology", "radio", "rat"),
    "range_m": ("range m", "range"),
}
# How offices call the columns of codes: LAD23CD, MSOA21CD.
OF_CODES = {"area": re.compile(r"[a-z]+\d\dcd"), "part": re.compile(r"[a-z]+\d\dcd")}
# Words of the day and of the clock, where they stand in two columns: of a clock alone, `time` is no moment.
DAYS = ("date", "datum", "fecha", "day", "van (datum)", "start date", "startdatum")
CLOCKS = ("time", "start time", "zeit", "uhrzeit", "zeit von", "hora", "tijd", "van (tijdstip)", "starttijd", "heure")
MOMENTS = ("time", "time_utc")
ALIKE = 0.85
ENDINGS = frozenset(
    {".csv", ".txt", ".tsv", ".dat", ".json", ".jsonl", ".ndjson", ".geojson", ".xml", ".xlsx", ".parquet"}
    | {".zip", ".gz", ".bz2", ".xz", ".zst"}
)
# Shorter words are alike and mean other things: a sale is no turnover.
SHORTEST_ALIKE = 6
# Of GeoJSON, before the names of its columns.
PROPERTIES = "properties."
# Fields that are read as times, and what a layout may have to say of them.
TIMES = frozenset({"time", "time_utc", "date", "collected_at"})
TIME_HINTS = (
    "# zone: local    # of times that do not say one: that of the installation, or a name such as Europe/Vienna",
    "# time_formats: ['%d/%m/%Y %H:%M']    # of times that are not written as 2024-03-31 13:30;"
    " of 2024-03-31T13:30:00Z '%Y-%m-%dT%H:%M:%S%.f%:z'",
)


# Of a column, or of columns that are joined.
Guess = str | dict[str, list[str]]


@dataclass(frozen=True)
class Checked:
    """How a file would be read.

    Parameters
    ----------
    kind
        What the file is, in words.
    layout
        Under which it would be read; None if none knows it.
    header
        Names of its columns; empty if it is about people and no layout knows them.
    unused
        Columns that the layout does not read; their number alone, for files about people.
    rows
        The first rows as they would be read; None for files about people.
    types
        Fields that were found, with the types of their values.
    accepted, rejected
        Of the first block of the file.
    sentences
        What was not understood.
    """

    kind: str
    layout: Layout | None
    header: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    rows: pl.DataFrame | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    accepted: int = 0
    rejected: int = 0
    sentences: tuple[str, ...] = ()


def check(source: Source, path: Path, layout: Layout | None = None) -> Checked:
    """Say how a file would be read, by a given layout or by the one that knows it.

    Parameters
    ----------
    source
        Whose file it is.
    path
        The file, wherever it lies; it is only looked at.
    layout
        To be tried; None for those of the source.
    """
    kind, name, shown = _kind(source, path), path.name, shown_name(source, path)
    layout = source.settled(layout) if layout is not None else None
    words = kind.said(individual=source.is_individual)
    header = () if source.is_individual else _columns(source, path, kind)
    try:
        chosen = layout or source.layout(path, name)
        found = records.header(path, chosen, source.limits)
        # Only the layout knows the encoding.
        header = tuple(found) if header and chosen.encoding != "utf-8" else header
    except Unreadable as error:
        return Checked(words, None, header, sentences=(f"{shown} {error}",))
    except Exception as error:
        return Checked(words, None, header, sentences=(f"{shown} {unforeseen(error)}",))
    if layout is not None and (lack := source.lack_of(layout)) is not None:
        return Checked(words, layout, header, sentences=(f"the layout {layout.name} {lack}",))
    if lacks := lacking(chosen, found):
        said = f"the layout {chosen.name} needs columns that the file lacks: {', '.join(lacks)}"
        return Checked(words, chosen, header, sentences=(said,))
    named = [*chosen.needed, *(each for origin in chosen.optional.values() for each in origin.columns)]
    places = [origin.position for origin in chosen.origins.values() if origin.position is not None]
    named += [found[place - 1] for place in places if place <= len(found)]
    used = ColumnsOf([*named, *holders(chosen).values()])
    unused = tuple(each for each in found if used(each) is None and canonical(each))
    try:
        looked_at = list(islice(pieces(source, path, name, datetime.now(UTC), chosen), 1))
    except Unreadable as error:
        why = reasons(error.rejected)
        sentences = (f"{shown} {error}", *([why] if why not in str(error) else []))
        return Checked(words, chosen, header, _told(source, unused), sentences=sentences)
    except Exception as error:
        return Checked(words, chosen, header, _told(source, unused), sentences=(f"{shown} {unforeseen(error)}",))
    return _shown(source, words, chosen, header, unused, looked_at[0])


def _shown(
    source: Source, kind: str, layout: Layout, header: tuple[str, ...], unused: tuple[str, ...], piece: Piece
) -> Checked:
    taken = said_by_name(layout)
    by_name = [f"{' and '.join(taken)} is taken from the name of the file"] if taken else []
    early = source.early(layout)
    return Checked(
        kind,
        layout,
        header,
        _told(source, unused),
        rows=None if source.is_individual else piece.accepted.head(SHOWN_ROWS),
        types={name: str(dtype) for name, dtype in piece.accepted.schema.items()},
        accepted=len(piece.accepted),
        rejected=len(piece.rejected),
        sentences=(
            *by_name,
            *([early] if early else []),
            *piece.notes,
            *piece.warnings,
            *([reasons(piece.rejected)] if len(piece.rejected) else []),
        ),
    )


def _told(source: Source, unused: tuple[str, ...]) -> tuple[str, ...]:
    """A header may be a row of values: of files about people, only the number of columns is told."""
    return (counted(len(unused), "column"),) if source.is_individual and unused else unused


def shown_name(source: Source, path: Path) -> str:
    """Return what a file is called: suppliers call those about people after meters and users.

    Parameters
    ----------
    source
        Whose file it is.
    path
        The file.
    """
    return "the file" if source.is_individual else path.name


def draft(source: Source, path: Path) -> str:
    """Return the YAML of a layout to be completed; what was guessed says so.

    Parameters
    ----------
    source
        Whose file it is. Of files about people no name of a column is written that is not known.
    path
        The file.

    Raises
    ------
    Unreadable
        If there is nothing to draft, in a sentence with its name.
    """
    kind = _kind(source, path)
    if kind.format is None:
        why = ": no layout reads it" if kind.encoding is None else ", and no columns were found in it"
        raise Unreadable(f"{shown_name(source, path)} is {kind.words}{why}")
    known = _known(source, path)
    shown = _on_one_line(shown_name(source, path))
    said_kind = _on_one_line(kind.said(individual=source.is_individual))
    lines = [
        f"# Draft of a layout for {source.name}: {shown} is {said_kind}.",
        *([f"# The layout {_on_one_line(known.name)} reads it already, without this one."] if known else []),
        "# Complete what is marked with ?, and look at what was guessed.",
        f"name: {_scalar('my-layout' if source.is_individual else _slug(path))}",
        f"files: {_scalar('*' + _ending(source, path))}",
    ]
    lines += _way(source, kind)
    needs, takes = source.said_fields
    if not TIMES.isdisjoint({*needs, *takes}):
        lines += TIME_HINTS
    columns = _columns(source, path, kind)
    guessed = _guesses([*needs, *takes], columns, loosely=not source.is_individual)
    lines.append("columns:")
    lines += [_line(name, guessed.get(name), sentence) for name, sentence in needs.items()]
    optional = [_line(name, guessed.get(name), sentence) for name, sentence in takes.items()]
    # A heading with nothing but remarks under it would say that it is empty.
    has_guess = any(name in guessed for name in takes)
    lines += ["optional:" if has_guess else "# optional:", *optional] if optional else []
    read = [name for origin in guessed.values() for name in ([origin] if isinstance(origin, str) else origin["join"])]
    rest = [each for each in columns if each not in read]
    if rest and not source.is_individual:
        lines.append(f"# not read: {', '.join(map(_on_one_line, rest))}")
    elif rest:
        lines.append(f"# not read: {counted(len(rest), 'column')}")
    return "\n".join(lines) + "\n"


def _way(source: Source, kind: sniff.FileKind) -> list[str]:
    """Lines of a draft on how the file is written, and what is around its rows."""
    lines = []
    said = {"format": kind.format, "encoding": kind.encoding, "delimiter": kind.delimiter, "decimal": kind.decimal}
    usual = {"format": "delimited", "encoding": "utf-8", "delimiter": ",", "decimal": "."}
    if kind.encoding_is_open:
        lines.append("# encoding: ?    # it is not UTF-8: say the encoding, such as cp1252 or cp1250")
        del said["encoding"]
    lines += [
        f"{name}: {_scalar(value)}    # guessed" for name, value in said.items() if value not in (None, usual[name])
    ]
    if not kind.header:
        lines += [
            "header: false    # guessed",
            f"# names: ?    # of {_width(kind)} in order; or say of a field {{position: 1}}",
        ]
    where = {"path": (kind.path, "leads to the rows"), "element": (kind.element, "of which each is a row")}
    lines += [_where(source, name, value, sentence) for name, (value, sentence) in where.items() if value]
    if kind.path_in_lines:
        inside = "?" if source.is_individual else _scalar(kind.path_in_lines)
        lines.append(f"# path: {inside}    # if a line is a page and the rows are inside it")
    if kind.preamble_lines:
        other = "; where their number changes, skip_until has a pattern of the header instead"
        lines.append(f"skip_lines: {kind.preamble_lines}    # guessed{other}")
    if kind.has_footer:
        lines.append("# footer: ?    # pattern of the line that ends the table: lines with fewer fields follow it")
    return lines


def _kind(source: Source, path: Path) -> sniff.FileKind:
    """What a file is; what a library raises over it is not passed on, because its text may quote the file."""
    try:
        return sniff.describe(path, source.limits)
    except Exception as error:
        return sniff.FileKind(f"a file that {unforeseen(error)}")


def _known(source: Source, path: Path) -> Layout | None:
    """The layout that reads a file as it stands; what a library raises over it is no answer."""
    try:
        return source.shelf.find(path, path.name, source.limits)
    except Exception:
        return None


def _columns(source: Source, path: Path, kind: sniff.FileKind) -> tuple[str, ...]:
    """Return the columns of a file as it calls them; of one about people only what looks like names."""
    if source.is_individual or kind.format is None or not kind.header:
        return tuple(kind.columns)
    layout = sniff.draft(kind, "draft")
    try:
        if kind.format in ("json", "json-lines"):
            rows = next(records.records(path, layout, source.limits)).rows.drop(LINE)
            return tuple(sniff.inner_names(rows.select(pl.all().drop_nulls().first()).to_dicts()[0]))
        return tuple(records.header(path, layout, source.limits)) or tuple(kind.columns)
    except Exception:
        return tuple(kind.columns)


def _width(kind: sniff.FileKind) -> str:
    return f"the {counted(kind.width, 'column')}" if kind.width else "the columns"


def _where(source: Source, name: str, value: str, sentence: str) -> str:
    """Where the rows of a document are; a key or a tag may be a value, so of files about people it is only asked."""
    return f"# {name}: ?    # {sentence}" if source.is_individual else f"{name}: {_scalar(value)}"


def _line(name: str, origin: Guess | None, sentence: str) -> str:
    if origin is None:
        return f"  # {name}: ?    # {sentence}"
    return f"  {name}: {_scalar(origin)}    # guessed; {sentence}"


def _guesses(wanted: Sequence[str], header: Sequence[str], *, loosely: bool) -> dict[str, Guess]:
    """Columns by the field that their names mean, each at most once; the day and the clock of a moment together.

    Loosely, what is spelled nearly like a word is taken for it: of files about people it may be a value, as
    `device42` in a file without a header.
    """
    free = {canonical(name).replace("_", " ").removeprefix(PROPERTIES).replace(".", " "): name for name in header}
    if loosely:
        # Of `product.name` in JSON, the last part says what it is.
        free = {**{canonical(name.rpartition(".")[2]): name for name in reversed(header) if "." in name}, **free}
    found: dict[str, Guess] = {}
    days, clocks = ([free[word] for word in of_one if word in free] for of_one in (DAYS, CLOCKS))
    if (moment := next((name for name in MOMENTS if name in wanted), None)) and days and clocks:
        taken = {days[0], clocks[0]}
        free = {word: name for word, name in free.items() if name not in taken}
        found[moment] = {"join": [days[0], clocks[0]]}
    for name in wanted:
        if name in found:
            continue
        words = (name.replace("_", " "), *SYNONYMS.get(name, ()))
        match = next((word for word in words if word in free), None)
        if match is None and (codes := OF_CODES.get(name)) is not None:
            match = next((word for word in free if codes.fullmatch(word)), None)
        if match is None and loosely:
            long = [word for word in words if len(word) >= SHORTEST_ALIKE]
            close = [hit for word in long for hit in difflib.get_close_matches(word, free, n=1, cutoff=ALIKE)]
            match = close[0] if close else None
        if match is not None:
            found[name] = taken_column = free[match]
            free = {word: column for word, column in free.items() if column != taken_column}
    return found


def _scalar(value: object) -> str:
    """As YAML on one line, whatever it holds: `off` and a long sentence, too."""
    said = _dumped(value, allow_unicode=True)
    # Marks that turn the direction of text, and others that a terminal obeys, are written by their numbers.
    return said if said.isprintable() else _dumped(value, allow_unicode=False)


def _dumped(value: object, *, allow_unicode: bool) -> str:
    said = yaml.safe_dump(value, allow_unicode=allow_unicode, default_flow_style=True, width=sys.maxsize)
    return said.removesuffix("...\n").strip()


def _on_one_line(text: str) -> str:
    """Text for a remark, which ends with its line."""
    return text if text.isprintable() else _scalar(text)


def _ending(source: Source, path: Path) -> str:
    """How names like that of a file end; of a file about people only what says a format."""
    return path.suffix if not source.is_individual or path.suffix.lower() in ENDINGS else ""


def _slug(path: Path) -> str:
    kept = "".join(mark if mark.isalnum() else "-" for mark in path.name.split(".")[0].lower())
    return "-".join(part for part in kept.split("-") if part) or "my-layout"
