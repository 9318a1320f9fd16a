"""Quotas: how many images a key may send per second, minute, hour or day."""

import math
import mmap
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Self

from service.errors import QuotaExceeded
from service.temporary import temporary_directory

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_FORMAT = re.compile(rf"([1-9][0-9]{{0,9}})/({'|'.join(_SECONDS)})")

# A cell holds the number of a window in its upper half and the images counted in that window in
# its lower half: both are written at once and always match.
_HALF = 32
_LARGEST_COUNT = 2**_HALF - 1
_CELL_BYTES = 8


@dataclass(frozen=True)
class Quota:
    """A number of images per window of so many seconds.

    Windows follow the clock: every key's minute begins with the minute, its day at midnight UTC.
    """

    images: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a quota such as `1000/minute`; raise `ValueError` if the text has another form."""
        match = _FORMAT.fullmatch(text)
        if match is None or int(match[1]) > _LARGEST_COUNT:
            raise ValueError(
                f"{text[:50]!r} is not a quota; write images/{'|'.join(_SECONDS)}, such as"
                " 1000/minute"
            )
        return cls(int(match[1]), _SECONDS[match[2]])

    def __str__(self) -> str:
        units = {seconds: unit for unit, seconds in _SECONDS.items()}
        return f"{self.images}/{units[self.seconds]}"


class UsageCounters:
    """What each key has used in its current window, summed over the worker processes.

    Each process writes its own cells and reads those of the others, so nothing is locked; the
    replacement of a dead process continues in its cells. Two processes that check at the same
    instant may both be admitted: every other process may exceed a quota by one request.

    A worker creates them for itself, from the file of `shared_counters`: the lock on its cells
    does not survive a fork. Without a file, they count for one process.
    """

    def __init__(self, keys: int, path: Path | None = None) -> None:
        if path is None:
            cells: bytearray | mmap.mmap = bytearray(keys * _CELL_BYTES)
        else:
            # Closing the file would release the lock.
            self._file = FileIO(path, "r+")
            cells = mmap.mmap(self._file.fileno(), 0)
        self._cells = memoryview(cells).cast("Q")
        self._slots = len(self._cells) // keys
        self._slot = 0 if path is None else _claim(self._file, self._slots)

    def add(self, key: int, window: int, amount: int, limit: int) -> bool:
        """Count `amount` in `window` unless that exceeds `limit`; return whether it was counted."""
        cells = self._cells[key * self._slots : (key + 1) * self._slots]
        used = sum(cell & _LARGEST_COUNT for cell in cells if cell >> _HALF == window)
        if used + amount > limit:
            return False
        own = cells[self._slot]
        before = own if own >> _HALF == window else window << _HALF
        cells[self._slot] = before + amount
        return True


@contextmanager
def shared_counters(keys: int, workers: int) -> Iterator[Path]:
    """Create a file in which up to `workers` processes count together, for the block."""
    with temporary_directory("numeral-quotas-") as directory:
        path = directory / "counters"
        # Twice as many slots, so that a worker can start before the one that it replaces ends.
        path.write_bytes(bytes(keys * 2 * workers * _CELL_BYTES))
        yield path


def _claim(file: FileIO, slots: int) -> int:
    """Claim the first free slot; the kernel frees it when this process ends."""
    import fcntl  # noqa: PLC0415 - not on Windows, which runs a single worker

    for slot in range(slots):
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot)
        except OSError:
            continue
        return slot
    # More processes than expected: two that share a slot may lose a count now and then.
    return os.getpid() % slots


@dataclass(frozen=True)
class Meter:
    """Counts the images of one key and enforces its quota."""

    quota: Quota
    counters: UsageCounters  # the counts of all keys
    key: int  # index of the key in the counters
    clock: Callable[[], float] = time.time  # seconds since 1970

    def charge(self, images: int, *, prepaid: int = 0) -> None:
        """Count `images` less those `prepaid`: all of them, or none if they exceed the quota.

        Raises:
            QuotaExceeded: the current window does not allow them.
        """
        now = self.clock()
        window = int(now) // self.quota.seconds
        due = images - prepaid
        if self.counters.add(self.key, window, due, self.quota.images):
            return
        if images > self.quota.images:
            advice = "a request with more images than that is never accepted; send smaller batches"
        else:
            advice = "send it again later"
        retry_after = math.ceil((window + 1) * self.quota.seconds - now)
        raise QuotaExceeded(
            f"the key's quota is {self.quota}, which {due} more images exceed; {advice}",
            retry_after,
        )
