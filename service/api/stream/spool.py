"""Lines in a file that nobody else sees, first in, first out; its calls may wait for the disk."""

import os
from tempfile import TemporaryFile

_PIECE = 64 * 1024

# Bytes that are left to others on the disk. Metrics and quotas lie there too, in files that are
# mapped: a worker that writes to a new page of one is ended by the system (SIGBUS) on a full disk.
RESERVED_BYTES = 8 * 1024 * 1024


class Spool:
    """A file of up to `max_bytes`; what has been read from it makes room once all has."""

    def __init__(self, *, max_bytes: int) -> None:
        self._file = TemporaryFile(buffering=0)  # noqa: SIM115 (`close` closes it)
        self._max_bytes = max_bytes
        self._start = self._end = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to read."""
        return self._start == self._end

    def write(self, lines: bytes) -> bool:
        """Add `lines`; false if there is no room for them, in the file or on the disk."""
        if self._end + len(lines) > self._max_bytes or not self._disk_has_room(len(lines)):
            return False
        self._file.seek(self._end)
        try:
            written = self._file.write(lines)
        except OSError:
            return False
        if written < len(lines):
            return False
        self._end += written
        return True

    def read(self) -> bytes:
        """Some of the oldest lines, each whole."""
        self._file.seek(self._start)
        piece = self._file.read(_PIECE)
        lines = piece[: piece.rfind(b"\n") + 1] or piece
        self._start += len(lines)
        if self._start == self._end:
            self._file.truncate(0)
            self._start = self._end = 0
        return lines

    def _disk_has_room(self, count: int) -> bool:
        if not hasattr(os, "fstatvfs"):
            return True
        disk = os.fstatvfs(self._file.fileno())
        return disk.f_bavail * disk.f_frsize >= RESERVED_BYTES + count

    def close(self) -> None:
        """Give up what is left."""
        self._file.close()
