"""How many streams are answered at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from service.errors import TooManyStreams


class Streams:
    """Counts the streams in work; belongs to one event loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._running = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count one stream for as long as the block lasts.

        Raises:
            TooManyStreams: there are as many as may be.
        """
        if self._running >= self._limit:
            raise TooManyStreams(
                f"{self._running} streams are being answered, the limit is {self._limit}; send it"
                " again later"
            )
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
