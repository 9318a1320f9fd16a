"""What a format can do: encode some rows, and make a file of what was encoded."""

from collections.abc import Iterable, Sequence
from typing import BinaryIO, Protocol

from service.scoring.rows import Column, Row


class Format(Protocol):
    """A way to write rows; it has no state, and another process may have a copy of it."""

    def encode(self, columns: Sequence[Column], rows: Sequence[Row]) -> bytes:
        """Some `rows`, as they are kept until all are there."""

    def join(self, columns: Sequence[Column], parts: Iterable[BinaryIO], file: BinaryIO) -> None:
        """Write all that was encoded to `file`, one of `parts` after another."""
