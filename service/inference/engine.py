"""Reads pictures for many callers at once: bounded, batched, in time. Knows nothing of HTTP."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Self

from service.errors import DeadlineExceeded, QueueFull
from service.imaging import Normalised, UnreadableImage
from service.inference.admission import Backlog
from service.inference.batcher import Batcher, Job
from service.inference.digits import Content, DigitPipeline, Outcome
from service.inference.field_batcher import FieldBatcher, FieldJob
from service.inference.fields import FieldPipeline
from service.inference.preparing import Times, prepare, prepare_slow
from service.metrics import Metrics
from service.quick import is_quick

# More threads would not decode faster on a few cores, but hold more large pictures in memory.
_IMAGING_THREADS = 2


class Engine:
    """The threads and the queue of one process; belongs to one event loop.

    async with Engine(queue_size=256, request_timeout=30.0) as engine:
        result = await engine.run(registry.digits(DigitOptions()), [data])
        result.outcomes
    """

    def __init__(
        self, *, queue_size: int, request_timeout: float, metrics: Metrics | None = None
    ) -> None:
        self._request_timeout = request_timeout
        self._metrics = metrics or Metrics()
        self._imaging = ThreadPoolExecutor(_IMAGING_THREADS, "imaging")
        self._batcher = Batcher(self._metrics)
        self._field_batcher = FieldBatcher(self._imaging, self._metrics)
        self._backlog = Backlog(queue_size)
        self._metrics.watch_queue(lambda: self._backlog.admitted, limit=queue_size)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._imaging.shutdown(wait=False, cancel_futures=True)

    def has_room(self, images: int) -> bool:
        """Whether the queue has room for `images` more."""
        return self._backlog.has_room(images)

    def queue_full(self) -> QueueFull:
        """What a caller is told for whom it has none."""
        return self._backlog.full()

    async def run(
        self,
        pipeline: DigitPipeline | FieldPipeline,
        contents: Sequence[Any],
        *,
        wait: bool = False,
    ) -> Any:  # noqa: ANN401 - a job of the kind of the pipeline
        """Read pictures, in order; one that cannot be read does not disturb the others.

        Args:
            pipeline: how they are read.
            contents: the pictures.
            wait: wait for room in the queue instead of raising `QueueFull`.

        Raises:
            QueueFull: too much is waiting already.
            DeadlineExceeded: it took longer than a request may.
        """
        carry_out: Callable[..., Any] = (
            self._carry_out if isinstance(pipeline, DigitPipeline) else self._carry_out_fields
        )
        if wait:
            async with self._backlog.turn(len(contents)):
                return await carry_out(pipeline, contents)
        with self._backlog.admit(len(contents)):
            return await carry_out(pipeline, contents)

    async def prepare(self, pipeline: DigitPipeline, content: Content) -> Normalised:
        """What the model of `pipeline` is shown of a picture.

        Raises:
            UnreadableImage: it cannot be read as an image.
            QueueFull, DeadlineExceeded: as `run` says.
        """
        work = partial(prepare, pipeline, content, Times(), self._metrics)
        with self._backlog.admit(1):
            try:
                async with asyncio.timeout(self._request_timeout):
                    ready = await self._loop.run_in_executor(self._imaging, work)
            except TimeoutError as error:
                raise self._late() from error
        if isinstance(ready, UnreadableImage):
            raise ready
        return ready

    async def _carry_out(self, pipeline: DigitPipeline, contents: Sequence[Content]) -> Job:
        seconds = self._request_timeout
        times = Times()
        try:
            if not all(map(is_quick, contents)):
                async with asyncio.timeout(seconds):
                    contents = await prepare_slow(
                        pipeline, contents, times, self._metrics, self._imaging
                    )
            deadline = times.submitted + int(seconds * 1e9)
            job = Job(pipeline, contents, deadline, self._loop.create_future(), times)
            await self._batcher.submit(job)
        except (TimeoutError, DeadlineExceeded) as error:
            raise self._late() from error
        return job

    async def _carry_out_fields(self, pipeline: FieldPipeline, contents: Sequence[Any]) -> FieldJob:
        times = Times()
        done: asyncio.Future[None] = self._loop.create_future()
        try:
            async with asyncio.timeout(self._request_timeout):
                prepared = await prepare_slow(
                    pipeline, contents, times, self._metrics, self._imaging
                )
                job = FieldJob(pipeline, prepared, done, times)
                await self._field_batcher.submit(job)
        except TimeoutError as error:
            raise self._late() from error
        return job

    def submit(
        self,
        pipeline: DigitPipeline,
        picture: bytes,
        then: Callable[[Outcome | Exception | None], None],
    ) -> asyncio.Future[None]:
        """Read a picture that is quick, with no task that waits for it.

        Args:
            pipeline: how it is read.
            picture: its file.
            then: called with what was read, the error that came instead, or None if it was given
                up.

        Returns:
            What is to be cancelled to give it up.

        Raises:
            QueueFull: too much is waiting already.
        """
        self._backlog.take(1)
        times = Times()
        deadline = times.submitted + int(self._request_timeout * 1e9)
        job = Job(pipeline, (picture,), deadline, self._loop.create_future(), times)
        job.done.add_done_callback(partial(self._end, job, then))
        return self._batcher.submit(job)

    def _end(
        self,
        job: Job,
        then: Callable[[Outcome | Exception | None], None],
        done: asyncio.Future[None],
    ) -> None:
        self._backlog.give_back(1)
        if done.cancelled():
            then(None)
            return
        try:
            done.result()
        except DeadlineExceeded:
            then(self._late())
        except Exception as error:
            then(error)
        else:
            then(job.outcomes[0])

    def _late(self) -> DeadlineExceeded:
        seconds = self._request_timeout
        return DeadlineExceeded(
            f"no answer within {seconds:g} s; send it again later, or in smaller batches"
        )
