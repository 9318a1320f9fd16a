"""The pictures in a file, an archive or an array, without unpacking anything to disk."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from service.imaging import Picture

# zipfile can stop unpacking these at any byte; other methods inflate a few bytes to gigabytes.
_ZIP_METHODS = (ZIP_STORED, ZIP_DEFLATED)
_ZIP_ENCRYPTED = 0x1
_ZIP_LOCAL_HEADER_BYTES = 30
_MAC_METADATA = "__MACOSX"

# numpy.save writes 128 bytes for such an array.
_LONGEST_NPY_HEADER = 1024
_EXPECTED_ARRAY = "save uint8 [N, height, width], one grey picture each"

# An array is mapped into memory in slices of this size, so its pages do not pile up.
_MAPPED_BYTES = 64 * 1024 * 1024

Open = Callable[[str], BinaryIO]


class Piece(NamedTuple):
    """A file, or the pictures `start` to `stop` of an array, an archive or a table.

    Attributes:
        source: the path as it was given or found.
        start: the first picture; 0 for a file.
        stop: one after the last; 1 for a file.
    """

    source: str
    start: int = 0
    stop: int = 1


class Unread(NamedTuple):
    """Why a picture could not be read: a stable word and a sentence.

    Text only: an exception would keep its traceback, and with it the bytes of the file.
    """

    error: str
    detail: str


class Item(NamedTuple):
    """One picture before it is read.

    Attributes:
        source: the file that it is, or that contains it.
        member: its name in an archive, its number in an array or a table; None for a file.
        content: a file's bytes, an array's pixels, or why there is neither.
    """

    source: str
    member: str | None
    content: bytes | Picture | Unread


class UnreadableContent(Exception):
    """Error for a file, member or array that yields no picture."""

    def __init__(self, error: str, detail: str) -> None:
        super().__init__(detail)
        self.unread = Unread(error, detail)


def open_file(path: str) -> BinaryIO:
    """Open a file of this machine.

    Raises:
        OSError: it cannot be opened, or reading it might never end, as with a pipe or a device.
    """
    if Path(path).exists() and not (Path(path).is_file() or Path(path).is_dir()):
        raise OSError(0, "it is neither a file nor a folder")
    return Path(path).open("rb")


class Contents:
    """Finds pictures; keeps the last archive open, whose list of members may be long.

    Args:
        max_bytes: the largest file or member that is read.
        opens: opens a file, here or elsewhere.
    """

    def __init__(self, max_bytes: int, opens: Open = open_file) -> None:
        self._max_bytes = max_bytes
        self._opens = opens
        self._archive: ZipFile | None = None
        self._archive_path = ""
        self._members: Sequence[ZipInfo] = ()

    def count(self, path: str) -> int:
        """Return how many pictures the file at `path` contains.

        One that cannot be opened counts as one: its row says what is wrong.
        """
        with suppress(UnreadableContent):
            if is_array(path):
                return len(_open_array(path))
            if is_archive(path):
                with closing(self):
                    return len(self._members_of(path))
        return 1

    def of(self, piece: Piece) -> Iterator[Item]:
        """Yield as many pictures as `piece` lists, even if the file has changed since."""
        if is_array(piece.source):
            yield from _array_items(piece)
        elif is_archive(piece.source):
            yield from self._archive_items(piece)
        else:
            yield self.of_file(piece.source)

    def of_file(self, path: str) -> Item:
        """Return the picture that the file at `path` is."""
        content: bytes | Unread
        try:
            with self._opens(path) as file:
                content = file.read(self._max_bytes + 1)
        except Exception as error:
            # Which one it is depends on where the file is.
            reason = getattr(error, "strerror", None) or f"{error!s:.200}"
            content = Unread("unreadable-file", f"the file cannot be read ({reason})")
        return Item(path, None, self.limited(content))

    def close(self) -> None:
        """Close the archive that is open."""
        if self._archive is not None:
            with suppress(OSError):
                self._archive.close()
        self._archive, self._archive_path, self._members = None, "", ()

    def limited(self, content: bytes | Unread) -> bytes | Unread:
        """Return `content`, or that it is too large."""
        if isinstance(content, Unread) or len(content) <= self._max_bytes:
            return content
        return Unread(
            "file-too-large", f"larger than {self._max_bytes} bytes, the NUMERAL_MAX_BODY_BYTES"
        )

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
            assert self._archive is not None  # noqa: S101 - it has listed the member
            with self._archive.open(member) as file:
                # Without a size it unpacks everything, whatever the header announces.
                return self.limited(file.read(self._max_bytes + 1))
        except Exception as error:
            # A damaged archive makes zipfile raise nearly anything.
            return Unread("unreadable-archive", f"the member cannot be unpacked: {error}")

    def _members_of(self, path: str) -> Sequence[ZipInfo]:
        """Return the files in an archive in their order, without hidden ones."""
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
            self._members = [each for each in members if not _is_skipped(each)]
        return self._members


def is_archive(path: str) -> bool:
    """Tell whether the name of the file at `path` is that of an archive."""
    return path.lower().endswith(".zip")


def is_array(path: str) -> bool:
    """Tell whether the name of the file at `path` is that of an array."""
    return path.lower().endswith(".npy")


def _open_array(path: str) -> NDArray[np.uint8]:
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
            array = _open_array(piece.source)
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


def _is_skipped(member: ZipInfo) -> bool:
    parts = PurePosixPath(member.filename.replace(os.sep, "/")).parts
    hidden = any(part.startswith(".") or part == _MAC_METADATA for part in parts)
    return hidden or member.is_dir()
