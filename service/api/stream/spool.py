"""Lines in a file that nobody else sees, first in, first out; its calls may wait for the disk."""

from tempfile import TemporaryFile

_PIECE = 64 * 1024


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
        if self._end + len(lines) > self._max_bytes:
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

    def close(self) -> None:
        """Give up what is left."""
        self._file.close()
