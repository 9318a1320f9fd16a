"""Micro-batching of fields: what is waiting is read together in a thread, in fair turns."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from service.errors import InferenceFailed
from service.imaging import UnreadableImage
from service.inference.fields import FieldContent, FieldOutcome, FieldPipeline, read_together
from service.inference.preparing import Times, prepare
from service.metrics import Metrics

# Most fields that are read together: a reader takes several milliseconds for each, and whoever
# comes meanwhile waits for all of them.
LARGEST_MICRO_BATCH = 8

# Long fields whose digits are unsure take up to twenty times as long. Where the last ones did,
# fewer are read together, so that whoever comes waits no longer than this, or for one.
_LONGEST_NS = 100_000_000

# Most fields that a job has in a micro-batch before it is the next one's turn.
_TURN = 4


@dataclass(slots=True, eq=False)
class FieldJob:
    """Fields of one caller on their way.

    Attributes:
        pipeline: how they are read.
        contents: the fields; each is decoded and cut out in a millisecond, or ready.
        done: resolved once there is an outcome for each.
        outcomes: what was read so far, in order.
    """

    pipeline: FieldPipeline
    contents: Sequence[FieldContent]
    done: asyncio.Future[None]
    times: Times
    outcomes: list[FieldOutcome] = field(default_factory=list)


class FieldBatcher:
    """Reads the fields of many callers together, one micro-batch at a time.

    A thread does the work, as a field takes longer than the event loop has time for; of the threads
    that large pictures are decoded in, one is always left to others. A job whose caller has given
    up is dropped before it is computed.
    """

    def __init__(self, threads: ThreadPoolExecutor, metrics: Metrics) -> None:
        self._threads = threads
        self._metrics = metrics
        self._waiting: deque[FieldJob] = deque()
        self._room = LARGEST_MICRO_BATCH
        self._work: asyncio.Task[None] | None = None

    def submit(self, job: FieldJob) -> asyncio.Future[None]:
        """Read the fields of `job` with whatever waits; the future ends with the job."""
        if not job.contents:
            job.done.set_result(None)
            return job.done
        self._waiting.append(job)
        if self._work is None:
            self._work = asyncio.get_running_loop().create_task(self._read_all())
        return job.done

    async def _read_all(self) -> None:
        try:
            while self._waiting:
                if shares := _take(self._waiting, self._room):
                    await self._read(shares)
        finally:
            self._work = None

    async def _read(self, shares: Sequence[tuple[FieldJob, int]]) -> None:
        work = partial(_read_shares, shares, self._metrics)
        try:
            outcomes, each = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except Exception as error:
            _fail(shares, error)
            return
        # Doubled at most: a quick field between slow ones does not make room for many of these.
        self._room = max(1, min(LARGEST_MICRO_BATCH, 2 * self._room, _LONGEST_NS // max(1, each)))
        start = 0
        for job, count in shares:
            job.outcomes += outcomes[start : start + count]
            start += count
            if len(job.outcomes) == len(job.contents):
                _finish(job, self._metrics)
            elif not job.done.done():
                self._waiting.append(job)


def _take(waiting: deque[FieldJob], room: int) -> list[tuple[FieldJob, int]]:
    # Each job with how many of its fields are next. A job is in line again once they are read.
    shares: list[tuple[FieldJob, int]] = []
    while waiting and room:
        job = waiting.popleft()
        if job.done.done():
            continue
        count = min(_TURN, room, len(job.contents) - len(job.outcomes))
        shares.append((job, count))
        room -= count
    return shares


def _read_shares(
    shares: Sequence[tuple[FieldJob, int]], metrics: Metrics
) -> tuple[list[FieldOutcome], int]:
    """What the next fields of each job say, and how long one took, in ns."""
    ready = [
        (job.pipeline, prepare(job.pipeline, content, job.times, metrics))
        for job, count in shares
        for content in job.contents[len(job.outcomes) : len(job.outcomes) + count]
    ]
    began = time.perf_counter_ns()
    outcomes = read_together(ready, metrics)
    each = (time.perf_counter_ns() - began) // len(outcomes)
    for job, count in shares:
        job.times.inferring += count * each
    return outcomes, each


def _finish(job: FieldJob, metrics: Metrics) -> None:
    job.times.finished = time.perf_counter_ns()
    metrics.waited((1e-9 * job.times.waiting,))
    for outcome in job.outcomes:
        if isinstance(outcome, UnreadableImage):
            metrics.unreadable(outcome.slug)
        else:
            metrics.answered(outcome.card.name, (outcome.answer,))
    if not job.done.done():
        job.done.set_result(None)


def _fail(shares: Sequence[tuple[FieldJob, int]], error: Exception) -> None:
    for job, _ in shares:
        if not job.done.done():
            # One for each: whoever raises an exception writes into its traceback.
            failure = InferenceFailed(f"{job.pipeline.reader.card.name}: {error}")
            failure.__cause__ = error
            job.done.set_exception(failure)
