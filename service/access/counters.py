"""Counts that several processes share without waiting for each other."""

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from io import FileIO
from pathlib import Path
from tempfile import mkstemp

from service.leftovers import held, remove_leftovers

_PREFIX = "numeral-quotas-"

# A cell holds the number of a window in its upper half and what was counted in it in its lower
# one: written at once, the two always belong together.
_HALF = 32
MOST_COUNTED = 2**_HALF - 1
_CELL_BYTES = 8


class Counters:
    """What each key has used up in its current window, summed over the processes.

    Every process writes cells of its own and reads those of the others, so nobody locks anything
    and a process that dies leaves nothing locked; whoever replaces it counts on in its cells. Two
    processes that look at the same instant may both find room: a quota is exceeded by one request
    at most for each other process.

    Args:
        keys: how many keys there are.
        path: the file of `shared_counters`; None counts for this process alone.
    """

    def __init__(self, keys: int, path: Path | None = None) -> None:
        self._keys = keys
        self._path = path

    def add(self, key: int, window: int, amount: int, most: int) -> bool:
        """Count `amount` in `window` if no more than `most` are counted then; whether it was."""
        cells, slot = self._cells, self._slot
        slots = len(cells) // self._keys
        first = key * slots
        used = 0
        for cell in cells[first : first + slots]:
            if cell >> _HALF == window:
                used += cell & MOST_COUNTED
        if used + amount > most:
            return False
        own = cells[first + slot]
        before = own if own >> _HALF == window else window << _HALF
        cells[first + slot] = before + amount
        return True

    # Opened at the first use, which is in the worker: a lock does not survive a fork.
    @cached_property
    def _cells(self) -> memoryview:
        if self._path is None:
            return memoryview(bytearray(self._keys * _CELL_BYTES)).cast("Q")
        return memoryview(mmap.mmap(self._file.fileno(), 0)).cast("Q")

    @cached_property
    def _slot(self) -> int:
        return 0 if self._path is None else _claim(self._file, len(self._cells) // self._keys)

    @cached_property
    def _file(self) -> FileIO:
        assert self._path is not None  # noqa: S101 - for mypy
        return FileIO(self._path, "r+")


@contextmanager
def shared_counters(keys: int, workers: int) -> Iterator[Path]:
    """A file where the counts of up to `workers` processes meet, as long as the block lasts."""
    remove_leftovers(_PREFIX)
    # Twice as many, so that a worker may start before the one that it replaces has ended.
    descriptor, name = mkstemp(prefix=_PREFIX)
    os.truncate(descriptor, keys * 2 * workers * _CELL_BYTES)
    os.close(descriptor)
    owner = os.getpid()
    try:
        with held(Path(name)):
            yield Path(name)
    finally:
        # A worker that was forked in here passes by on its way out.
        if os.getpid() == owner:
            Path(name).unlink()


def _claim(file: FileIO, slots: int) -> int:
    """The first slot that no other process has; the system frees it when this process ends."""
    import fcntl  # noqa: PLC0415 - Windows has none, and no several workers either

    for slot in range(slots):
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot)
        except OSError:
            continue
        return slot
    # More processes than were foreseen: two that share a slot may lose a count now and then.
    return os.getpid() % slots
