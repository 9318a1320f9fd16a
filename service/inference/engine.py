"""Reads pictures for concurrent requests: admission, deadlines, and one thread that batches."""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from queue import SimpleQueue
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np

from service.errors import BatchTooLarge, DeadlineExceeded, InferenceFailed
from service.imaging import Normalised, PictureTooLarge, UnreadableImage, is_document
from service.inference.admission import Admission
from service.inference.calibrations import features_of
from service.inference.digits import Content, DigitPipeline
from service.inference.fields import Pipeline
from service.metrics import Metrics

# Larger pictures, which take more than a few milliseconds, are prepared in a thread of their own,
# documents, which may take seconds, in another.
_LARGE_PIXELS = 500_000
_LARGE_BYTES = 256 * 1024

# The most of one request that these threads prepare before it is another one's turn.
_LARGE_TURN, _DOCUMENT_TURN = 4, 1

# Most documents take a fraction of it. A batch of more than fit into its time is refused.
_DOCUMENT_SECONDS = 1.0

_CLOSE_SECONDS = 1.0

_Done = TypeVar("_Done")


@dataclass(slots=True)
class Times:
    """Where the time of a request went, in ns of `time.perf_counter_ns`."""

    submitted: int = field(default_factory=time.perf_counter_ns)  # when it was admitted
    finished: int = 0  # when its last picture was read
    decoding: int = 0  # the time to decode its files
    normalising: int = 0  # the time to normalise its pictures
    inferring: int = 0  # its share of the runs of the model

    @property
    def waiting(self) -> int:
        """The rest of the time."""
        busy = self.decoding + self.normalising + self.inferring
        return max(0, self.finished - self.submitted - busy)


class Result(NamedTuple):
    """The outcome of each picture, in order: a reading or an UnreadableImage."""

    outcomes: list[Any]
    times: Times


