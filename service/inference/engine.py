"""Reads pictures for concurrent requests: admission, deadlines, and one thread that batches."""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from service.errors import DeadlineExceeded, InferenceFailed
from service.imaging import Normalised, PictureTooLarge, UnreadableImage
from service.inference.admission import Admission
from service.inference.digits import Content, DigitPipeline, NormalisePipeline, OnRun
from service.metrics import Metrics

# Larger pictures are prepared in a thread of their own; smaller ones take a few milliseconds.
_LARGE_PIXELS = 500_000
_LARGE_BYTES = 256 * 1024

# The most pictures of one request that this thread prepares before it is another one's turn.
_LARGE_TURN = 4

_CLOSE_SECONDS = 1.0

_T_co = TypeVar("_T_co", covariant=True)


class Pipeline(Protocol[_T_co]):
    """A `DigitPipeline` or a `FieldPipeline`."""

    largest: ClassVar[int]
    turn: ClassVar[int]
    batch_seconds: ClassVar[float]

    @property
    def model(self) -> Hashable: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    def decode(self, content: Any, max_pixels: int | None = None) -> Any: ...  # noqa: ANN401, D102
    def normalise(self, picture: Any) -> Any: ...  # noqa: ANN401, D102
    @staticmethod
    def read_ready(  # noqa: D102
        ready: Sequence[Any], pipelines: Sequence[Any], on_run: OnRun | None = None
    ) -> Sequence[_T_co]: ...


@dataclass(slots=True)
class Times:
    """Where the time of a request went, in ns of `time.perf_counter_ns`.

    Attributes:
        submitted: when it was admitted.
        finished: when its last picture was read.
        decoding: the time to decode its files.
        normalising: the time to normalise its pictures.
        inferring: its share of the runs of the model.
    """

    submitted: int = field(default_factory=time.perf_counter_ns)
    finished: int = 0
    decoding: int = 0
    normalising: int = 0
    inferring: int = 0

    @property
    def waiting(self) -> int:
        """The rest of the time."""
        busy = self.decoding + self.normalising + self.inferring
        return max(0, self.finished - self.submitted - busy)


@dataclass(slots=True, eq=False)
class Result(Generic[_T_co]):
    """The outcomes of a request, in order, and where its time went."""

    outcomes: list[_T_co]
    times: Times


@dataclass(slots=True, eq=False)
class _Job:
    """A request; one thread works on it at a time."""

    pipeline: Pipeline[Any]
    contents: list[Any]
    deadline: int
    done: asyncio.Future[None]
    times: Times = field(default_factory=Times)
    outcomes: list[Any] = field(default_factory=list)
    taken: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.done.done() or time.perf_counter_ns() > self.deadline


