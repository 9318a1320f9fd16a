"""What a request costs a worker, measured on a running service, which is also asked in bursts."""

import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import httpx
import numpy as np
from numpy.typing import NDArray

from benchmarks.queueing.arrivals import Times
from benchmarks.queueing.simulation import Cost, Policy
from benchmarks.soak.calls import Wanted, call, together
from benchmarks.soak.exchange import request
from benchmarks.soak.offer import Offer, offer
from service.batcher import TAKING_NS
from service.inference.sessions import LARGEST_MICRO_BATCH
from service.settings import Settings

_CONCURRENCIES = (4, 8, 16, 32, 64)
_PATIENCE_SECONDS = 15.0
_OVERLOAD = 2.0
_EXPECTED = (httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT)
# The service closes idle connections, now and then just as one is used again.
_BORNE = 0.001
_STEPS = ("decode", "normalise")


@dataclass(frozen=True)
class Caller:
    """Who asks the service.

    Attributes:
        pool: processes on processors that the service leaves alone.
        processes: how many ask at once.
        url: of the service.
        files: the pictures, sent in turn.
        connections: most requests under way in an open loop.
    """

    pool: ProcessPoolExecutor
    processes: int
    url: str
    files: Sequence[bytes]
    connections: int

    @property
    def requests(self) -> list[bytes]:
        """A whole request for each picture."""
        return [
            request(self.url, "/predict", file, {"Content-Type": "image/png"})
            for file in self.files
        ]

    def closed(self, concurrency: int, seconds: float) -> NDArray[np.float64]:
        """Latencies in seconds of requests that each follow the answer to the one before."""
        count = min(self.processes, concurrency)
        digits = [None] * len(self.files)
        wanted = Wanted(self.url, self.requests, digits, concurrency // count, seconds)
        found = together(list(self.pool.map(call, [wanted] * count)))
        return found.latencies[found.statuses == httpx.codes.OK]

    def open(self, times: Times) -> NDArray[np.float64]:
        """Latencies in seconds of requests that leave at `times`; NaN where the answer was no 200.

        Raises:
            RuntimeError: more than one in a thousand was not sent, or ended otherwise than with
                200, 503 or 504.
        """
        count = self.processes
        digits = [None] * len(self.files)
        connections = self.connections // count
        offers = [
            Offer(self.url, self.requests, digits, each, connections, _PATIENCE_SECONDS)
            for each in (times[start::count] for start in range(count))
        ]
        found = list(self.pool.map(offer, offers))
        statuses = np.empty(len(times), np.int16)
        latencies = np.empty(len(times))
        for start, each in enumerate(found):
            statuses[start::count], latencies[start::count] = each.statuses, each.latencies
        others = statuses[~np.isin(statuses, _EXPECTED)]
        if len(others) > _BORNE * len(statuses):
            raise RuntimeError(
                f"{len(others)} of {len(statuses)} requests ended with"
                f" {sorted(set(others.tolist()))}; leave the machine to this command alone"
            )
        return np.where(statuses == httpx.codes.OK, latencies, np.nan)


def cost_of_a_request(caller: Caller, seconds: float) -> tuple[Cost, Policy]:
    """Measure it in closed loops, then in an overload.

    With so many callers at once a micro-batch holds about as many requests, and takes as long as
    all of them wait: a straight line, whose slope is the cost of each and whose start that of the
    micro-batch. Where pictures take so long that few fit into one, the line starts at nought and
    each bears its share. What refusals cost is what is missing of the peak at twice the load.
    """
    lone = caller.closed(1, seconds)
    rates = [len(caller.closed(many, seconds)) / seconds for many in _CONCURRENCIES]
    cycles = np.array(_CONCURRENCIES) / np.array(rates)
    each, batch = np.polyfit(_CONCURRENCIES, cycles, 1, w=1 / cycles)
    stray = np.maximum(lone - np.median(lone), 0.0)
    peak = max(rates)
    due = np.arange(0, seconds, 1 / (_OVERLOAD * peak))
    latencies = caller.open(due)
    refused = int(np.isnan(latencies).sum())
    # Those that came while more was sent: what is answered afterwards costs no refusal.
    answered = int(((due + latencies) < seconds).sum())
    # What micro-batches take beyond their median is in the measured lines already.
    batch = max(float(batch) - float(stray.mean()), 0.0)
    return (
        Cost(
            batch=batch,
            request=float(each),
            refusal=max(seconds - answered / peak, 0.0) / refused if refused else 0.0,
            stray=stray,
            outside=max(float(np.median(lone)) - batch - float(each), 0.0),
        ),
        Policy(
            queue_size=Settings.model_fields["queue_size"].default,
            largest=_largest_batch(caller.url),
            deadline=Settings.model_fields["request_timeout"].default,
        ),
    )


def _largest_batch(url: str) -> int:
    """So many pictures fit into the time for which a worker takes them into a micro-batch."""
    text = httpx.get(f"{url}/metrics").text
    seconds = sum(_mean(text, f"numeral_{step}_duration_seconds") for step in _STEPS)
    return max(1, min(LARGEST_MICRO_BATCH, int(TAKING_NS / 1e9 / seconds) + 1))


def _mean(text: str, histogram: str) -> float:
    total, count = (
        float(re.search(rf"^{histogram}_{what} (\S+)$", text, re.MULTILINE)[1])
        for what in ("sum", "count")
    )
    return total / count
