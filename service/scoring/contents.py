"""The pictures in a file, an archive or an array, without unpacking anything to disk."""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple
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


def is_array(path: str) -> bool:
    """Tell whether the name of the file at `path` is that of an array."""
    return path.lower().endswith(".npy")


def is_archive(path: str) -> bool:
    """Tell whether the name of the file at `path` is that of an archive."""
    return path.lower().endswith(".zip")


def count_pictures(path: str) -> int:
    """Return how many pictures the file at `path` contains.

    A file that cannot be opened counts as one: its row says what is wrong.
    """
    try:
        if is_array(path):
            return len(_open_array(path))
        if is_archive(path):
            with contextlib.closing(Archives()) as archives:
                return len(archives.members(path))
    except UnreadableContent:
        pass
    return 1


def contents(piece: Piece, archives: "Archives", *, max_bytes: int) -> Iterator[Item]:
    """Yield as many pictures as `piece` lists, even if the file has changed since.

    Args:
        piece: what to read.
        archives: keeps an archive open between pieces.
        max_bytes: the largest file or member that is read.
    """
    if is_array(piece.source):
        yield from _array_contents(piece)
    elif is_archive(piece.source):
        yield from archive_contents(piece, archives, max_bytes=max_bytes)
    else:
        yield Item(piece.source, None, _file_content(Path(piece.source), max_bytes))


def too_large(size: int, max_bytes: int) -> Unread:
    """Return what the row of a file of `size` bytes says."""
    return Unread(
        "file-too-large",
        f"the file has {size} bytes; the limit is {max_bytes} (NUMERAL_MAX_BODY_BYTES)",
    )


def _file_content(path: Path, max_bytes: int) -> bytes | Unread:
    try:
        found = path.stat()
        # Reading a pipe would block, and a device may never end.
        if not stat.S_ISREG(found.st_mode):
            if not stat.S_ISDIR(found.st_mode):
                return Unread("unreadable-file", "neither a file nor a folder")
            next(path.iterdir(), None)
            return Unread("unreadable-file", "it is a folder; name it on the command line")
        if found.st_size > max_bytes:
            return too_large(found.st_size, max_bytes)
        return path.read_bytes()
    except OSError as error:
        return Unread("unreadable-file", f"the file cannot be read ({error.strerror})")


def _open_array(path: str) -> NDArray[np.uint8]:
    try:
        array = open_memmap(path, mode="r", max_header_size=_LONGEST_NPY_HEADER)
    except OSError as error:
        reason = f"the file cannot be opened ({error.strerror})"
        raise UnreadableContent("unreadable-array", reason) from error
    except Exception as error:
        # The header is a Python literal: a damaged one makes its parser raise nearly anything.
        reason = f"not a complete .npy file; {_EXPECTED_ARRAY}"
        raise UnreadableContent("unreadable-array", reason) from error
    if array.dtype != np.uint8 or array.ndim != 3 or 0 in array.shape:
        found = f"{array.dtype} {list(array.shape)}"
        raise UnreadableContent("unreadable-array", f"found {found:.100}; {_EXPECTED_ARRAY}")
    return array


def _array_contents(piece: Piece) -> Iterator[Item]:
    start = piece.start
    while start < piece.stop:
        try:
            array = _open_array(piece.source)
        except UnreadableContent as error:
            yield from _unread_items(piece.source, start, piece.stop, error.unread)
            return
        stop = min(piece.stop, start + max(1, _MAPPED_BYTES // array[0].size))
        for number in range(start, min(stop, len(array))):
            # A copy, independent of the mapped file.
            yield Item(piece.source, str(number), np.array(array[number]))
        for number in range(max(start, len(array)), stop):
            reason = "the array has become shorter since it was listed"
            yield Item(piece.source, str(number), Unread("unreadable-array", reason))
        start = stop


class Archives:
    """ZIP archives, with the last one kept open because its list of members may be long.

    Args:
        opens: turns a path into what ZipFile opens, for paths that are not on this machine.
    """

    def __init__(self, opens: Callable[[str], str | IO[bytes]] = str) -> None:
        self._opens = opens
        self._path: str | None = None
        self._archive: ZipFile | None = None
        self._members: Sequence[ZipInfo] = ()

    def members(self, path: str) -> Sequence[ZipInfo]:
        """Return the files in the archive at `path` in their order, without hidden ones.

        Raises:
            UnreadableContent: it cannot be opened, is not a ZIP archive, or is a bomb.
        """
        self._open(path)
        return self._members

    def read(self, path: str, member: ZipInfo, *, max_bytes: int) -> bytes:
        """Return the content of `member` of the archive at `path`.

        Raises:
            UnreadableContent: it is too large, encrypted, damaged or compressed in a rare way.
        """
        if member.flag_bits & _ZIP_ENCRYPTED:
            reason = "the member is encrypted; unpack the archive"
            raise UnreadableContent("unreadable-archive", reason)
        if member.compress_type not in _ZIP_METHODS:
            reason = "the member is neither stored nor deflated; compress it again"
            raise UnreadableContent("unreadable-archive", reason)
        if member.file_size > max_bytes:
            raise UnreadableContent(*too_large(member.file_size, max_bytes))
        try:
            with self._open(path).open(member) as file:
                # Without a size it unpacks everything, whatever the header announces.
                return file.read(member.file_size)
        except UnreadableContent:
            raise
        except Exception as error:
            # A damaged archive makes zipfile raise nearly anything.
            reason = f"the member cannot be unpacked: {error}"
            raise UnreadableContent("unreadable-archive", reason) from error

    def close(self) -> None:
        """Close the archive that is open."""
        if self._archive is not None:
            with contextlib.suppress(OSError):
                self._archive.close()
        self._archive, self._path, self._members = None, None, ()

    def _open(self, path: str) -> ZipFile:
        if self._archive is None or path != self._path:
            self.close()
            try:
                archive = ZipFile(self._opens(path))
            except OSError as error:
                reason = f"it cannot be opened ({error.strerror or error})"
                raise UnreadableContent("unreadable-archive", reason) from error
            except Exception as error:
                reason = f"not a complete ZIP archive: {error}"
                raise UnreadableContent("unreadable-archive", reason) from error
            if _has_overlaps(archive.infolist()):
                archive.close()
                raise UnreadableContent("unreadable-archive", "its members overlap: a ZIP bomb")
            self._archive, self._path = archive, path
            self._members = [each for each in archive.infolist() if not _is_skipped(each)]
        return self._archive


def archive_contents(piece: Piece, archives: Archives, *, max_bytes: int) -> Iterator[Item]:
    """Yield the members of `piece`, an archive that `archives` can open."""
    try:
        members = archives.members(piece.source)
    except UnreadableContent as error:
        yield from _unread_items(piece.source, piece.start, piece.stop, error.unread)
        return
    for member in members[piece.start : piece.stop]:
        content: bytes | Unread
        try:
            content = archives.read(piece.source, member, max_bytes=max_bytes)
        except UnreadableContent as error:
            content = error.unread
        yield Item(piece.source, member.filename, content)
    lost = Unread("unreadable-archive", "the archive has lost members since it was listed")
    start = max(piece.start, len(members))
    yield from _unread_items(piece.source, start, piece.stop, lost)


def _has_overlaps(members: Sequence[ZipInfo]) -> bool:
    # Entries that share their data turn a small file into an endless one.
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


def _unread_items(source: str, start: int, stop: int, unread: Unread) -> Iterator[Item]:
    for _ in range(start, stop):
        yield Item(source, None, unread)