@dataclass(slots=True, eq=False)
class _Job:
    pipeline: Pipeline
    contents: list[Any]
    deadline: int
    done: asyncio.Future[None]
    times: Times
    outcomes: list[Any] = field(default_factory=list)
    taken: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it was cancelled, has failed, or its deadline has passed."""
        return self.done.done() or time.perf_counter_ns() > self.deadline


_Queue = SimpleQueue[_Job | None]


class Engine:
    """Reads digits and fields in micro-batches; belongs to one event loop.

        async with Engine(queue_size=256, request_timeout=30.0) as engine:
            result = await engine.run(registry.digits(DigitOptions()), [data])

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
        self._arriving, self._large, self._documents = _Queue(), _Queue(), _Queue()
        # For pieces of streams, those with documents and those with other large pictures.
        self._in_turn = {True: asyncio.Lock(), False: asyncio.Lock()}
        # The most pictures that the next micro-batch of a model may contain.
        self._limits: dict[str, int] = {}
        # Daemons: a model that hangs must not keep the process from exiting.
        thread = partial(threading.Thread, daemon=True)
        self._threads = [
            thread(target=self._batch, name="batching"),
            thread(target=self._prepare_large, args=[self._large], name="large pictures"),
            thread(target=self._prepare_large, args=[self._documents], name="documents"),
        ]
        self._pages = ThreadPoolExecutor(1, "pages")

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        for thread in self._threads:
            thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pages.shutdown(wait=False, cancel_futures=True)
        for queue in (self._arriving, self._large, self._documents):
            queue.put(None)
        for thread in self._threads:
            thread.join(_CLOSE_SECONDS)

    def require_space(self) -> None:
        """Raise `QueueFull` if no picture would be admitted; call it before a body is read."""
        self._admission.check(1)

    async def run(
        self, pipeline: Pipeline, contents: Sequence[Any], *, wait: bool = False
    ) -> Result:
        """Read pictures in order; an unreadable one does not affect the others.

        Contents are files, pixels, or inputs of the model. With `wait`, it waits for space in the
        queue instead of raising QueueFull, and reads a few large pictures or documents at a time,
        in turn with others that wait; timeout and times are then those of the last of them.

        Raises:
            QueueFull: too many images are waiting.
            BatchTooLarge: there are more documents than can be read before the timeout.
            DeadlineExceeded: the request timeout has passed since it was admitted.
            InferenceFailed: the model failed to run.
        """
        if wait:
            return await self._run_in_turn(pipeline, contents)
        most = max(1, int(self._request_timeout / _DOCUMENT_SECONDS))
        if (documents := sum(map(is_document, contents))) > most:
            raise BatchTooLarge(
                f"the batch has {documents} PDF, HEIC or AVIF files; at most {most} are read within"
                f" {self._request_timeout:g} s: send smaller batches or a stream of NDJSON"
            )
        with self._admission.now(len(contents)):
            return await self._run(pipeline, contents)

    async def prepare(self, pipeline: DigitPipeline, content: Content) -> Normalised:
        """Return a picture as the model of `pipeline` sees it.

        Raises what `run` does, and `UnreadableImage` if the picture cannot be read.
        """
        [outcome] = (await self.run(replace(pipeline, reads=False), [content])).outcomes
        if isinstance(outcome, UnreadableImage):
            raise outcome
        image: Normalised = outcome
        return image

    async def _run_in_turn(self, pipeline: Pipeline, contents: Sequence[Any]) -> Result:
        result = Result([], Times())
        for piece, turn in self._pieces(contents):
            async with turn, self._admission.in_turn(len(piece)):
                outcomes, times = await self._run(pipeline, piece)
            result = Result(result.outcomes + outcomes, times)
        return result

    def _pieces(
        self, contents: Sequence[Any]
    ) -> Iterator[tuple[Sequence[Any], contextlib.AbstractAsyncContextManager[None]]]:
        """Split what a stream sends after every few large pictures; those are read in turn."""
        large = [index for index, each in enumerate(contents) if _is_large(each, _LARGE_PIXELS)]
        starts = [0, *large[_LARGE_TURN::_LARGE_TURN], len(contents)]
        for start, end in pairwise(starts):
            piece = contents[start:end]
            turn = self._in_turn[any(map(is_document, piece))]
            yield piece, turn if large else contextlib.nullcontext()

    async def work(self, step: Callable[[], _Done]) -> _Done:
        """Run a step of reading a page in a thread of its own, one step at a time.

        Raises:
            QueueFull: too many images are waiting.
        """
        with self._admission.now(1):
            # Cancelled, a step that has not begun is not run.
            return await self._loop.run_in_executor(self._pages, step)

    @contextlib.asynccontextmanager
    async def deadline(self) -> AsyncIterator[None]:
        """Raise `DeadlineExceeded` if the block takes longer than the request timeout."""
        try:
            async with asyncio.timeout(self._request_timeout):
                yield
        except TimeoutError:
            raise self._late() from None

    async def _run(self, pipeline: Pipeline, contents: Sequence[Any]) -> Result:
        times = Times()
        if not contents:
            return Result([], times)
        deadline = times.submitted + int(1e9 * self._request_timeout)
        job = _Job(pipeline, list(contents), deadline, self._loop.create_future(), times)
        timer = self._loop.call_later(self._request_timeout, _fail, job, self._late())
        self._arriving.put(job)
        try:
            # Cancelling this task cancels the future, which the threads check.
            await job.done
        finally:
            timer.cancel()
        return Result(job.outcomes, times)

    def _late(self) -> DeadlineExceeded:
        return DeadlineExceeded(
            f"no response within {self._request_timeout:g} s; retry later, or send smaller batches"
        )

    def _batch(self) -> None:
        """Run micro-batches, in the batching thread."""
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
            pipeline = jobs[0].pipeline
            started = time.perf_counter_ns()
            limit = self._limits.get(pipeline.name, pipeline.largest)
            owners, inputs = self._take(jobs, limit)
            if inputs:
                self._read(pipeline, owners, inputs)
                # Doubled at most: one fast picture between slow ones says little.
                each = (time.perf_counter_ns() - started) // len(inputs)
                limit = min(2 * limit, pipeline.largest, int(1e9 * pipeline.batch_seconds) // each)
                self._limits[pipeline.name] = max(1, limit)
            if jobs:
                waiting[model] = jobs

    def _take(self, jobs: deque[_Job], limit: int) -> tuple[list[_Job], list[Any]]:
        """Prepare the next pictures of `jobs`, in turns: the job of each, and its input."""
        owners: list[_Job] = []
        inputs: list[Any] = []
        while jobs and len(inputs) < limit:
            job = jobs.popleft()
            if job.is_over:
                continue
            queue = jobs.append
            turn = min(job.pipeline.turn, limit - len(inputs))
            for content in job.contents[job.taken : job.taken + turn]:
                # Tensors, and what the other thread has prepared, need nothing more.
                prepared = content
                if isinstance(content, bytes | np.ndarray):
                    prepared = self._prepare(job, content, _LARGE_PIXELS)
                if prepared is None:
                    queue = self._queue_for(content).put
                    break
                owners.append(job)
                inputs.append(prepared)
                job.taken += 1
            if job.taken < len(job.contents):
                queue(job)
        return owners, inputs

    def _queue_for(self, content: object) -> _Queue:
        return self._documents if is_document(content) else self._large

    def _prepare_large(self, queue: _Queue) -> None:
        """Prepare pictures of `queue`, in a thread of its own, a few of each request in turn."""
        turn = _DOCUMENT_TURN if queue is self._documents else _LARGE_TURN
        while job := queue.get():
            for index in range(job.taken, min(job.taken + turn, len(job.contents))):
                if job.is_over or self._queue_for(job.contents[index]) is not queue:
                    break
                job.contents[index] = self._prepare(job, job.contents[index])
            self._arriving.put(job)

    def _prepare(self, job: _Job, content: Any, small: int | None = None) -> Any:  # noqa: ANN401
        """Decode and normalise a picture; return None if it has more than `small` pixels."""
        if small and _is_large(content, small):
            return None
        pipeline, times = job.pipeline, job.times
        started = time.perf_counter_ns()
        try:
            limit = min(small or pipeline.max_pixels, pipeline.max_pixels)
            picture: Any = pipeline.decode(content, limit)
            if small and isinstance(picture, PictureTooLarge) and picture is not content:
                return None
            decoded = time.perf_counter_ns()
            prepared = pipeline.normalise(picture)
        except Exception as error:
            # A bug, which must neither stop the thread nor affect other requests.
            self._end([job], error)
            return None
        normalised = time.perf_counter_ns()
        times.decoding += decoded - started
        times.normalising += normalised - decoded
        self._metrics.decoded(1e-9 * (decoded - started))
        self._metrics.normalised(1e-9 * (normalised - decoded))
        return prepared

    def _read(self, pipeline: Pipeline, owners: Sequence[_Job], inputs: Sequence[Any]) -> None:
        """Run the model, and end the jobs that this completes."""
        metrics, name = self._metrics, pipeline.name
        pipelines: list[Any] = [job.pipeline for job in owners]
        started = time.perf_counter_ns()
        try:
            outcomes = pipeline.read_inputs(
                inputs,
                pipelines,
                lambda images, seconds: metrics.micro_batch(name, images=images, seconds=seconds),
            )
        except Exception as error:
            self._end(owners, error)
            return
        finished = time.perf_counter_ns()
        completed: list[_Job] = []
        answers = []
        for job, item, outcome in zip(owners, inputs, outcomes, strict=True):
            job.outcomes.append(outcome)
            job.times.inferring += (finished - started) // len(outcomes)
            if len(job.outcomes) == len(job.contents):
                job.times.finished = finished
                completed.append(job)
            if isinstance(outcome, UnreadableImage):
                metrics.unreadable.labels(outcome.slug).inc()
            elif not isinstance(outcome, Normalised):
                answers.append(outcome.answer)
                if job.pipeline.calibration:
                    seen = features_of(outcome.confidence, item.ink)
                    metrics.drift(name, job.pipeline.calibration, seen)
        metrics.answered(name, answers)
        metrics.waited([1e-9 * job.times.waiting for job in completed])
        self._end(completed)

    def _end(self, jobs: Sequence[_Job], error: Exception | None = None) -> None:
        for job in jobs:
            job.deadline = 0
        # The loop is closed if a model took longer than the shutdown.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(_resolve, jobs, error)


def _is_large(content: object, pixels: int) -> bool:
    if isinstance(content, bytes):
        return len(content) > _LARGE_BYTES or is_document(content)
    return isinstance(content, np.ndarray) and content.size > pixels


def _resolve(jobs: Sequence[_Job], error: Exception | None) -> None:
    for job in jobs:
        if error is not None:
            # A new exception each time: raising one writes into its traceback.
            failure = InferenceFailed(f"{job.pipeline.name}: {error}")
            failure.__cause__ = error
            _fail(job, failure)
        elif not job.done.done():
            job.done.set_result(None)


def _fail(job: _Job, error: Exception) -> None:
    if not job.done.done():
        job.done.set_exception(error)
