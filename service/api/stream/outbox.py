"""Lines that wait for their caller: a few in memory, many in a file, and then no more are made.

Most HTTP clients send all of their body before they read the answer. If the service stopped reading
as soon as its answers are not taken, the two would wait for each other for ever.
"""

import asyncio
from collections import deque

from service.api.stream.spool import Spool

_MOST_IN_MEMORY = 1 << 20
_PIECE = 64 * 1024


class Outbox:
    """Lines on their way from one task, which puts them in, to another, which takes them out.

    Attributes:
        waiting: bytes that were put in and not taken out.
    """

    def __init__(self, *, max_bytes: int) -> None:
        self.waiting = 0
        self._max_bytes = max_bytes
        self._in_memory: deque[bytes] = deque()
        self._spool: Spool | None = None
        self._spooling = asyncio.Lock()
        self._came, self._went = asyncio.Event(), asyncio.Event()
        self._ended = False
        self._error: Exception | None = None

    async def put(self, lines: bytes) -> None:
        """Add `lines`, each whole, as soon as there is room for them."""
        # Cleared before it is tried: what is taken meanwhile must not be missed.
        self._went.clear()
        while not await self._kept(lines):
            await self._went.wait()
            self._went.clear()
        self.waiting += len(lines)
        self._came.set()

    async def take(self) -> bytes:
        """Some of the oldest lines, as soon as there are any, each whole; nothing after the last.

        Raises:
            Exception: the error that the lines have ended with.
        """
        while not self.waiting and not self._ended:
            self._came.clear()
            await self._came.wait()
        if not self.waiting:
            if self._error:
                raise self._error
            return b""
        lines = self._from_memory() if self._in_memory else await self._from_spool()
        self.waiting -= len(lines)
        self._went.set()
        return lines

    def end(self, error: Exception | None = None) -> None:
        """No lines follow; those that wait are taken first."""
        if not self._ended:
            self._ended, self._error = True, error
            self._came.set()

    def close(self) -> None:
        """Give up what waits."""
        if self._spool:
            self._spool.close()

    async def _kept(self, lines: bytes) -> bool:
        spooled = self._spool and not self._spool.is_empty
        if not self.waiting or (not spooled and self.waiting + len(lines) <= _MOST_IN_MEMORY):
            self._in_memory.append(lines)
            return True
        async with self._spooling:
            return await asyncio.to_thread(self._spooled, lines)

    def _spooled(self, lines: bytes) -> bool:
        try:
            self._spool = self._spool or Spool(max_bytes=self._max_bytes)
        except OSError:
            # A disk that takes no file is like a file that is full.
            return False
        return self._spool.write(lines)

    def _from_memory(self) -> bytes:
        lines = [self._in_memory.popleft()]
        size = len(lines[0])
        while self._in_memory and size + len(self._in_memory[0]) <= _PIECE:
            lines.append(self._in_memory.popleft())
            size += len(lines[-1])
        return b"".join(lines)

    async def _from_spool(self) -> bytes:
        async with self._spooling:
            return await asyncio.to_thread(self._spool.read) if self._spool else b""
