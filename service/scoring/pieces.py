"""What is listed, and what is read of it: the types that all of scoring shares."""

import re
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, NamedTuple

from service.imaging import Picture

_ADDRESS = re.compile(r"\w[\w+.-]*://")

Open = Callable[[str], BinaryIO]


class Piece(NamedTuple):
    """A file, or the pictures `start` to `stop` of an array, an archive or a table."""

    source: str  # the path as it was given or found
    start: int = 0  # the first picture; 0 for a file
    stop: int = 1  # one after the last; 1 for a file


class Unread(NamedTuple):
    """Why a picture could not be read: a stable word and a sentence.

    Text only: an exception would keep its traceback, and with it the bytes of the file.
    """

    error: str
    detail: str


class PageOfFile(NamedTuple):
    """The content of a file, and which of its pages to read, from 1."""

    data: bytes
    page: int


class Item(NamedTuple):
    """One picture before it is read."""

    source: str  # the file that it is, or that contains it
    # Its name in an archive, its number in an array or a table, or its page; None for a file.
    member: str | None
    # A file's bytes or one of its pages, an array's pixels, or why there is none.
    content: bytes | PageOfFile | Picture | Unread
    # Its row of a table, by the names of the table's columns; Arrow's scalars, or text.
    cells: Mapping[str, Any] = {}


class UnreadableContent(Exception):
    """Error for a file, member, array or table that yields no picture."""

    def __init__(self, error: str, detail: str) -> None:
        super().__init__(detail)
        self.unread = Unread(error, detail)


def reason_of(error: Exception) -> str:
    """Return what `error` says, in short; which one it is depends on a library."""
    return getattr(error, "strerror", None) or f"{error!s:.200}"


def is_address(source: str) -> bool:
    """Tell whether `source` names a store rather than a path."""
    return _ADDRESS.match(source) is not None
