"""A bound on what is in work or waiting, so that a full service says so at once."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from service.errors import QueueFull


class Backlog:
    """Counts the images in work or waiting; belongs to one event loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.admitted = 0
        self._admitted_in_turn = 0
        self._in_line: deque[tuple[int, asyncio.Future[None]]] = deque()

    @contextmanager
    def admit(self, images: int) -> Iterator[None]:
        """Count `images` for as long as the block lasts.

        Raises:
            QueueFull: there is no room for them.
        """
        self.take(images)
        try:
            yield
        finally:
            self.give_back(images)

    def take(self, images: int) -> None:
        """Count `images` until they are given back.

        More than the limit are admitted when nothing else is there, as they would never fit.

        Raises:
            QueueFull: there is no room for them.
        """
        if not self.has_room(images):
            raise self.full()
        self.admitted += images

    def give_back(self, images: int) -> None:
        """Count `images` no longer."""
        self.admitted -= images

    @asynccontextmanager
    async def turn(self, images: int) -> AsyncIterator[None]:
        """Count `images` as `admit` does, but wait until there is room; first come, first served.

        For callers whose own number is bounded. Half of the limit is theirs, whatever the others
        have, and no more: neither can keep the other out.
        """
        if self._in_line or not self._is_turn_of(images):
            await self._wait_in_line(images)
        else:
            self._enter(images)
        try:
            yield
        finally:
            self._leave(images)

    def has_room(self, images: int) -> bool:
        """Whether `images` more would be admitted now."""
        return not self.admitted or self.admitted + images <= self._limit

    def full(self) -> QueueFull:
        """What a caller is told for whom there is no room."""
        return QueueFull(
            f"there is no room: at most {self._limit} images may be in work or waiting; send it"
            " again in a moment"
        )

    def _is_turn_of(self, images: int) -> bool:
        taken = self._admitted_in_turn
        return not taken or taken + images <= self._limit // 2

    def _enter(self, images: int) -> None:
        self.admitted += images
        self._admitted_in_turn += images

    async def _wait_in_line(self, images: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._in_line.append((images, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._call_next()
            else:
                self._leave(images)
            raise

    def _leave(self, images: int) -> None:
        self.admitted -= images
        self._admitted_in_turn -= images
        self._call_next()

    def _call_next(self) -> None:
        while self._in_line:
            images, turn = self._in_line[0]
            if not turn.cancelled():
                if not self._is_turn_of(images):
                    return
                # Counted at once: nobody may slip in before the caller runs.
                self._enter(images)
                turn.set_result(None)
            self._in_line.popleft()
