"""From pictures as they come to what a model can be shown: at once, or in threads."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

from service.metrics import Metrics
from service.quick import is_quick

# So many pictures of a request go to a thread at once.
_PART_OF_SLOW = 4

_Ready = TypeVar("_Ready")
_Ready_co = TypeVar("_Ready_co", covariant=True)


class Steps(Protocol[_Ready_co]):
    """What a pipeline does to a picture before a model sees it; any step may be done already."""

    def decode(self, content: Any) -> Any:  # noqa: ANN401 - what is ready is left as it is
        """The pixels of a file."""

    def normalise(self, picture: Any) -> _Ready_co:  # noqa: ANN401
        """What a model can be shown of a picture."""


@dataclass(slots=True)
class Times:
    """Where a job's time went, in ns by `time.perf_counter_ns`.

    Attributes:
        submitted: when it came.
        finished: when it was done.
        decoding: how long its files were decoded.
        normalising: how long its pictures were normalised.
        inferring: its share of the time that its micro-batches ran.
    """

    submitted: int = field(default_factory=time.perf_counter_ns)
    finished: int = 0
    decoding: int = 0
    normalising: int = 0
    inferring: int = 0

    @property
    def waiting(self) -> int:
        """How long nothing was done about it."""
        busy = self.decoding + self.normalising + self.inferring
        return max(0, self.finished - self.submitted - busy)


def prepare(steps: Steps[_Ready], content: object, times: Times, metrics: Metrics) -> _Ready:
    """Decode and normalise a picture, and note how long that took."""
    began = time.perf_counter_ns()
    picture = steps.decode(content)
    decoded = time.perf_counter_ns()
    ready = steps.normalise(picture)
    normalised = time.perf_counter_ns()
    times.decoding += decoded - began
    times.normalising += normalised - decoded
    metrics.decoded(1e-9 * (decoded - began))
    metrics.normalised(1e-9 * (normalised - decoded))
    return ready


async def prepare_slow(
    steps: Steps[_Ready],
    contents: Sequence[Any],
    times: Times,
    metrics: Metrics,
    threads: ThreadPoolExecutor,
) -> list[Any]:
    """`contents`, those of them ready that take longer than the event loop has time for.

    A few at a time, one part after another: others find room between them.
    """
    prepared = list(contents)
    slow = [place for place, content in enumerate(contents) if not is_quick(content)]
    for start in range(0, len(slow), _PART_OF_SLOW):
        places = slow[start : start + _PART_OF_SLOW]
        work = partial(_prepare_all, steps, [contents[place] for place in places], times, metrics)
        ready = await asyncio.get_running_loop().run_in_executor(threads, work)
        for place, item in zip(places, ready, strict=True):
            prepared[place] = item
    return prepared


def _prepare_all(
    steps: Steps[_Ready], contents: Sequence[object], times: Times, metrics: Metrics
) -> list[_Ready]:
    return [prepare(steps, content, times, metrics) for content in contents]
