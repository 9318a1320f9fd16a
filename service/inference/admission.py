"""Admission control: a bound on the images that are waiting or being read, a pace for refusals."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from service.errors import QueueFull


class Admission:
    """Counts the images that are waiting or being read; belongs to one event loop.

    A request for more images than the limit is admitted when nothing else is, as it would never
    fit.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.admitted = 0  # images
        self._streamed = 0
        self._line = asyncio.Lock()
        self._left = asyncio.Event()

    @contextmanager
    def now(self, images: int) -> Iterator[None]:
        """Admit `images` for the duration of the block.

        Raises:
            QueueFull: the limit does not allow them.
        """
        self.check(images)
        self.admitted += images
        try:
            yield
        finally:
            self.admitted -= images

    def check(self, images: int) -> None:
        """Raise `QueueFull` if the limit does not allow `images` more."""
        if self.admitted and self.admitted + images > self._limit:
            raise QueueFull(
                f"the queue is full: at most {self._limit} images may be waiting or being read;"
                " retry in a moment"
            )

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


class Pace:
    """Delays what exceeds a rate; belongs to one event loop.

    Clients that repeat a refused request at once would otherwise take the time of the accepted
    ones: a refusal costs 0.2 ms, and thousands of connections can ask for one.

    No delay is longer than `longest` seconds.
    """

    def __init__(self, per_second: float, longest: float) -> None:
        self._interval = 1 / per_second
        self._longest = longest
        self._next = 0.0

    def delay(self, now: float) -> float:
        """Return how long the next one has to wait, in seconds."""
        delay = min(max(0.0, self._next - now), self._longest)
        self._next = now + delay + self._interval
        return delay

    async def wait(self) -> None:
        """Wait that long, or until the task is cancelled."""
        if delay := self.delay(asyncio.get_running_loop().time()):
            # A cancelled request is answered at once.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(delay)
