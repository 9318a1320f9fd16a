"""A bounded first-in-first-out buffer of lines, in memory and then in a temporary file."""

import asyncio
import shutil
import tempfile
from collections import deque
from typing import IO

_MAX_MEMORY_BYTES = 1 << 20
_PIECE_BYTES = 64 * 1024

# Left free on the disk: metrics and quotas are mapped files there, and a process that writes to a
# new page of one is killed (SIGBUS) when the disk is full.
RESERVED_BYTES = 8 * 1024 * 1024


class LineBuffer:
    """Lines that wait for the client: in memory, then in a file of `max_bytes`, then `put` waits.

    Most HTTP clients send the whole body before they read the answer. If the service stopped
    reading as soon as its answers are not taken, both would wait for each other forever.

    Attributes:
        waiting: bytes that were put and not taken.
    """

    def __init__(self, *, max_bytes: int) -> None:
        self.waiting = 0
        self._max_bytes = max_bytes
        self._memory: deque[bytes] = deque()
        self._file: IO[bytes] | None = None
        self._start = self._end = 0  # of what waits in the file
        self._changed = asyncio.Condition()
        self._ended = False
        self._error: Exception | None = None

    async def put(self, lines: bytes) -> None:
        """Add whole `lines`, as soon as there is room for them."""
        async with self._changed:
            while not await self._store(lines):
                await self._changed.wait()
            self.waiting += len(lines)
            self._changed.notify_all()

    async def take(self) -> bytes:
        """Return some of the oldest lines, each whole, as soon as there are any; b"" at the end.

        Raises:
            Exception: the error that the lines ended with.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self.waiting or self._ended)
            if self._memory:
                lines = self._take_from_memory()
            elif self.waiting and self._file:
                lines = await asyncio.to_thread(self._take_from_file, self._file)
            elif self._error:
                raise self._error
            else:
                return b""
            self.waiting -= len(lines)
            self._changed.notify_all()
            return lines

    async def end(self, error: Exception | None = None) -> None:
        """Let the lines end once the waiting ones are taken. Only the first call counts."""
        async with self._changed:
            if not self._ended:
                self._ended, self._error = True, error
                self._changed.notify_all()

    def close(self) -> None:
        """Drop what waits."""
        if self._file:
            self._file.close()

    async def _store(self, lines: bytes) -> bool:
        fits = self.waiting + len(lines) <= _MAX_MEMORY_BYTES and self._start == self._end
        if fits or not self.waiting:
            self._memory.append(lines)
            return True
        return await asyncio.to_thread(self._store_in_file, lines)

    def _store_in_file(self, lines: bytes) -> bool:
        end = self._end + len(lines)
        try:
            free = shutil.disk_usage(tempfile.gettempdir()).free
            if end > self._max_bytes or free < RESERVED_BYTES + len(lines):
                return False
            self._file = self._file or tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
            self._file.seek(self._end)
            if self._file.write(lines) < len(lines):
                return False
        except OSError:
            # A disk that cannot be written to is like a full one.
            return False
        self._end = end
        return True

    def _take_from_memory(self) -> bytes:
        lines = self._memory.popleft()
        while self._memory and len(lines) + len(self._memory[0]) <= _PIECE_BYTES:
            lines += self._memory.popleft()
        return lines

    def _take_from_file(self, file: IO[bytes]) -> bytes:
        file.seek(self._start)
        piece = file.read(_PIECE_BYTES)
        lines = piece[: piece.rfind(b"\n") + 1] or piece
        self._start += len(lines)
        if self._start == self._end:
            file.truncate(0)
            self._start = self._end = 0
        return lines
