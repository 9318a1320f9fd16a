"""The pictures in a file, an archive, an array or a table, without unpacking anything to disk."""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import groupby
from pathlib import Path, PurePath, PurePosixPath
from typing import IO, Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from service.imaging import is_picture
from service.scoring.pieces import (
    Item,
    Open,
    Piece,
    Unread,
    UnreadableContent,
    is_address,
)
from service.scoring.tables import ANY_COLUMNS, Columns, Table, is_table, is_text_table, open_table

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


class Survey:
    """What listing finds out beside the pictures.

    Attributes:
        skipped: how many files are no pictures.
        tables: of each table the schema of what it carries to the results.
        stamps: of each table what changes when it does.
    """

    def __init__(self) -> None:
        self.skipped = 0
        self.tables: dict[str, Any] = {}
        self.stamps: dict[str, str] = {}

    def to_json(self) -> str:
        """Return the stamps as JSON in ASCII."""
        return json.dumps(self.stamps)


class Contents:
    """Finds pictures; keeps the last archive and the last table open.

    Args:
        max_bytes: the largest file or member that is read.
        columns: where the pictures of tables are.
        opens: opens a file, here or elsewhere.
    """

    def __init__(
        self, max_bytes: int, columns: Columns = ANY_COLUMNS, opens: Open = open_file
    ) -> None:
        self._max_bytes = max_bytes
        self._columns = columns
        self._opens = opens
        self._archive: ZipFile | None = None
        self._archive_path = ""
        self._members: Sequence[ZipInfo] = ()
        self._table: Table | None = None
        self._table_path = ""

    def pieces(self, path: str, survey: Survey, *, named: bool) -> Iterator[Piece]:
        """Yield what the file at `path` contains; one piece if it cannot be opened.

        Args:
            path: where it is.
            survey: is told what else there is.
            named: somebody named this file; one that was found may be no picture.

        Raises:
            UnreadableContent: it is named, and a table that cannot be read.
        """
        if is_text_table(path) and not named:
            survey.skipped += 1
        elif is_table(path):
            try:
                yield Piece(path, 0, self.survey_table(path, survey))
            except UnreadableContent:
                if named:
                    raise
                yield Piece(path)
        elif is_array(path):
            with suppress(UnreadableContent):
                yield Piece(path, 0, len(open_array(path)))
                return
            yield Piece(path)
        elif is_archive(path):
            try:
                yield from self._archive_pieces(path, survey)
            except UnreadableContent:
                yield Piece(path)
            self.close()
        elif named or may_be_picture(path, partial(self._opens, path)):
            yield Piece(path)
        else:
            survey.skipped += 1

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
            if is_table(piece.source):
                yield from self._table_loads(piece)
            elif is_array(piece.source) or is_archive(piece.source):
                items = _array_items if is_array(piece.source) else self._archive_items
                for item in items(piece):
                    yield partial(_same, item)
            else:
                yield partial(self._file_item, piece.source)

    def close(self) -> None:
        """Close the archive that is open."""
        if self._archive is not None:
            with suppress(OSError):
                self._archive.close()
        self._archive, self._archive_path, self._members = None, "", ()

    def _file_item(self, path: str) -> Item:
        return Item(path, None, self._file_content(path))

    def _file_content(self, path: str) -> bytes | Unread:
        try:
            with self._opens(path) as file:
                return self.limited(file.read(self._max_bytes + 1))
        except Exception as error:
            # Which one it is depends on where the file is.
            reason = getattr(error, "strerror", None) or f"{error!s:.200}"
            return Unread("unreadable-file", f"the file cannot be read ({reason})")

    def survey_table(self, path: str, survey: Survey) -> int:
        """Return the number of rows of the table at `path`, and tell `survey` the rest.

        Raises:
            UnreadableContent: it cannot be read.
        """
        survey.stamps[path] = self.stamp(path)
        table = open_table(path, self._opens, self._columns)
        try:
            rows, survey.tables[path] = table.survey()
        finally:
            table.close()
        return rows

    def _table_loads(self, piece: Piece) -> Iterator[Callable[[], Item]]:
        missing = Unread("unreadable-table", "the table has become shorter since it was listed")
        number = piece.start
        try:
            for picture, cells in self._table_at(piece).rows(piece.start, piece.stop):
                yield partial(self._row_item, piece.source, number, picture, cells)
                number += 1
        except UnreadableContent as error:
            missing = error.unread
        for row in range(number, piece.stop):
            yield partial(_same, Item(piece.source, str(row), missing))

    def _row_item(
        self, table: str, number: int, picture: bytes | str | None, cells: Mapping[str, Any]
    ) -> Item:
        if not picture:
            content: bytes | Unread = Unread("unreadable-table", "the row has no picture")
        elif isinstance(picture, bytes):
            content = self.limited(picture)
        else:
            # Paths are relative to the table.
            folder = os.path.dirname(table)  # noqa: PTH120 - of an address too
            below = picture if is_address(picture) else os.path.join(folder, picture)  # noqa: PTH118
            content = self._file_content(below)
        return Item(table, str(number), content, cells)

    def _table_at(self, piece: Piece) -> Table:
        """Return the open table if the rows are still to come, else open it: text has no index."""
        table = self._table
        if table is None or self._table_path != piece.source or not table.can_reach(piece.start):
            if table is not None:
                table.close()
            self._table = None
            table = open_table(piece.source, self._opens, self._columns)
            self._table, self._table_path = table, piece.source
        return table

    def limited(self, content: bytes | Unread) -> bytes | Unread:
        """Return `content`, or that it is too large."""
        if isinstance(content, Unread) or len(content) <= self._max_bytes:
            return content
        return Unread(
            "file-too-large", f"larger than {self._max_bytes} bytes, the NUMERAL_MAX_BODY_BYTES"
        )

    def _archive_pieces(self, path: str, survey: Survey) -> Iterator[Piece]:
        """Yield the runs of members that may be pictures."""

        def is_read(numbered: tuple[int, ZipInfo]) -> bool:
            _, member = numbered
            name = member.filename
            if member.is_dir() or _is_hidden(name):
                return False
            if may_be_picture(name, partial(self._open_member, member)):
                return True
            survey.skipped += 1
            return False

        for read, run in groupby(enumerate(self._members_of(path)), is_read):
            numbers = [number for number, _ in run]
            if read:
                yield Piece(path, numbers[0], numbers[-1] + 1)

    def _archive_items(self, piece: Piece) -> Iterator[Item]:
        members: Sequence[ZipInfo] = ()
        missing = Unread("unreadable-archive", "the archive has lost members since it was listed")
        try:
            members = self._members_of(piece.source)
        except UnreadableContent as error:
            missing = error.unread
        for number in range(piece.start, piece.stop):
            if number < len(members):
                member = members[number]
                yield Item(piece.source, member.filename, self._member_content(member))
            else:
                yield Item(piece.source, None, missing)

    def _member_content(self, member: ZipInfo) -> bytes | Unread:
        if member.flag_bits & _ZIP_ENCRYPTED:
            return Unread("unreadable-archive", "the member is encrypted; unpack the archive")
        if member.compress_type not in _ZIP_METHODS:
            reason = "the member is neither stored nor deflated; compress it again"
            return Unread("unreadable-archive", reason)
        try:
            with self._open_member(member) as file:
                # Without a size it unpacks everything, whatever the header announces.
                return self.limited(file.read(self._max_bytes + 1))
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
                reason = getattr(error, "strerror", None) or str(error)
                detail = f"it cannot be opened as a complete ZIP archive ({reason})"
                raise UnreadableContent("unreadable-archive", detail) from error
            self._archive, self._archive_path = archive, path
            members = archive.infolist()
            if _share_bytes(members):
                self.close()
                raise UnreadableContent("unreadable-archive", "its members overlap: a ZIP bomb")
            self._members = members
        return self._members


def is_archive(path: str) -> bool:
    """Tell whether the name of the file at `path` is that of an archive."""
    return path.lower().endswith(".zip")


def is_array(path: str) -> bool:
    """Tell whether the name of the file at `path` is that of an array."""
    return path.lower().endswith(".npy")


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


def _array_items(piece: Piece) -> Iterator[Item]:
    missing = Unread("unreadable-array", "the array has become shorter since it was listed")
    number = piece.start
    try:
        while number < piece.stop:
            array = open_array(piece.source)
            several = max(1, _MAPPED_BYTES // array[0].size)
            if number >= len(array):
                break
            for image in array[number : min(piece.stop, number + several)]:
                # A copy, independent of the mapped file.
                yield Item(piece.source, str(number), np.array(image))
                number += 1
    except UnreadableContent as error:
        missing = error.unread
    for _ in range(number, piece.stop):
        yield Item(piece.source, None, missing)


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


def _same(item: Item) -> Item:
    return item
