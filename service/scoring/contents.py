"""A task to its pictures: bytes of files, pixels of arrays, or why there are none."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from service.imaging import Normalised, Picture, SeenStrip, UnreadableImage
from service.scoring.archives import Archives, is_archive
from service.scoring.arrays import is_array, open_array
from service.scoring.errors import (
    FileTooLarge,
    UnreadableArchive,
    UnreadableArray,
    UnreadableFile,
)
from service.scoring.pieces import Piece, Task


class Item(NamedTuple):
    """One picture before it is read.

    Attributes:
        source: the file that it is, or that it is in.
        member: its name in an archive, its number in an array; None for a file.
        content: as it comes, or why it does not; later what a model can be shown of it.
    """

    source: str
    member: str | None
    content: bytes | Picture | Normalised | SeenStrip | UnreadableImage


def contents(task: Task, archives: Archives, *, max_bytes: int) -> Iterator[Item]:
    """The pictures of `task`, one by one; as many as were listed, whatever has become of them.

    Args:
        task: what is to be read.
        archives: keeps an archive open from task to task.
        max_bytes: the largest file that is read.
    """
    for piece in task:
        if is_array(piece.source):
            yield from _of_array(piece)
        elif is_archive(piece.source):
            yield from contents_of_archive(piece, archives, max_bytes)
        else:
            yield Item(piece.source, None, _of_file(Path(piece.source), max_bytes))


def _of_file(path: Path, max_bytes: int) -> bytes | UnreadableImage:
    try:
        found = path.stat()
        # A pipe would be waited for, a device may never end.
        if not stat.S_ISREG(found.st_mode):
            if not stat.S_ISDIR(found.st_mode):
                return UnreadableFile("it is neither a file nor a folder")
            next(path.iterdir(), None)
            return UnreadableFile("it is a folder; name it on the command line")
        if found.st_size > max_bytes:
            return FileTooLarge.of(found.st_size, max_bytes)
        return path.read_bytes()
    except OSError as error:
        return UnreadableFile.of(error)


def _of_array(piece: Piece) -> Iterator[Item]:
    try:
        array = open_array(piece.source)
    except UnreadableArray as error:
        yield from _without(piece, error)
        return
    for number in range(piece.start, piece.stop):
        if number < len(array):
            # A copy, which does not need the file any more.
            yield Item(piece.source, str(number), np.array(array[number]))
        else:
            shorter = UnreadableArray("the array has become shorter since it was listed")
            yield Item(piece.source, str(number), shorter)


def contents_of_archive(piece: Piece, archives: Archives, max_bytes: int) -> Iterator[Item]:
    """The pictures of `piece`, which `archives` can open."""
    try:
        members = archives.members(piece.source)
    except UnreadableArchive as error:
        yield from _without(piece, error)
        return
    for number in range(piece.start, piece.stop):
        if number >= len(members):
            shorter = UnreadableArchive("the archive has lost members since it was listed")
            yield Item(piece.source, None, shorter)
            continue
        member = members[number]
        content: bytes | UnreadableImage
        try:
            content = archives.read(piece.source, member, max_bytes=max_bytes)
        except UnreadableImage as error:
            content = error
        yield Item(piece.source, member.filename, content)


def _without(piece: Piece, error: UnreadableImage) -> Iterator[Item]:
    for _ in range(piece.start, piece.stop):
        yield Item(piece.source, None, error)
