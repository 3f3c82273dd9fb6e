"""XML read piece by piece: an element of a name is a row, whatever the size of the file.

The parser is expat with its own guards against expansion, and no document may declare an entity: what is
not declared can neither be expanded nor fetched.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from ons_assets.intake.blocks import LINE, LINE_OF_FILE, Block, rejected_rows, texts
from ons_assets.intake.layouts import Layout
from ons_assets.intake.limits import Limits
from ons_assets.intake.streams import Stream
from ons_assets.intake.unreadable import Unreadable

CHUNK_BYTES = 1 << 18
ROWS = 50_000
MAX_DEPTH = 200
MAX_NAMES = 10_000
TEXT = "text"


@dataclass
class Element:
    """An element that is open.

    Parameters
    ----------
    name
        Without its namespace.
    attributes
        By their names, without namespaces.
    path
        Names from the element of the row, or from the root, divided by dots.
    text
        Of it so far.
    """

    name: str
    attributes: dict[str, str]
    path: str
    text: list[str] = field(default_factory=list)
    has_children: bool = False


class Walker:
    """Walks through a document and tells of elements; a base for those who know what they look for."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.open: list[Element] = []
        self._size = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.EntityDeclHandler = _refuse_entity

    def started(self, element: Element) -> None:
        """Do what is to be done where an element begins."""

    def ended(self, element: Element) -> None:
        """Do what is to be done where an element ends; its text is complete."""

    def walk(self, stream: Stream, after_chunk: Callable[[], Iterator[Block]]) -> Iterator[Block]:
        """Yield what comes of a stream piece by piece.

        Parameters
        ----------
        stream
            Of a part of a file, unpacked.
        after_chunk
            Yields what was gathered in a piece.

        Raises
        ------
        Unreadable
            If it is not well-formed, nested without measure, or declares entities.
        """
        try:
            is_first = True
            while chunk := stream.read(CHUNK_BYTES):
                # Some writers begin with a blank line, which no declaration may follow.
                self._parser.Parse(chunk.lstrip() if is_first else chunk, False)
                is_first = False
                yield from after_chunk()
            if is_first:
                raise Unreadable("is empty")
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            if error.code in CUT_SHORT and not stream.peek(1):
                self.cut_short = True
                return
            raise Unreadable(f"is not well-formed XML (line {error.lineno})") from None

    cut_short = False

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.open) >= MAX_DEPTH:
            raise Unreadable(f"is XML nested deeper than {MAX_DEPTH} levels")
        own = local(name)
        path = f"{self.open[-1].path}.{own}" if self.open else own
        if self.open:
            self.open[-1].has_children = True
        said = {local(key): value for key, value in attributes.items() if not key.startswith("xmlns")}
        element = Element(own, said, path)
        self.open.append(element)
        self._size = 0
        self.started(element)

    def _end(self, _: str) -> None:
        element = self.open[-1]
        self.ended(element)
        self.open.pop()

    def _characters(self, text: str) -> None:
        self._size += len(text)
        if self._size > self.limits.line_bytes:
            raise Unreadable(f"has an element of more than {self.limits.line_bytes} characters")
        # What is between children is layout, and of the root it would be gathered without end.
        if self.open and not self.open[-1].has_children:
            self.open[-1].text.append(text)


CUT_SHORT = (
    expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
    expat.errors.codes[expat.errors.XML_ERROR_PARTIAL_CHAR],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION],
)


def local(name: str) -> str:
    """Return a name without the prefix of its namespace, be it declared or not."""
    return name.rsplit(":", 1)[-1]


