"""What has to happen after a time, unless it is called off: one timer for all that wait as long."""

import asyncio
from collections.abc import Callable
from itertools import count


class Expiry:
    """Calls back after `seconds` whoever has not called it off; belongs to one event loop.

    A timer of its own for every request would cost ten times as much, and hardly any is ever due.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._keys = count()
        # In the order of their deadlines, as all wait equally long.
        self._waiting: dict[int, tuple[float, Callable[[], object]]] = {}
        self._armed = False

    def start(self, callback: Callable[[], object]) -> int:
        """Have `callback` called in time; the key calls it off."""
        loop = asyncio.get_running_loop()
        key = next(self._keys)
        deadline = loop.time() + self._seconds
        self._waiting[key] = (deadline, callback)
        if not self._armed:
            self._armed = True
            loop.call_at(deadline, self._expire, loop)
        return key

    def stop(self, key: int) -> None:
        """Call it off; one that was called back already is none of it."""
        self._waiting.pop(key, None)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        while self._waiting:
            key, (deadline, callback) = next(iter(self._waiting.items()))
            if deadline > now:
                loop.call_at(deadline, self._expire, loop)
                return
            del self._waiting[key]
            # Later, so that one that fails disturbs neither the others nor the timer.
            loop.call_soon(callback)
        self._armed = False
