"""What the bodies of all requests in work hold in memory, and who must wait or go for it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from service.errors import TooManyBodies


class HeldBytes:
    """Counts the bytes of all requests; belongs to one event loop."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.total = 0
        self.changed = asyncio.Event()

    @contextmanager
    def holding(self) -> Iterator["Holding"]:
        """The part of one request, which is given back with the block's end."""
        holding = Holding(self)
        try:
            yield holding
        finally:
            holding.close()


class Holding:
    """What one request holds. A request that is alone may hold anything, as it would never fit."""

    def __init__(self, everyone: HeldBytes) -> None:
        self.size = 0
        self._closed = False
        self._everyone = everyone

    def add(self, size: int) -> None:
        """Count `size` bytes more, or less."""
        if self._closed:
            return
        self.size += size
        self._everyone.total += size
        if size < 0:
            self._everyone.changed.set()

    def close(self) -> None:
        """Give everything back; what is counted later counts for nothing."""
        self.add(-self.size)
        self._closed = True

    def check(self) -> None:
        """Make sure that everyone together holds no more than the limit.

        Raises:
            TooManyBodies: they do.
        """
        if not self.fits():
            raise TooManyBodies(
                f"the requests in work hold more than {self._everyone.limit} bytes; send it again"
                " in a moment"
            )

    async def room(self, seconds: float) -> None:
        """Wait until everyone together holds no more than the limit.

        Raises:
            TooManyBodies: they still do after `seconds`.
        """
        try:
            async with asyncio.timeout(seconds):
                while not self.fits():
                    self._everyone.changed.clear()
                    await self._everyone.changed.wait()
        except TimeoutError:
            self.check()

    def fits(self) -> bool:
        """Whether everyone together holds no more than the limit."""
        return self._everyone.total <= max(self.size, self._everyone.limit)
