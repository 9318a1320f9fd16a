"""The pictures in a file, an archive, an array or a table, without unpacking anything to disk."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import groupby
from pathlib import Path, PurePath, PurePosixPath
from typing import IO, TYPE_CHECKING, BinaryIO, ClassVar
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from service.imaging import UnreadableImage, count_pages, is_picture
from service.scoring.pieces import (
    Item,
    Open,
    PageOfFile,
    Piece,
    Unread,
    UnreadableContent,
    is_address,
    reason_of,
)
from service.scoring.tables import ANY_COLUMNS, Cells, Columns, Table

if TYPE_CHECKING:
    import pyarrow as pa

_KINDS = {
    ".zip": "archive",
    ".npy": "array",
    **dict.fromkeys((".parquet", ".csv", ".jsonl", ".ndjson"), "table"),
}

# zipfile can stop unpacking these at any byte; other methods inflate a few bytes to gigabytes.
_ZIP_METHODS = (ZIP_STORED, ZIP_DEFLATED)
_ZIP_ENCRYPTED = 0x1
_ZIP_LOCAL_HEADER_BYTES = 30
_MAC_METADATA = "__MACOSX"

# A file that is none of these is read if its first bytes are those of a picture. Some are formats
# that cannot be read: their row says so, because a document may be lost otherwise.
_PICTURE_SUFFIXES = re.compile(
    r"\.(a?png|jpe|jpe?g|jfif|gif|bmp|dib|webp|tiff?|hei[cf]|avif|jp2|j2k|jpx|jxl|jbig2|pdf|djvu|svg"
    r"|ico|p[bgnp]m|pcx|tga|psd|xcf|dng|cr2|nef|arw|raw)",
    re.IGNORECASE,
)
_WITH_PAGES = re.compile(r"\.(pdf|tiff?)$", re.IGNORECASE)
_OF_SYSTEMS = ("thumbs.db", "ehthumbs.db", "desktop.ini")
_SIGNATURE_BYTES = 16

# numpy.save writes 128 bytes for such an array.
_LONGEST_NPY_HEADER = 1024
_EXPECTED_ARRAY = "save uint8 [N, height, width], one grey picture each"

# An array is mapped into memory in slices of this size, so its pages do not pile up.
_MAPPED_BYTES = 64 * 1024 * 1024


def open_file(path: str) -> BinaryIO:
    """Open a file of this machine.

    Raises:
        OSError: it cannot be opened, or reading it might never end, as with a pipe or a device.
    """
    if Path(path).exists() and not (Path(path).is_file() or Path(path).is_dir()):
        raise OSError(0, "it is neither a file nor a folder")
    return Path(path).open("rb")


class Contents:
    """Finds pictures; keeps the last archive and the last table open.

    Args:
        max_bytes: the largest file or member that is read.
        all_pages: whether each page of a PDF or TIFF is a picture.
    """

    def __init__(
        self,
        max_bytes: int,
        columns: Columns = ANY_COLUMNS,
        opens: Open = open_file,
        *,
        all_pages: bool = False,
    ) -> None:
        self._max_bytes = max_bytes
        self._columns = columns
        self._opens = opens
        self._all_pages = all_pages
        self._archive: ZipFile | None = None
        self._archive_path = ""
        self._members: Sequence[ZipInfo] = ()
        self._table: Table | None = None
        self._table_path = ""
        self.skipped = 0  # files that were found and are no pictures
        self.stamps: dict[str, str] = {}  # what changes with each table that was found
        self.schemas: list[pa.Schema] = []  # of what these tables carry to the results

    def pieces(self, path: str, *, named: bool) -> Iterator[Piece]:
        """Yield what the file at `path` contains; one piece if it cannot be opened.

        A file that nobody `named`, but that was found, may be no picture.

        Raises:
            UnreadableContent: it is named, and a table that cannot be read.
        """
        kind = self._kind_of(path)
        try:
            if kind == "table" and not (named or path.lower().endswith(".parquet")):
                # Text in a folder may be anything.
                self.skipped += 1
            elif kind == "table":
                yield Piece(path, 0, self._survey(path))
            elif kind == "array":
                yield Piece(path, 0, len(open_array(path)))
            elif kind == "document":
                yield Piece(path, 0, self._pages_of(path))
            elif kind == "archive":
                yield from self._archive_pieces(path)
                self.close()
            elif named or may_be_picture(path, partial(self._opens, path)):
                yield Piece(path)
            else:
                self.skipped += 1
        except UnreadableContent:
            if named and kind == "table":
                raise
            yield Piece(path)

    def stamp(self, path: str) -> str:
        """Return what changes when the file at `path` does."""
        with suppress(OSError):
            found = Path(path).stat()
            return f"{found.st_size} {found.st_mtime_ns}"
        return "missing"

    def of(self, pieces: Iterable[Piece]) -> Iterator[Item]:
        """Yield as many pictures as `pieces` list, even if files have changed since."""
        return (load() for load in self.loads(pieces))

    def loads(self, pieces: Iterable[Piece]) -> Iterator[Callable[[], Item]]:
        """Yield functions that return the items of `of`, and may be called later and at once."""
        for piece in pieces:
            kind = self._kind_of(piece.source)
            if kind is None:
                yield partial(self._file_item, piece.source)
                continue
            number = piece.start
            missing = Unread(
                f"unreadable-{kind}", f"the {kind} has become shorter since it was listed"
            )
            try:
                for load in self._readers[kind](self, piece):
                    yield load
                    number += 1
            except UnreadableContent as error:
                missing = error.unread
            for lost in range(number, piece.stop):
                member = str(lost) if kind == "table" else None
                yield partial(Item, piece.source, member, missing)

    def close(self) -> None:
        """Close the archive that is open."""
        if self._archive is not None:
            with suppress(OSError):
                self._archive.close()
        self._archive, self._archive_path, self._members = None, "", ()

    def _kind_of(self, path: str) -> str | None:
        kind = kind_of(path)
        has_pages = kind is None and _WITH_PAGES.search(path)
        return "document" if self._all_pages and has_pages else kind

    def _pages_of(self, path: str) -> int:
        content = self._file_content(path)
        # The row of a file that cannot be read says why.
        with suppress(UnreadableImage):
            return count_pages(content) if isinstance(content, bytes) else 1
        return 1

    def _document_loads(self, piece: Piece) -> Iterator[Callable[[], Item]]:
        for number in range(piece.start, piece.stop):
            yield partial(self._file_item, piece.source, number + 1)

    def _file_item(self, path: str, page: int | None = None) -> Item:
        content = self._file_content(path)
        if page is None:
            return Item(path, None, content)
        if isinstance(content, bytes):
            return Item(path, str(page), PageOfFile(content, page))
        return Item(path, str(page), content)

    def _file_content(self, path: str) -> bytes | Unread:
        try:
            with self._opens(path) as file:
                return self._limited(file.read(self._max_bytes + 1))
        except Exception as error:
            return Unread("unreadable-file", f"the file cannot be read ({reason_of(error)})")

    def _limited(self, content: bytes) -> bytes | Unread:
        if len(content) <= self._max_bytes:
            return content
        return Unread(
            "file-too-large", f"larger than {self._max_bytes} bytes, the NUMERAL_MAX_BODY_BYTES"
        )

    def _survey(self, path: str) -> int:
        self.stamps[path] = self.stamp(path)
        table = Table(path, self._opens, self._columns)
        with table.file:
            rows, schema = table.survey()
        self.schemas.append(schema)
        return rows

    def _table_loads(self, piece: Piece) -> Iterator[Callable[[], Item]]:
        # The open table serves if the rows are still to come: text has no index.
        table = self._table
        if table is None or self._table_path != piece.source or not table.can_reach(piece.start):
            if table is not None:
                table.file.close()
            self._table = None
            table = self._table = Table(piece.source, self._opens, self._columns)
            self._table_path = piece.source
        for number, row in enumerate(table.rows(piece.start, piece.stop), piece.start):
            yield partial(self._row_item, piece.source, number, *row)

    def _row_item(self, table: str, number: int, picture: bytes | str | None, cells: Cells) -> Item:
        if not picture:
            content: bytes | Unread = Unread("unreadable-table", "the row has no picture")
        elif isinstance(picture, bytes):
            content = self._limited(picture)
        else:
            # Paths are relative to the table, which may be at an address.
            folder = os.path.dirname(table)  # noqa: PTH120
            below = picture if is_address(picture) else os.path.join(folder, picture)  # noqa: PTH118
            content = self._file_content(below)
        return Item(table, str(number), content, cells)

    def _archive_pieces(self, path: str) -> Iterator[Piece]:
        """Yield the runs of members that may be pictures."""

        def is_read(numbered: tuple[int, ZipInfo]) -> bool:
            _, member = numbered
            name = member.filename
            if member.is_dir() or _is_hidden(name):
                return False
            if may_be_picture(name, partial(self._open_member, member)):
                return True
            self.skipped += 1
            return False

        for read, run in groupby(enumerate(self._members_of(path)), is_read):
            numbers = [number for number, _ in run]
            if read:
                yield Piece(path, numbers[0], numbers[-1] + 1)

    def _archive_loads(self, piece: Piece) -> Iterator[Callable[[], Item]]:
        for member in self._members_of(piece.source)[piece.start : piece.stop]:
            # The archive is read by one thread.
            yield partial(Item, piece.source, member.filename, self._member_content(member))

    def _member_content(self, member: ZipInfo) -> bytes | Unread:
        if member.flag_bits & _ZIP_ENCRYPTED:
            return Unread("unreadable-archive", "the member is encrypted; unpack the archive")
        if member.compress_type not in _ZIP_METHODS:
            reason = "the member is neither stored nor deflated; compress it again"
            return Unread("unreadable-archive", reason)
        try:
            with self._open_member(member) as file:
                # Without a size it unpacks everything, whatever the header announces.
                return self._limited(file.read(self._max_bytes + 1))
        except Exception as error:
            # A damaged archive makes zipfile raise nearly anything.
            return Unread("unreadable-archive", f"the member cannot be unpacked: {error}")

    def _open_member(self, member: ZipInfo) -> IO[bytes]:
        assert self._archive is not None  # noqa: S101 - it has listed the member
        return self._archive.open(member)

    def _members_of(self, path: str) -> Sequence[ZipInfo]:
        """Return everything in an archive in its order."""
        if self._archive is None or path != self._archive_path:
            self.close()
            try:
                archive = ZipFile(self._opens(path))
            except Exception as error:
                detail = f"it cannot be opened as a complete ZIP archive ({reason_of(error)})"
                raise UnreadableContent("unreadable-archive", detail) from error
            self._archive, self._archive_path = archive, path
            members = archive.infolist()
            if _share_bytes(members):
                self.close()
                raise UnreadableContent("unreadable-archive", "its members overlap: a ZIP bomb")
            self._members = members
        return self._members

    def _array_loads(self, piece: Piece) -> Iterator[Callable[[], Item]]:
        number = piece.start
        while number < piece.stop:
            array = open_array(piece.source)
            several = max(1, _MAPPED_BYTES // array[0].size)
            if number >= len(array):
                return
            for image in array[number : min(piece.stop, number + several)]:
                # A copy, independent of the mapped file.
                yield partial(Item, piece.source, str(number), np.array(image))
                number += 1

    _readers: ClassVar = {
        "document": _document_loads,
        "table": _table_loads,
        "archive": _archive_loads,
        "array": _array_loads,
    }


def kind_of(path: str) -> str | None:
    """Return what the file at `path` is by its name: archive, array or table; None: a picture."""
    return _KINDS.get(path[path.rfind(".") :].lower())


def may_be_picture(path: str, opens: Callable[[], IO[bytes]]) -> bool:
    """Tell whether a file that was found is read: by its name, or else by its first bytes."""
    name = PurePath(path)
    if _PICTURE_SUFFIXES.fullmatch(name.suffix):
        return True
    if name.name.lower() in _OF_SYSTEMS:
        return False
    try:
        with opens() as file:
            return is_picture(file.read(_SIGNATURE_BYTES))
    except Exception:
        # Its row says what is wrong.
        return True


def open_array(path: str) -> NDArray[np.uint8]:
    """Map the array at `path` into memory.

    Raises:
        UnreadableContent: it is no array of grey pictures.
    """
    if is_address(path):
        reason = "arrays are mapped into memory; copy it to a folder first"
        raise UnreadableContent("unreadable-array", reason)
    try:
        array = open_memmap(path, mode="r", max_header_size=_LONGEST_NPY_HEADER)
    except Exception as error:
        # The header is a Python literal: a damaged one makes its parser raise nearly anything.
        reason = getattr(error, "strerror", None) or f"not a complete .npy file; {_EXPECTED_ARRAY}"
        raise UnreadableContent("unreadable-array", reason) from error
    if array.dtype != np.uint8 or array.ndim != 3 or 0 in array.shape:
        found = f"{array.dtype} {list(array.shape)}"
        raise UnreadableContent("unreadable-array", f"found {found:.100}; {_EXPECTED_ARRAY}")
    return array


def _share_bytes(members: Sequence[ZipInfo]) -> bool:
    """Tell whether entries share data, which turns a small file into an endless one."""
    end = 0
    for member in sorted(members, key=lambda each: each.header_offset):
        if member.header_offset < end:
            return True
        end = member.header_offset + _ZIP_LOCAL_HEADER_BYTES + member.compress_size
    return False


def _is_hidden(name: str) -> bool:
    parts = PurePosixPath(name.replace(os.sep, "/")).parts
    return any(part.startswith(".") or part == _MAC_METADATA for part in parts)
