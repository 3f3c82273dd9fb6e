"""Green Button (NAESB ESPI) XML: interval readings with what their reading type and usage point say of them.

A feed of Atom entries, linked by addresses: a block of intervals lies `up` of a meter reading, whose
related link names its reading type. Entries come in any order, so the file is read twice: for the types,
then for the readings.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from ons_assets.intake.blocks import Block, rejected_rows
from ons_assets.intake.containers import parts
from ons_assets.intake.layouts import Layout
from ons_assets.intake.limits import Limits
from ons_assets.intake.streams import Stream
from ons_assets.intake.unreadable import Unreadable
from ons_assets.intake.xml_rows import Element, Walker

ROWS = 50_000
SCHEMA = {
    "usage_point": pl.String(),
    "title": pl.String(),
    "commodity": pl.String(),
    "flow_direction": pl.String(),
    "unit": pl.String(),
    "start": pl.Int64(),
    "duration": pl.Int64(),
    "value": pl.Float64(),
    "quality": pl.String(),
    "line": pl.Int64(),
}
# Codes of ESPI; others are given as they are.
UNITS = {"72": "Wh", "38": "W", "42": "m3", "119": "ft3", "132": "Btu", "169": "therm"}
COMMODITIES = {"0": "none", "1": "electricity", "2": "electricity", "7": "gas"}
DIRECTIONS = {"1": "forward", "19": "reverse", "4": "net"}
READING_TYPE, USAGE_POINT, INTERVAL, BLOCK = "ReadingType", "UsagePoint", "IntervalReading", "IntervalBlock"


@dataclass
class _Entry:
    links: dict[str, list[str]] = field(default_factory=dict)
    title: str | None = None
    kind: str | None = None
    values: dict[str, str] = field(default_factory=dict)


@dataclass
class _Feed:
    """What the first reading finds, by address."""

    types: dict[str, dict[str, str]] = field(default_factory=dict)
    readings: dict[str, list[str]] = field(default_factory=dict)
    points: dict[str, str | None] = field(default_factory=dict)


class _Types(Walker):
    """The first reading: reading types, meter readings and usage points."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.feed = _Feed()
        self._entry = _Entry()

    def started(self, element: Element) -> None:
        if element.name == "entry":
            self._entry = _Entry()
        elif element.name == "link":
            link = element.attributes
            self._entry.links.setdefault(link.get("rel", ""), []).append(link.get("href", ""))
        elif element.name in (READING_TYPE, USAGE_POINT, "MeterReading"):
            self._entry.kind = element.name

    def ended(self, element: Element) -> None:
        text = "".join(element.text).strip()
        parent = self.open[-2].name if len(self.open) > 1 else ""
        if parent == READING_TYPE and not element.has_children:
            self._entry.values[element.name] = text
        elif element.name == "title" and parent == "entry":
            self._entry.title = text or None
        elif element.name == "entry":
            self._keep()

    def _keep(self) -> None:
        entry, own = self._entry, next(iter(self._entry.links.get("self", [])), "")
        if entry.kind == READING_TYPE:
            self.feed.types[own or f"#{len(self.feed.types)}"] = entry.values
        elif entry.kind == "MeterReading":
            self.feed.readings[own] = entry.links.get("related", [])
        elif entry.kind == USAGE_POINT:
            self.feed.points[_resource(own, USAGE_POINT)] = entry.title


