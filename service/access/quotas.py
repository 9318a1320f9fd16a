"""Quotas: how many images a key may have read in a second, minute, hour or day."""

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from service.access.counters import MOST_COUNTED, Counters

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_FORM = re.compile(rf"([1-9][0-9]{{0,9}})/({'|'.join(_SECONDS)})")


class QuotaExceeded(Exception):
    """The key has had as many images read as it may for now.

    Attributes:
        retry_after: whole seconds until it may have more read.
    """

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Quota:
    """So many images in every window of so many seconds.

    Windows are the clock's: every key's minute begins with the minute, its day at midnight UTC.
    """

    images: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The quota that is written like `1000/minute`.

        Raises:
            ValueError: it is written otherwise.
        """
        match = _FORM.fullmatch(text)
        if match is None or int(match[1]) > MOST_COUNTED:
            raise ValueError(
                f"{text[:50]!r} is no quota; write images/{'|'.join(_SECONDS)}, such as 1000/minute"
            )
        return cls(int(match[1]), _SECONDS[match[2]])

    def __str__(self) -> str:
        units = {seconds: unit for unit, seconds in _SECONDS.items()}
        return f"{self.images}/{units[self.seconds]}"


@dataclass(frozen=True)
class Meter:
    """Counts the images of one key, and stops at its quota.

    Attributes:
        quota: what the key may have.
        counters: where they are counted, for all processes.
        key: the key's place in the counters.
        clock: seconds since 1970.
    """

    quota: Quota
    counters: Counters
    key: int
    clock: Callable[[], float] = time.time

    def charge(self, images: int, *, prepaid: int = 0) -> None:
        """Count `images` but the `prepaid`; all of them, or where there is no room for all, none.

        Raises:
            QuotaExceeded: the key has not so many left in the current window.
        """
        now = self.clock()
        window = int(now) // self.quota.seconds
        if self.counters.add(self.key, window, images - prepaid, self.quota.images):
            return
        if images > self.quota.images:
            advice = "more than that never go through at once; send them in parts"
        else:
            advice = "send it again later"
        retry_after = math.ceil((window + 1) * self.quota.seconds - now)
        due = images - prepaid
        raise QuotaExceeded(
            f"the key's quota is {self.quota} and has no room for {due} more; {advice}", retry_after
        )