def blocks(
    stream: Stream, layout: Layout, limits: Limits, columns: Collection[str] | None, rows: int = ROWS
) -> Iterator[Block]:
    """Yield elements as rows of text; `line` is the number of the row, the first being 1.

    Children are columns by their names, theirs as `child.grandchild`, attributes as `@name` and
    `child.@name`, the text of the element itself as `text`; a child that comes again is `child.2`. What
    the elements around a row have said before it is in columns by its path from the root: `export.meter.@id`.

    Parameters
    ----------
    stream
        Of a part of a file, unpacked.
    layout
        Says the element.
    limits
        On one row.
    columns
        That are needed; all of them if None.
    rows
        Of a block.

    Raises
    ------
    Unreadable
        If it is not well-formed, has none of the elements, or declares entities.
    """
    if layout.element is None:
        raise Unreadable("is XML: say element, of which each is a row")
    walker = _Rows(limits, local(layout.element), columns, rows)
    yield from walker.walk(stream, walker.full)
    if walker.cut_short and walker.inside:
        walker.rejected.append((walker.count + 1, "cut short", ""))
    if not walker.count and not walker.rejected:
        raise Unreadable("is XML without an element of the name that the layout says")
    yield walker.block(walker.cut_short)


class _Rows(Walker):
    """Gathers rows."""

    def __init__(self, limits: Limits, element: str, columns: Collection[str] | None, rows: int) -> None:
        super().__init__(limits)
        self._element, self._columns, self._rows = element, columns, rows
        self._names: dict[str, None] = dict.fromkeys(columns or ())
        self._around: dict[str, str] = {}
        self._found: list[dict[str, str | None]] = []
        self._numbers: list[int] = []
        self._row: dict[str, str] = {}
        self._row_size = 0
        self._depth = 0
        self.rejected: list[tuple[int, str, str]] = []
        self.count = 0

    @property
    def inside(self) -> bool:
        """Whether an element that is a row is open."""
        return self._depth > 0

    def started(self, element: Element) -> None:
        if not self.inside:
            if element.name == self._element:
                self._row, self._row_size, self._depth = {}, 0, len(self.open)
                element.path = ""
                self._add(element.attributes, "")
                return
            for name, value in element.attributes.items():
                self._beside(f"{element.path}.@{name}", value)
            return
        element.path = element.path.removeprefix(".")
        if element.attributes:
            self._add(element.attributes, f"{element.path}.")

    def ended(self, element: Element) -> None:
        text = "".join(element.text).strip()
        if not self.inside:
            if text and not element.has_children:
                self._beside(element.path, text)
            elif element.has_children:
                # What an element around rows has said counts only inside of it.
                inner = f"{element.path}."
                for name in [name for name in self._around if name.startswith(inner)]:
                    del self._around[name]
            return
        if len(self.open) > self._depth:
            if text:
                self._put(element.path, text)
            return
        if text:
            self._put(TEXT, text)
        self._depth = 0
        self._finish()

    def full(self) -> Iterator[Block]:
        """Yield a block if there are enough rows."""
        if len(self._found) >= self._rows:
            yield self.block(False)

    def block(self, ends_inside: bool) -> Block:
        """Return what was gathered."""
        block = Block(
            texts(self._found, list(self._names), self._numbers),
            rejected_rows(self.rejected),
            ends_inside_record=ends_inside,
        )
        self._found, self._numbers, self.rejected = [], [], []
        return block

    def _add(self, attributes: dict[str, str], prefix: str) -> None:
        for name, value in attributes.items():
            self._put(f"{prefix}@{name}", value)

    def _put(self, name: str, value: str) -> None:
        self._row_size += len(value)
        if self._row_size > self.limits.line_bytes or len(self._row) >= MAX_NAMES:
            return
        name, again = LINE_OF_FILE if name == LINE else name, 2
        key = name
        while key in self._row:
            key = f"{name}.{again}"
            again += 1
        self._row[key] = value

    def _beside(self, name: str, value: str) -> None:
        if len(self._around) < MAX_NAMES:
            self._around[name] = value

    def _finish(self) -> None:
        self.count += 1
        if self._row_size > self.limits.line_bytes:
            self.rejected.append((self.count, f"element is longer than {self.limits.line_bytes} characters", ""))
            return
        values: dict[str, str | None] = {**self._around, **self._row}
        if self._columns is not None:
            values = {name: values.get(name) for name in self._columns}
        self._names.update(dict.fromkeys(values))
        self._found.append(values)
        self._numbers.append(self.count)


def _refuse_entity(*_: object) -> None:
    raise Unreadable("is XML that declares entities, which is not read")
