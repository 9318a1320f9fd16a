"""A budget for the bytes that the bodies of all requests hold at once."""

import asyncio

from service.errors import TooManyBodies


class MemoryBudget:
    """Counts the bytes that all requests of an event loop hold.

    with closing(budget.share()) as share:
        share.add(len(chunk))
        share.check()
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.total = 0
        self.released = asyncio.Event()

    def share(self) -> "MemoryShare":
        """Return the share of one request."""
        return MemoryShare(self)


class MemoryShare:
    """The bytes of one request. A request that is alone may exceed the limit, or never fit."""

    def __init__(self, budget: MemoryBudget) -> None:
        self.size = 0
        self._budget = budget
        self._closed = False

    def add(self, size: int) -> None:
        """Count `size` more bytes, or fewer where it is negative."""
        if not self._closed:
            self.size += size
            self._budget.total += size
            if size < 0:
                self._budget.released.set()

    def close(self) -> None:
        """Release all bytes, and ignore what is added later."""
        self.add(-self.size)
        self._closed = True

    def fits(self) -> bool:
        """Return whether all requests together stay within the limit."""
        return self._budget.total <= max(self.size, self._budget.limit)

    def check(self) -> None:
        """Raise `TooManyBodies` if all requests together exceed the limit."""
        if not self.fits():
            limit = self._budget.limit
            raise TooManyBodies(f"all requests together hold more than {limit} bytes; retry soon")

    async def wait(self, seconds: float) -> None:
        """Wait until all requests together fit; raise `TooManyBodies` after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while not self.fits():
                    self._budget.released.clear()
                    await self._budget.released.wait()
        except TimeoutError:
            self.check()
