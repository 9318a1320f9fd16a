"""Admission control: a bound on the images that are waiting or being read."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from service.errors import QueueFull


class Admission:
    """Counts the images that are waiting or being read; belongs to one event loop.

    A request for more images than the limit is admitted when nothing else is, as it would never
    fit.

    Attributes:
        admitted: the number of images.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.admitted = 0
        self._streamed = 0
        self._line = asyncio.Lock()
        self._left = asyncio.Event()

    @contextmanager
    def now(self, images: int) -> Iterator[None]:
        """Admit `images` for the duration of the block.

        Raises:
            QueueFull: the limit does not allow them.
        """
        if self.admitted and self.admitted + images > self._limit:
            raise QueueFull(
                f"the queue is full: at most {self._limit} images may be waiting or being read;"
                " retry in a moment"
            )
        self.admitted += images
        try:
            yield
        finally:
            self.admitted -= images

    @asynccontextmanager
    async def in_turn(self, images: int) -> AsyncIterator[None]:
        """Admit `images` for the duration of the block, in turn, once there is space for them.

        For streams, whose own number is bounded. They may use half of the limit, whatever else is
        admitted, and no more: neither streams nor other requests can lock each other out.
        """
        async with self._line:
            while self._streamed and self._streamed + images > self._limit // 2:
                self._left.clear()
                await self._left.wait()
            self.admitted += images
            self._streamed += images
        try:
            yield
        finally:
            self.admitted -= images
            self._streamed -= images
            self._left.set()
