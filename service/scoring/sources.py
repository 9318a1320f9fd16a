"""SOURCE, as it stands on the command line, to the pieces that are to be read."""

import glob
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from service.scoring.archives import Archives, is_archive
from service.scoring.arrays import is_array, open_array
from service.scoring.errors import UnreadableArchive, UnreadableArray
from service.scoring.pieces import Piece
from service.scoring.walking import files_below, files_like

# An array is mapped into memory piece by piece, so that no more of it counts as the process's.
_MOST_BYTES = 64 * 1024 * 1024

_LIST = "@"
_STANDARD_INPUT = "-"


class NoSuchSource(Exception):
    """There is no such file or folder, or no file that fits the pattern."""


def list_pieces(sources: Sequence[str], ignored: frozenset[str] = frozenset()) -> Iterator[Piece]:
    """What there is to read in `sources`, in their order; below a folder in order of the names.

    Args:
        sources: each a folder, a file, a pattern, or @ with the name of a text file that has a
            path in each line; @- stands for standard input.
        ignored: real paths that are passed over where a folder or a pattern leads to them.

    Raises:
        NoSuchSource: nothing is there.
    """
    for source in sources:
        for path in _paths(source, ignored):
            yield from _pieces_of(path)


def _paths(source: str, ignored: frozenset[str]) -> Iterator[str]:
    if source.startswith(_LIST):
        for path in _listed(source.removeprefix(_LIST)):
            # A Path keeps its parts in the interpreter's own table, which grows with a long list.
            folder = os.path.isdir(path)  # noqa: PTH112
            yield from files_below(path, ignored) if folder else (path,)
    elif Path(source).is_dir():
        yield from files_below(source, ignored)
    elif os.path.lexists(source):
        yield source
    elif glob.has_magic(source):
        nothing = True
        for path in files_like(source, ignored):
            nothing = False
            yield path
        if nothing:
            raise NoSuchSource(f"no file fits the pattern {source}")
    else:
        raise NoSuchSource(f"{source}: there is no such file or folder")


def _listed(name: str) -> Iterator[str]:
    try:
        with sys.stdin.buffer if name == _STANDARD_INPUT else Path(name).open("rb") as lines:
            yield from (os.fsdecode(path) for line in lines if (path := line.rstrip(b"\r\n")))
    except OSError as error:
        raise NoSuchSource(f"{name}: the list cannot be read ({error.strerror})") from error


def _pieces_of(path: str) -> Iterator[Piece]:
    # What cannot be opened is a piece too: whoever reads it says why.
    if is_array(path):
        yield from _pieces_of_array(path)
    elif is_archive(path):
        yield _piece_of_archive(path)
    else:
        yield Piece(path)


def _piece_of_archive(path: str) -> Piece:
    with Archives() as archives:
        try:
            return Piece(path, 0, len(archives.members(path)))
        except UnreadableArchive:
            return Piece(path)


def _pieces_of_array(path: str) -> Iterator[Piece]:
    try:
        count, height, width = open_array(path).shape
    except UnreadableArray:
        yield Piece(path)
        return
    several = max(1, _MOST_BYTES // (height * width))
    for start in range(0, count, several):
        yield Piece(path, start, min(count, start + several))
