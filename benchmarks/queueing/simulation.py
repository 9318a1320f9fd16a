"""The queue of one worker, or of several that share one, as `service.batcher` and `Backlog` work.

A request that finds the queue full is refused, which costs the worker time as well. A worker takes
all that waits, up to a micro-batch, and answers it together; it drops what has waited too long.
"""

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from benchmarks.queueing.arrivals import Times


@dataclass(frozen=True)
class Cost:
    """The time of a worker, in seconds.

    Attributes:
        batch: for a micro-batch, whatever is in it.
        request: for each request in it.
        refusal: for a request that is refused.
        stray: what a micro-batch may take beyond that, drawn at random.
        outside: what a caller waits beyond that: the way there and back.
    """

    batch: float
    request: float
    refusal: float = 0.0
    stray: NDArray[np.float64] | None = None
    outside: float = 0.0


@dataclass(frozen=True)
class Policy:
    """What the service does.

    Attributes:
        queue_size: most requests in work or waiting.
        largest: most requests in a micro-batch.
        deadline: seconds after which one that waits is dropped.
        workers: how many take from the queue.
        exponential: whether a micro-batch's time is drawn from an exponential distribution: what
            the formulas of queueing theory know.
    """

    queue_size: float = 2048
    largest: int = 64
    deadline: float = 10.0
    workers: int = 1
    exponential: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of the requests, in the order in which they came.

    Attributes:
        latency: seconds until the answer; NaN for those without.
        wait: seconds until a worker took it; NaN for those that none took.
        refused: those that found the queue full.
        late: those that were dropped.
    """

    latency: NDArray[np.float64]
    wait: NDArray[np.float64]
    refused: NDArray[np.bool_]
    late: NDArray[np.bool_]

    @property
    def refused_share(self) -> float:
        """Of all requests, those without an answer."""
        return float((self.refused | self.late).mean())

    def quantile(self, share: float) -> float:
        """Seconds within which so large a share of the answers came."""
        answered = self.latency[~np.isnan(self.latency)]
        return float(np.quantile(answered, share)) if len(answered) else float("nan")


def simulate(times: Times, cost: Cost, policy: Policy, seed: int) -> Outcome:
    """Let requests come at `times`; a seed gives the same outcome."""
    run = _Run(times, cost, policy, np.random.default_rng(seed))
    run.environment.run()
    return Outcome(run.latency, run.wait, run.refused, run.late)


class _Run:
    def __init__(
        self, times: Times, cost: Cost, policy: Policy, random: np.random.Generator
    ) -> None:
        self.times, self.cost, self.policy, self.random = times, cost, policy, random
        self.latency = np.full(len(times), np.nan)
        self.wait = np.full(len(times), np.nan)
        self.refused = np.zeros(len(times), bool)
        self.late = np.zeros(len(times), bool)
        self.admitted = 0
        self.owed = 0.0  # time that refusals have cost and no worker has spent yet
        self.waiting: deque[int] = deque()
        self.idle: deque[simpy.Event] = deque()
        self.environment = simpy.Environment()
        self.environment.process(self._arrive())
        for _ in range(policy.workers):
            self.environment.process(self._work())

    def _arrive(self) -> Generator[simpy.Event, Any, None]:
        for number, moment in enumerate(self.times.tolist()):
            yield self.environment.timeout(moment - self.environment.now)
            if self.admitted >= self.policy.queue_size:
                self.refused[number] = True
                self.owed += self.cost.refusal
                continue
            self.admitted += 1
            self.waiting.append(number)
            if self.idle:
                self.idle.popleft().succeed()

    def _work(self) -> Generator[simpy.Event, Any, None]:
        while True:
            if not self.waiting:
                wake = self.environment.event()
                self.idle.append(wake)
                yield wake
                continue
            batch = self._take()
            if not batch:
                continue
            yield self.environment.timeout(self._seconds(len(batch)))
            self.admitted -= len(batch)
            ended = self.environment.now + self.cost.outside
            self.latency[batch] = ended - self.times[batch]

    def _take(self) -> list[int]:
        now, batch = self.environment.now, []
        while self.waiting and len(batch) < self.policy.largest:
            number = self.waiting.popleft()
            if now > self.times[number] + self.policy.deadline:
                self.late[number] = True
                self.admitted -= 1
            else:
                batch.append(number)
        self.wait[batch] = now - self.times[batch]
        return batch

    def _seconds(self, requests: int) -> float:
        seconds = self.cost.batch + self.cost.request * requests
        if self.policy.exponential:
            seconds = self.random.exponential(seconds)
        if self.cost.stray is not None:
            seconds += self.random.choice(self.cost.stray)
        seconds, self.owed = seconds + self.owed, 0.0
        return seconds
