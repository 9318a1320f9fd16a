"""A bound on what is in work or waiting, so that a full service says so at once."""

from collections.abc import Iterator
from contextlib import contextmanager


class QueueFull(Exception):
    """So much is waiting already that another request would wait too long."""


class Backlog:
    """Counts the images in work or waiting; belongs to one event loop.

    Attributes:
        admitted: how many there are.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.admitted = 0

    @contextmanager
    def admit(self, images: int) -> Iterator[None]:
        """Count `images` for as long as the block lasts.

        More than the limit are admitted when nothing else is there, as they would never fit.

        Raises:
            QueueFull: there is no room for them.
        """
        if self.admitted and self.admitted + images > self._limit:
            raise QueueFull(
                f"{self.admitted} images are in work or waiting, the limit is {self._limit};"
                " send it again in a moment"
            )
        self.admitted += images
        try:
            yield
        finally:
            self.admitted -= images
