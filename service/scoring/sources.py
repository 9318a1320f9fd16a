"""SOURCE arguments to pieces, and pieces to tasks: what is read, listed once, in a fixed order."""

import glob
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from service.scoring.contents import Contents, kind_of
from service.scoring.pieces import Piece, UnreadableContent

# Enough pictures to keep a worker busy, few enough that little is lost with it.
Task = tuple[Piece, ...]

_LIST = "@"
_STANDARD_INPUT = "-"


class NoSuchSource(Exception):
    """Error for a SOURCE that does not exist, a pattern that matches no file, or a bad table."""


class Found(NamedTuple):
    """A file; `named` rather than found in a folder or by a pattern."""

    path: str
    named: bool = False


def list_pieces(
    sources: Sequence[str], contents: Contents, ignored: frozenset[str] = frozenset()
) -> Iterator[Piece]:
    """Yield what there is to read in `sources`, in their order; within a folder by name.

    Sources are folders, files, patterns, or @FILE for a text file with a path in each line; @-
    stands for standard input. A folder or a pattern does not lead to the real paths in `ignored`.

    Raises:
        NoSuchSource: one does not exist.
    """
    for source in sources:
        yield from pieces_of(list_paths(source, ignored), contents)


def pieces_of(files: Iterable[Found], contents: Contents) -> Iterator[Piece]:
    """Yield what there is to read in `files`.

    Raises:
        NoSuchSource: a table that was named cannot be read.
    """
    for path, named in files:
        try:
            yield from contents.pieces(path, named=named)
        except UnreadableContent as error:
            raise NoSuchSource(f"{path}: {error}") from error


def list_paths(source: str, ignored: frozenset[str] = frozenset()) -> Iterator[Found]:
    """Yield the files of one SOURCE, as `list_pieces` does."""
    if source.startswith(_LIST):
        for path in _listed(source.removeprefix(_LIST)):
            # Path interns its parts, which adds up over a long list.
            folder = os.path.isdir(path)  # noqa: PTH112
            yield from _files_below(path, ignored) if folder else (Found(path, named=True),)
    elif Path(source).is_dir():
        yield from _files_below(source, ignored)
    elif os.path.lexists(source):
        yield Found(source, named=True)
    elif glob.has_magic(source):
        found = sorted(glob.iglob(source, recursive=True), key=os.fsencode)  # noqa: PTH207
        files = [path for path in found if Path(path).is_file() and not _is_in(ignored, path)]
        if not files:
            raise NoSuchSource(f"no file matches the pattern {source}")
        # Of a pattern for tables every file is meant, of another only the pictures.
        yield from (Found(path, named=kind_of(source) == "table") for path in files)
    else:
        raise NoSuchSource(f"{source}: no such file or folder")


def tasks_of(pieces: Iterable[Piece], size: int) -> Iterator[Task]:
    """Combine and split `pieces` into tasks of `size` pictures; the last may have fewer."""
    task: list[Piece] = []
    free = size
    for piece in pieces:
        start = piece.start
        while start < piece.stop:
            stop = min(piece.stop, start + free)
            task.append(Piece(piece.source, start, stop))
            free -= stop - start
            start = stop
            if not free:
                yield tuple(task)
                task, free = [], size
    if task:
        yield tuple(task)


def pictures_of(task: Task) -> int:
    """Return how many pictures `task` has."""
    return sum(piece.stop - piece.start for piece in task)


def to_line(task: Task) -> bytes:
    """Encode `task` as one line; paths that are not valid text survive."""
    return json.dumps(task).encode() + b"\n"


def from_line(line: bytes) -> Task:
    """Decode what `to_line` made."""
    return tuple(Piece(*piece) for piece in json.loads(line))


def _listed(name: str) -> Iterator[str]:
    try:
        with sys.stdin.buffer if name == _STANDARD_INPUT else Path(name).open("rb") as lines:
            yield from (os.fsdecode(path) for line in lines if (path := line.rstrip(b"\r\n")))
    except OSError as error:
        raise NoSuchSource(f"{name}: the list cannot be read ({error.strerror})") from error


def _files_below(folder: str, ignored: frozenset[str]) -> Iterator[Found]:
    """Yield the files below `folder` by name, without hidden ones or links to folders.

    A folder that cannot be listed is yielded itself, so that its row says why.
    """
    try:
        with os.scandir(folder) as entries:
            found = sorted(
                (os.fsencode(entry.name + os.sep * is_folder), entry.path, is_folder)
                for entry in entries
                # Links to folders may lead in circles.
                if not entry.name.startswith(".")
                and ((is_folder := entry.is_dir(follow_symlinks=False)) or not entry.is_dir())
            )
    except OSError:
        yield Found(folder)
        return
    for _, path, is_folder in found:
        if _is_in(ignored, path):
            continue
        if is_folder:
            yield from _files_below(path, ignored)
        else:
            yield Found(path)


def _is_in(paths: frozenset[str], path: str) -> bool:
    # Real paths are looked up only for files with the name of an ignored one.
    name = path.rpartition(os.sep)[2]
    return any(each.endswith(name) for each in paths) and str(Path(path).resolve()) in paths