class Engine:
    """Reads digits and fields in micro-batches; belongs to one event loop.

        async with Engine(queue_size=256, request_timeout=30.0) as engine:
            result = await engine.run(registry.digits(DigitOptions()), [data])
            result.outcomes

    A micro-batch contains whatever waits for one model; no request waits for company. Models take
    turns, and so do the requests for a model, whatever their size. Pictures of a request that was
    cancelled, or whose deadline has passed, are not started.
    """

    def __init__(
        self, *, queue_size: int, request_timeout: float, metrics: Metrics | None = None
    ) -> None:
        self._request_timeout = request_timeout
        self._metrics = metrics or Metrics()
        self._admission = Admission(queue_size)
        self._metrics.watch_queue(lambda: self._admission.admitted, limit=queue_size)
        self._arriving: SimpleQueue[_Job | None] = SimpleQueue()
        self._large: SimpleQueue[_Job | None] = SimpleQueue()
        self._limits: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        # Daemons: a hanging model must not keep the process from exiting.
        self._threads = [
            threading.Thread(target=self._batch, name="batching", daemon=True),
            threading.Thread(target=self._prepare_large, name="large pictures", daemon=True),
        ]

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        for thread in self._threads:
            thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._arriving.put(None)
        self._large.put(None)
        for thread in self._threads:
            thread.join(_CLOSE_SECONDS)

    async def run(
        self, pipeline: Pipeline[_T_co], contents: Sequence[Any], *, wait: bool = False
    ) -> Result[_T_co]:
        """Read pictures in order; an unreadable one does not affect the others.

        Args:
            pipeline: how to read them.
            contents: the pictures.
            wait: wait for room in the queue instead of raising QueueFull.

        Raises:
            QueueFull: too many images are waiting.
            DeadlineExceeded: the request timeout has passed since it was admitted.
            InferenceFailed: the model failed to run.
        """
        if wait:
            async with self._admission.in_turn(len(contents)):
                return await self._run(pipeline, contents)
        with self._admission.now(len(contents)):
            return await self._run(pipeline, contents)

    async def prepare(self, pipeline: DigitPipeline, content: Content) -> Normalised:
        """Return a picture as the model of `pipeline` sees it.

        Raises:
            UnreadableImage: the picture cannot be read.
            QueueFull, DeadlineExceeded: as for `run`.
        """
        preparation = NormalisePipeline(
            pipeline.classifier, pipeline.criteria, pipeline.preprocess, pipeline.max_pixels
        )
        [outcome] = (await self.run(preparation, [content])).outcomes
        if isinstance(outcome, UnreadableImage):
            raise outcome
        shown: Normalised = outcome
        return shown

    async def _run(self, pipeline: Pipeline[_T_co], contents: Sequence[Any]) -> Result[_T_co]:
        times = Times()
        if not contents:
            return Result([], times)
        deadline = times.submitted + int(1e9 * self._request_timeout)
        job = _Job(pipeline, list(contents), deadline, self._loop.create_future(), times)
        timer = self._loop.call_later(self._request_timeout, self._expire, job)
        self._arriving.put(job)
        try:
            # A task that is cancelled cancels the future, which tells the threads.
            await job.done
        finally:
            timer.cancel()
        return Result(job.outcomes, times)

    def _expire(self, job: _Job) -> None:
        if not job.done.done():
            job.done.set_exception(
                DeadlineExceeded(
                    f"no answer within {self._request_timeout:g} s; send it again later, or in"
                    " smaller batches"
                )
            )

    def _batch(self) -> None:
        """Run micro-batches in the batching thread."""
        waiting: dict[Hashable, deque[_Job]] = {}
        while True:
            # Collect whatever has arrived; block only if there is nothing to do.
            while not waiting or not self._arriving.empty():
                job = self._arriving.get()
                if job is None:
                    return
                waiting.setdefault(job.pipeline.model, deque()).append(job)
            model = next(iter(waiting))
            jobs = waiting.pop(model)
            started = time.perf_counter_ns()
            owners, ready = self._take(jobs)
            if ready:
                self._read(owners, ready)
                self._limit(owners[0].pipeline, (time.perf_counter_ns() - started) // len(ready))
            if jobs:
                waiting[model] = jobs

    def _take(self, jobs: deque[_Job]) -> tuple[list[_Job], list[Any]]:
        """Prepare the next pictures of `jobs`, in turns; return the job of each, and its input."""
        owners: list[_Job] = []
        ready: list[Any] = []
        pipeline = jobs[0].pipeline
        limit = self._limits.get(pipeline.model, pipeline.largest)
        while jobs and len(ready) < limit:
            job = jobs.popleft()
            if job.is_over:
                continue
            queue = jobs.append
            turn = min(job.pipeline.turn, limit - len(ready))
            for content in job.contents[job.taken : job.taken + turn]:
                try:
                    item = self._prepare(job, content, _LARGE_PIXELS)
                except Exception as error:
                    self._end([job], error)
                    break
                if item is None:
                    queue = self._large.put
                    break
                owners.append(job)
                ready.append(item)
                job.taken += 1
            if job.taken < len(job.contents):
                queue(job)
        return owners, ready

    def _prepare_large(self) -> None:
        """Prepare large pictures in a thread of their own, a few of each request in turn."""
        while job := self._large.get():
            for index in range(job.taken, min(job.taken + _LARGE_TURN, len(job.contents))):
                if job.is_over:
                    break
                try:
                    job.contents[index] = self._prepare(job, job.contents[index])
                except Exception as error:
                    self._end([job], error)
                    break
            self._arriving.put(job)

    def _prepare(self, job: _Job, content: Any, small: int | None = None) -> Any:  # noqa: ANN401
        """Decode and normalise a picture; return None if it is larger than `small` pixels."""
        if small and _is_large(content, small):
            return None
        started = time.perf_counter_ns()
        picture = job.pipeline.decode(content, small)
        if small and isinstance(picture, PictureTooLarge) and picture is not content:
            return None
        decoded = time.perf_counter_ns()
        ready = job.pipeline.normalise(picture)
        normalised = time.perf_counter_ns()
        job.times.decoding += decoded - started
        job.times.normalising += normalised - decoded
        self._metrics.decoded(1e-9 * (decoded - started))
        self._metrics.normalised(1e-9 * (normalised - decoded))
        return ready

    def _read(self, owners: Sequence[_Job], ready: Sequence[Any]) -> None:
        """Run a micro-batch and hand back the requests that it completes."""
        pipeline = owners[0].pipeline
        started = time.perf_counter_ns()
        try:
            outcomes = pipeline.read_ready(
                ready,
                [job.pipeline for job in owners],
                lambda images, seconds: self._metrics.micro_batch(
                    pipeline.name, images=images, seconds=seconds
                ),
            )
        except Exception as error:
            self._end(dict.fromkeys(owners), error)
            return
        finished = time.perf_counter_ns()
        each = (finished - started) // len(outcomes)
        completed: list[_Job] = []
        for job, outcome in zip(owners, outcomes, strict=True):
            job.outcomes.append(outcome)
            job.times.inferring += each
            if len(job.outcomes) == len(job.contents):
                job.times.finished = finished
                completed.append(job)
        self._count(pipeline.name, outcomes, completed)
        self._end(completed)

    def _limit(self, pipeline: Pipeline[Any], nanoseconds: int) -> None:
        """Limit the next micro-batch of a model by what one picture took in the last one."""
        # Doubled at most: one fast picture between slow ones says little.
        limit = 2 * self._limits.get(pipeline.model, pipeline.largest)
        limit = min(limit, pipeline.largest, int(1e9 * pipeline.batch_seconds) // nanoseconds)
        self._limits[pipeline.model] = max(1, limit)

    def _count(self, model: str, outcomes: Sequence[Any], completed: Sequence[_Job]) -> None:
        answers = []
        for outcome in outcomes:
            if isinstance(outcome, UnreadableImage):
                self._metrics.unreadable(outcome.slug)
            elif not isinstance(outcome, Normalised):
                answers.append(outcome.answer)
        self._metrics.answered(model, answers)
        self._metrics.waited([1e-9 * job.times.waiting for job in completed])

    def _end(self, jobs: Iterable[_Job], error: Exception | None = None) -> None:
        # After a shutdown the loop may be closed.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(_resolve, list(jobs), error)


def _is_large(content: object, pixels: int) -> bool:
    if isinstance(content, bytes):
        return len(content) > _LARGE_BYTES
    return isinstance(content, np.ndarray) and content.size > pixels


def _resolve(jobs: Sequence[_Job], error: Exception | None) -> None:
    for job in jobs:
        if job.done.done():
            continue
        if error is None:
            job.done.set_result(None)
            continue
        # A new exception each time: raising one writes into its traceback.
        failure = InferenceFailed(f"{job.pipeline.name}: {error}")
        failure.__cause__ = error
        job.done.set_exception(failure)
