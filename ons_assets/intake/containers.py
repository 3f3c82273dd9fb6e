"""What a file comes in: plain, gzip, Zstandard, or a zip whose members are the parts of the file."""

import errno
import lzma
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import IO

from ons_assets.intake.limits import Limits
from ons_assets.intake.streams import ZIP_MAGIC, Budget, CutShort, Pull, Stream, unpacked
from ons_assets.intake.unreadable import Unreadable

EMPTY_ZIP_MAGIC = b"PK\x05\x06"
WORKBOOK_MEMBERS = ("xl/workbook.xml", "xl/workbook.bin", "content.xml")
MAX_MEMBERS = 100_000
ENCRYPTED = 1
COPIED_BYTES = 1 << 20
PACKED = (".gz", ".zst", ".zip")


@dataclass(frozen=True)
class Part:
    """A file, or a member of one.

    Parameters
    ----------
    name
        Of the member; None if the file is no zip.
    stream
        Its content, unpacked.
    """

    name: str | None
    stream: Stream


def possible_names(name: str) -> tuple[str, ...]:
    """Return what a file may be called in a pattern: as it came and, if it is packed, as it is unpacked."""
    unpacked_name = PurePosixPath(name).stem
    return (name, unpacked_name) if name.casefold().endswith(PACKED) and unpacked_name else (name,)


def is_zip(path: Path) -> bool:
    """Return whether a file begins as a zip does."""
    with path.open("rb") as file:
        return file.read(len(ZIP_MAGIC)) in (ZIP_MAGIC, EMPTY_ZIP_MAGIC)


def is_workbook_zip(path: Path) -> bool:
    """Return whether a zip is a workbook: XLSX, XLSB or ODS."""
    if not is_zip(path):
        return False
    try:
        with opened_zip(path) as archive:
            names = set(archive.namelist())
    except Unreadable:
        return False
    return any(name in names for name in WORKBOOK_MEMBERS)


def parts(path: Path, limits: Limits, member: str = "*", *, of_workbooks: bool = False) -> Iterator[Part]:
    """Yield the parts of a file; each must be read before the next is asked for.

    Parameters
    ----------
    path
        The file.
    limits
        On what it unpacks to, all parts together.
    member
        Pattern of the names of members of a zip, with or without their folders.
    of_workbooks
        Whether members may be zips themselves, as workbooks are.

    Raises
    ------
    Unreadable
        If it is damaged, encrypted, unpacks to too much, or has no such member.
    """
    budget = Budget(limits)
    if not is_zip(path):
        with path.open("rb") as file:
            yield Part(None, Stream(unpacked(file.read), budget))
        return
    with opened_zip(path) as archive:
        chosen = members(archive, member)
        if not chosen:
            raise Unreadable("is a zip file without a member that is to be read")
        for info in chosen:
            if info.flag_bits & ENCRYPTED:
                raise Unreadable("is an encrypted zip file: it can be read only once it was unpacked with its password")
            with archive.open(info) as file:
                yield Part(info.filename, Stream(_member(file, of_workbooks), budget))


@contextmanager
def opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip file; what is wrong with it is raised as `Unreadable`."""
    with _zip_faults(), zipfile.ZipFile(path) as archive:
        yield archive


def members(archive: zipfile.ZipFile, pattern: str = "*") -> list[zipfile.ZipInfo]:
    """Return the members that are meant: no folders, and none of what operating systems leave behind."""
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise Unreadable(f"is a zip file of more than {MAX_MEMBERS} members")
    return [
        info
        for info in infos
        if not info.is_dir()
        and not info.filename.startswith("__MACOSX/")
        and not PurePosixPath(info.filename).name.startswith(".")
        and (fnmatch(info.filename, pattern) or fnmatch(PurePosixPath(info.filename).name, pattern))
    ]


@contextmanager
def as_file(path: Path, part: Part, limit: int, what: str) -> Iterator[Path]:
    """Give a part as a file of its own, for readers that jump to and fro in it.

    Parameters
    ----------
    path
        The file that the part is of; given as it is if nothing in it is packed.
    part
        Not yet read.
    limit
        Most bytes.
    what
        It is, for the sentence if it is larger.

    Raises
    ------
    Unreadable
        If it is larger, or cut short.
    """
    if part.name is None and path.stat().st_size <= limit:
        with path.open("rb") as file:
            first = file.read(64)
        if part.stream.peek(64) == first:
            yield path
            return
    with tempfile.NamedTemporaryFile(prefix="part-") as copy:
        size = 0
        while content := part.stream.read(COPIED_BYTES):
            if (size := size + len(content)) > limit:
                raise Unreadable(f"is {what} of more than {limit} bytes")
            copy.write(content)
        if part.stream.cut_short:
            raise Unreadable("is cut short")
        copy.flush()
        yield Path(copy.name)


def _member(file: IO[bytes], zip_is_content: bool) -> Pull:
    def pull(size: int) -> bytes:
        with _zip_faults():
            try:
                return bytes(file.read(size))
            except EOFError:
                raise CutShort from None

    return unpacked(pull, zip_is_content=zip_is_content)


@contextmanager
def _zip_faults() -> Iterator[None]:
    """Say in a sentence what is wrong with a zip file."""
    try:
        yield
    except zipfile.BadZipFile:
        raise Unreadable("is a damaged zip file or workbook, or one that is cut short") from None
    except (zlib.error, lzma.LZMAError, struct.error, EOFError, ValueError, OverflowError):
        raise Unreadable("is a damaged zip file") from None
    except OSError as error:
        # A place before the beginning of the file, or a stream that bzip2 does not know: not the machine's fault.
        if error.errno not in (None, errno.EINVAL):
            raise
        raise Unreadable("is a damaged zip file") from None
    except NotImplementedError:
        raise Unreadable("is a zip file packed in a way that cannot be read; pack it again with deflate") from None
    except RuntimeError as error:
        if "password" in str(error) or "encrypted" in str(error):
            raise Unreadable("is an encrypted zip file") from None
        raise
