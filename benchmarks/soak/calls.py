"""A closed loop: callers that send the next request when they have an answer, and check each."""

import asyncio
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from urllib.parse import urlsplit

import numpy as np
import uvloop
from numpy.typing import NDArray

from benchmarks.soak.exchange import Answer, Script, answer_in
from benchmarks.soak.offer import LOST

_PATIENCE_SECONDS = 60.0
_AGAIN_SECONDS = 0.02
_PIECE = 65536


@dataclass(frozen=True)
class Wanted(Script):
    """What one process is to do, besides.

    Attributes:
        callers: how many connections are under way.
        seconds: how long; unset: until a connection is refused.
    """

    callers: int
    seconds: float | None


@dataclass(frozen=True)
class Calls:
    """What became of it.

    Attributes:
        places: of each request, its place among those that were wanted.
        statuses: of each, or `LOST`: the connection ended before its answer.
        finished: when it ended, by `time.monotonic`, which all processes share.
        latencies: how long it took, in seconds.
        wrong: answers with another digit than they must have.
    """

    places: NDArray[np.int32]
    statuses: NDArray[np.int16]
    finished: NDArray[np.float64]
    latencies: NDArray[np.float64]
    wrong: int

    @property
    def answered(self) -> NDArray[np.float64]:
        """When good answers came."""
        return self.finished[self.statuses == 200]

    @property
    def lost(self) -> int:
        """Requests without an answer."""
        return int((self.statuses == LOST).sum())

    @property
    def others(self) -> int:
        """Answers with another status than 200."""
        return int(((self.statuses != LOST) & (self.statuses != 200)).sum())


def call(wanted: Wanted) -> Calls:
    """Do it; to be called in a process of its own."""
    return uvloop.run(_Caller(wanted).run())


def together(found: Sequence[Calls]) -> Calls:
    """The calls of several processes as one."""
    return Calls(
        np.concatenate([each.places for each in found]),
        np.concatenate([each.statuses for each in found]),
        np.concatenate([each.finished for each in found]),
        np.concatenate([each.latencies for each in found]),
        sum(each.wrong for each in found),
    )


class _Caller:
    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.numbers = count()
        self.places, self.statuses = array("i"), array("h")
        self.finished, self.latencies = array("d"), array("d")
        self.wrong = 0

    async def run(self) -> Calls:
        seconds = self.wanted.seconds
        self.end = time.monotonic() + seconds if seconds else float("inf")
        await asyncio.gather(*(self._call() for _ in range(self.wanted.callers)))
        return Calls(
            np.array(self.places, np.int32),
            np.array(self.statuses, np.int16),
            np.array(self.finished),
            np.array(self.latencies),
            self.wrong,
        )

    async def _call(self) -> None:
        address = urlsplit(self.wanted.url)
        while time.monotonic() < self.end:
            try:
                reader, writer = await asyncio.open_connection(address.hostname, address.port)
            except OSError:
                if self.wanted.seconds is None:
                    return
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            try:
                await self._use(reader, writer)
            finally:
                writer.close()

    async def _use(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests, digits = self.wanted.requests, self.wanted.digits
        while time.monotonic() < self.end:
            place = next(self.numbers) % len(requests)
            began = time.monotonic()
            writer.write(requests[place])
            answer = await _answer(reader)
            now = time.monotonic()
            self.places.append(place)
            self.statuses.append(answer.status if answer else LOST)
            self.finished.append(now)
            self.latencies.append(now - began)
            if answer and answer.status == 200 and digits[place] is not None:
                self.wrong += answer.digit != digits[place]
            if answer is None or answer.closes:
                return


async def _answer(reader: asyncio.StreamReader) -> Answer | None:
    data = b""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while piece := await reader.read(_PIECE):
                data += piece
                if answer := answer_in(data):
                    return answer
    except (OSError, TimeoutError):
        pass
    return None
