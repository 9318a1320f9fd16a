"""Pictures in a .zip file. Nothing is unpacked to disk, or past the size that is allowed."""

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from types import TracebackType
from typing import IO, Self
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from service.scoring.errors import FileTooLarge, UnreadableArchive

# zipfile can stop unpacking these at any byte; of others a few bytes become gigabytes at once.
_METHODS = (ZIP_STORED, ZIP_DEFLATED)

_ENCRYPTED = 0x1
_MAC_METADATA = "__MACOSX"


def is_archive(path: str) -> bool:
    """Whether the file at `path` is named like an archive."""
    return path.lower().endswith(".zip")


class Archives:
    """Keeps the archive that was used last open: its list of members may be long.

    with Archives() as archives:
        first, *others = archives.members("scans.zip")
        archives.read("scans.zip", first, max_bytes=10**7)

    Args:
        opens: makes of a path what ZipFile can open, where that is no path of this machine.
    """

    def __init__(self, opens: Callable[[str], str | IO[bytes]] = str) -> None:
        self._opens = opens
        self._path: str | None = None
        self._archive: ZipFile | None = None
        self._members: Sequence[ZipInfo] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    def members(self, path: str) -> Sequence[ZipInfo]:
        """The files in the archive at `path`, as they come, without hidden ones.

        Raises:
            UnreadableArchive: it cannot be opened, or is no ZIP archive.
        """
        self._open(path)
        return self._members

    def read(self, path: str, member: ZipInfo, *, max_bytes: int) -> bytes:
        """The content of `member` of the archive at `path`.

        Raises:
            FileTooLarge: it is larger than `max_bytes`.
            UnreadableArchive: it is encrypted, damaged, or packed in a rare way.
        """
        if member.flag_bits & _ENCRYPTED:
            raise UnreadableArchive("the member is encrypted; unpack the archive")
        if member.compress_type not in _METHODS:
            raise UnreadableArchive("the member is neither stored nor deflated; pack it anew")
        if member.file_size > max_bytes:
            raise FileTooLarge.of(member.file_size, max_bytes)
        try:
            with self._open(path).open(member) as file:
                # As many as are announced: without a number it unpacks all that there is.
                return file.read(member.file_size)
        except UnreadableArchive:
            raise
        except Exception as error:
            # A damaged archive makes zipfile raise nearly anything.
            raise UnreadableArchive(f"the member cannot be unpacked: {error}") from error

    def _open(self, path: str) -> ZipFile:
        if self._archive is None or path != self._path:
            self._close()
            try:
                self._archive = ZipFile(self._opens(path))
            except OSError as error:
                raise UnreadableArchive(
                    f"it cannot be opened ({error.strerror or error})"
                ) from error
            except Exception as error:
                raise UnreadableArchive(f"it is no whole ZIP archive: {error}") from error
            self._path = path
            self._members = [
                member for member in self._archive.infolist() if not _is_passed_over(member)
            ]
        return self._archive

    def _close(self) -> None:
        if self._archive is not None:
            with contextlib.suppress(OSError):
                self._archive.close()
        self._archive, self._path, self._members = None, None, ()


def _is_passed_over(member: ZipInfo) -> bool:
    parts = PurePosixPath(member.filename.replace(os.sep, "/")).parts
    hidden = any(part.startswith(".") or part == _MAC_METADATA for part in parts)
    return hidden or member.is_dir()
