"""What is to be read: listed once, written down, read anywhere."""

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Piece(NamedTuple):
    """A file, or the pictures `start` to `stop` of an array or an archive.

    Attributes:
        source: its path, as it was given or found.
        start: the first picture; 0 for a file.
        stop: one after the last; 1 for a file.
    """

    source: str
    start: int = 0
    stop: int = 1


# So many pictures that a worker is busy with them for a while, so few that little is lost with it.
Task = tuple[Piece, ...]


def pictures_of(task: Task) -> int:
    """How many pictures `task` has."""
    return sum(piece.stop - piece.start for piece in task)


def tasks_of(pieces: Iterable[Piece], most: int) -> Iterator[Task]:
    """Put `pieces` together, and apart, to tasks of `most` pictures; the last may have fewer."""
    gathered: list[Piece] = []
    room = most
    for piece in pieces:
        start = piece.start
        while start < piece.stop:
            stop = min(piece.stop, start + room)
            gathered.append(Piece(piece.source, start, stop))
            room -= stop - start
            start = stop
            if not room:
                yield tuple(gathered)
                gathered, room = [], most
    if gathered:
        yield tuple(gathered)


def to_line(task: Task) -> bytes:
    """`task` as a line; a path that is no valid text comes back from it as it was."""
    return json.dumps(task).encode() + b"\n"


def from_line(line: bytes) -> Task:
    """The task of which `to_line` made `line`."""
    return tuple(Piece(*piece) for piece in json.loads(line))
