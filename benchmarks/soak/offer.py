"""An open loop: requests leave when they are due, whether or not those before were answered."""

import asyncio
import gc
from array import array
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from time import monotonic
from urllib.parse import urlsplit

import numpy as np
import uvloop
from numpy.typing import NDArray

from benchmarks.soak.exchange import Script, answer_in

# How a request ended that has no status.
LOST, LATE, NO_CONNECTION = 0, -1, -2

_TICK_SECONDS = 0.0005
_OPEN_AT_ONCE = 100


@dataclass(frozen=True)
class Offer(Script):
    """How one process offers it.

    Attributes:
        due: when each request is to leave, in seconds from the start, in order.
        connections: how many requests may be under way at most.
        patience: seconds after the last request until what has no answer is given up.
    """

    due: NDArray[np.float64]
    connections: int
    patience: float


@dataclass(frozen=True)
class Offered:
    """What became of it.

    Attributes:
        statuses: of each request, in the order in which they were due, or how it ended.
        latencies: seconds from when it was due until it was answered.
        wrong: answers with another digit than the image had in quiet.
        silent_refusals: answers with 503 that do not say when to try again.
    """

    statuses: NDArray[np.int16]
    latencies: NDArray[np.float64]
    wrong: int
    silent_refusals: int


def offer(wanted: Offer) -> Offered:
    """Offer it; to be called in a process of its own."""
    gc.disable()
    return uvloop.run(_Generator(wanted).run())


class _Generator:
    def __init__(self, wanted: Offer) -> None:
        self.wanted = wanted
        self.due: list[float] = wanted.due.tolist()
        self.total = len(self.due)
        self.statuses = array("h", [LATE]) * self.total
        self.latencies = array("d", [0.0]) * self.total
        self.idle: deque[_Connection] = deque()
        self.wrong = self.silent = self.ended = 0
        self.over = False
        self.renewals: set[asyncio.Task[None]] = set()

    async def run(self) -> Offered:
        self.loop = asyncio.get_running_loop()
        for start in range(0, self.wanted.connections, _OPEN_AT_ONCE):
            count = min(_OPEN_AT_ONCE, self.wanted.connections - start)
            await asyncio.gather(*(self._open() for _ in range(count)))
        # Not the loop's clock, which uvloop reads by the millisecond and once a round.
        self.began = monotonic()
        await self._send_when_due()
        last = monotonic() + self.wanted.patience
        while self.ended < self.total and monotonic() < last:
            await asyncio.sleep(0.01)
        self.over = True
        return Offered(np.array(self.statuses), np.array(self.latencies), self.wrong, self.silent)

    async def _send_when_due(self) -> None:
        sent = 0
        while sent < self.total:
            due = bisect_right(self.due, monotonic() - self.began, lo=sent)
            for number in range(sent, due):
                if self.idle:
                    # The last one used: the service closes those that nobody uses for a while.
                    self.idle.pop().send(number)
                else:
                    self.finish(number, NO_CONNECTION)
            sent = due
            await asyncio.sleep(_TICK_SECONDS)

    def finish(self, number: int, status: int) -> None:
        self.statuses[number] = status
        self.latencies[number] = monotonic() - self.began - self.due[number]
        self.ended += 1

    def renew(self) -> None:
        if not self.over:
            task = self.loop.create_task(self._open())
            self.renewals.add(task)
            task.add_done_callback(self.renewals.discard)

    async def _open(self) -> None:
        address = urlsplit(self.wanted.url)
        while not self.over:
            try:
                await self.loop.create_connection(
                    lambda: _Connection(self), address.hostname, address.port
                )
            except OSError:
                await asyncio.sleep(0.1)
            else:
                return


class _Connection(asyncio.Protocol):
    """Sends one request at a time."""

    def __init__(self, generator: _Generator) -> None:
        self.generator = generator
        self.number: int | None = None
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.generator.idle.append(self)

    def send(self, number: int) -> None:
        self.number = number
        requests = self.generator.wanted.requests
        self.transport.write(requests[number % len(requests)])

    def data_received(self, data: bytes) -> None:
        self.data += data
        answer = answer_in(self.data)
        if answer is None or self.number is None:
            return
        generator, number = self.generator, self.number
        self.number, self.data = None, b""
        generator.finish(number, answer.status)
        if answer.status == 200:
            digits = generator.wanted.digits
            generator.wrong += answer.digit != digits[number % len(digits)]
        elif answer.status == 503:
            generator.silent += not answer.says_when
        if answer.closes:
            self.transport.close()
        else:
            generator.idle.append(self)

    def connection_lost(self, _: Exception | None) -> None:
        if self.number is not None:
            self.generator.finish(self.number, LOST)
            self.number = None
        elif self in self.generator.idle:
            self.generator.idle.remove(self)
        self.generator.renew()
