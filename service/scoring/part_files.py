"""The files of a run in its folder: each whole or not there, and none that is not ours touched."""

import os
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import BinaryIO

from service.scoring.tally import Tally

RUN, LIST = "run.json", "list"
_NEW, _JOINED = "new", "joined"


class PartFiles:
    """The files in `folder`. What the system refuses is raised as OSError.

    Attributes:
        run: what says that the others are whole.
        plan: the list of tasks.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.run = folder / RUN
        self.plan = folder / LIST

    def write(self, path: Path, content: bytes) -> None:
        """Write a file that is there once it is whole, and on the disk."""
        new = self._folder / _NEW
        with new.open("wb") as file:
            file.write(content)
            force(file)
        new.replace(path)

    def put(self, path: Path) -> None:
        """Let the joined file take the place of the one at `path`, before anything is removed."""
        self.joined().replace(path)
        _force_names(path.parent)

    def write_part(self, number: int, tally: Tally, rows: bytes) -> None:
        """Write the part with this number."""
        self.write(self._part(number), tally.model_dump_json().encode() + b"\n" + rows)

    def tallies(self) -> Iterator[Tally]:
        """Of each part, from the first to the last before one that is missing."""
        for number in count():
            try:
                with self._part(number).open("rb") as part:
                    yield Tally.model_validate_json(part.readline())
            except FileNotFoundError:
                return

    def rows(self, parts: int) -> Iterator[BinaryIO]:
        """Of each of the first `parts`, open at its rows until the next is asked for."""
        for number in range(parts):
            with self._part(number).open("rb") as part:
                part.readline()
                yield part

    def joined(self) -> Path:
        """Where the file is made that all rows go to."""
        return self._folder / _JOINED

    def clear(self) -> None:
        """Remove all of them."""
        # First what says that the rest is whole.
        for path in (self.run, self.plan, self._folder / _NEW, self.joined()):
            path.unlink(missing_ok=True)
        for part in self._folder.glob("[0-9]" * 8):
            part.unlink()

    def _part(self, number: int) -> Path:
        return self._folder / f"{number:08}"


def force(file: BinaryIO) -> None:
    """Wait until what was written to `file` is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def _force_names(folder: Path) -> None:
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