class _Readings(Walker):
    """The second reading: intervals."""

    def __init__(self, limits: Limits, feed: _Feed, rows: int) -> None:
        super().__init__(limits)
        self._feed, self._rows = feed, rows
        self._up = self._own = ""
        self._values: dict[str, str] = {}
        self._found: list[tuple[object, ...]] = []
        self._rejected: list[tuple[int, str, str]] = []
        self.count = 0
        self._of: tuple[str | None, str | None, str | None, str | None, str | None, float] | None = None

    def started(self, element: Element) -> None:
        if element.name == "entry":
            self._up = self._own = ""
            self._of = None
        elif element.name == "link" and element.attributes.get("rel") == "up":
            self._up = element.attributes.get("href", "")
        elif element.name == "link" and element.attributes.get("rel") == "self":
            self._own = element.attributes.get("href", "")
        elif element.name == INTERVAL:
            self._values = {}

    def ended(self, element: Element) -> None:
        if element.name == INTERVAL:
            self._finish()
        elif not element.has_children and any(each.name == INTERVAL for each in self.open[-3:-1]):
            self._values.setdefault(element.name, "".join(element.text).strip())

    def full(self) -> Iterator[Block]:
        if len(self._found) >= self._rows:
            yield self.block(False)

    def block(self, ends_inside: bool) -> Block:
        rows = pl.DataFrame(self._found, schema=SCHEMA, orient="row")
        block = Block(rows, rejected_rows(self._rejected), ends_inside_record=ends_inside)
        self._found, self._rejected = [], []
        return block

    def _finish(self) -> None:
        self.count += 1
        values = self._values
        try:
            start, duration = int(values["start"]), int(values.get("duration", 0)) or None
            value = float(values["value"])
        except (KeyError, ValueError, OverflowError):
            self._rejected.append((self.count, "interval without a start or a value that can be read", ""))
            return
        if self._of is None:
            self._of = self._said()
        point, title, commodity, direction, unit, factor = self._of
        self._found.append(
            (
                point,
                title,
                commodity,
                direction,
                unit,
                start,
                duration,
                value * factor,
                values.get("quality"),
                self.count,
            )
        )

    def _said(self) -> tuple[str | None, str | None, str | None, str | None, str | None, float]:
        """Return what the feed says of the readings of this entry."""
        reading = _resource(self._up or self._own, "MeterReading")
        related = self._feed.readings.get(reading) or next(
            (links for own, links in self._feed.readings.items() if _resource(own, "MeterReading") == reading), []
        )
        types = self._feed.types
        kind = next((types[link] for link in related if link in types), None)
        if kind is None and len(types) == 1:
            kind = next(iter(types.values()))
        kind = kind or {}
        points = self._feed.points
        only = next(iter(points)) if len(points) == 1 else ""
        point = _resource(reading, USAGE_POINT) if f"/{USAGE_POINT}/" in reading else only
        power = kind.get("powerOfTenMultiplier", "0") or "0"
        uom = kind.get("uom")
        commodity, direction = kind.get("commodity"), kind.get("flowDirection")
        return (
            point.rstrip("/").rsplit("/", 1)[-1] or None,
            points.get(point, points.get(only)),
            COMMODITIES.get(commodity, commodity) if commodity else None,
            DIRECTIONS.get(direction, direction) if direction else None,
            UNITS.get(uom, f"uom {uom}") if uom else None,
            10.0 ** int(power) if power.lstrip("+-").isdigit() and len(power) <= 3 else 1.0,
        )


def blocks(
    path: Path, layout: Layout, limits: Limits, columns: Collection[str] | None, rows: int = ROWS
) -> Iterator[Block]:
    """Yield interval readings; `line` is the number of the reading in the file, the first being 1.

    Columns: usage_point (last part of its address) and title; commodity (electricity, gas), flow_direction
    (forward: from the grid; reverse: to it), unit (Wh, W, m3, ...; null without a reading type), start
    (seconds of the epoch), duration (seconds), value (in the unit, scaled by its power of ten), quality (code).

    Parameters
    ----------
    path
        The file; it is read twice.
    layout
        Says the members of a zip.
    limits
        On what it unpacks to.
    columns
        That are needed; all of them if None.
    rows
        Of a block.

    Raises
    ------
    Unreadable
        If it is not well-formed or has no interval reading.
    """
    for part, again in zip(parts(path, limits, layout.member), parts(path, limits, layout.member), strict=True):
        types = _Types(limits)
        for _ in types.walk(part.stream, lambda: iter(())):
            pass
        readings = _Readings(limits, types.feed, rows)
        for block in _readings(readings, again.stream):
            kept = (
                block.rows
                if columns is None
                else block.rows.select(*(n for n in SCHEMA if n in columns or n == "line"))
            )
            yield Block(kept, block.rejected, part.name, (), block.ends_inside_record)


def _readings(walker: _Readings, stream: Stream) -> Iterator[Block]:
    yield from walker.walk(stream, walker.full)
    if not walker.count:
        raise Unreadable("is XML without an interval reading")
    yield walker.block(walker.cut_short)


def _resource(address: str, kind: str) -> str:
    """Return the address of a resource of a kind in the address of something below it."""
    parts_of = address.split("/")
    if kind in parts_of:
        place = parts_of.index(kind)
        return "/".join(parts_of[: place + 2])
    return address
