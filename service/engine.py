"""Reads pictures for many callers at once: bounded, batched, in time. Knows nothing of HTTP."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Self

from prometheus_client import CollectorRegistry

from service.batcher import Batcher, DeadlineExceeded, Job
from service.fields.engine import FieldEngine
from service.imaging import Normalised, UnreadableImage
from service.inference.backlog import Backlog, QueueFull
from service.loading import LoadedModels
from service.metrics.events import Metrics
from service.pipeline import Content, Outcome, Pipeline, Reading, Wish
from service.preparing import Times, prepare, prepare_slow
from service.quick import is_quick
from service.settings import Settings

# More threads would not decode faster on a few cores, but hold more large pictures in memory.
_IMAGING_THREADS = 2


class Engine:
    """The threads and the queue of one process, and its models.

        async with Engine(settings) as engine:
            await engine.models.load()
            reading = await engine.read(engine.pipeline(Wish()), data)

    Belongs to one event loop.

    Attributes:
        models: what reads the pictures.
        fields: reads strips of several digits, with the same threads and the same queue.
    """

    def __init__(self, settings: Settings, metrics: Metrics | None = None) -> None:
        self._settings = settings
        self._metrics = metrics or Metrics(CollectorRegistry())
        self.models = LoadedModels(settings, self._metrics)
        self._imaging = ThreadPoolExecutor(_IMAGING_THREADS, "imaging")
        self._batcher = Batcher(self._metrics)
        self._backlog = Backlog(settings.queue_size)
        self._metrics.watch_queue(lambda: self._backlog.admitted, limit=settings.queue_size)
        self.fields = FieldEngine(
            settings, self._metrics, self._backlog, self._imaging, self.models
        )

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._imaging.shutdown(wait=False, cancel_futures=True)

    def pipeline(self, wish: Wish) -> Pipeline:
        """The pipeline for `wish`, as `LoadedModels.pipeline` says."""
        return self.models.pipeline(wish)

    def has_room(self, images: int) -> bool:
        """Whether the queue has room for `images` more."""
        return self._backlog.has_room(images)

    def queue_full(self) -> QueueFull:
        """What a caller is told for whom it has none."""
        return self._backlog.full()

    async def read(self, pipeline: Pipeline, content: Content) -> Reading:
        """Read one picture.

        Raises:
            UnreadableImage: it cannot be read as an image.
            QueueFull: too much is waiting already.
            DeadlineExceeded: it took longer than a request may.
        """
        [outcome] = (await self.work(pipeline, [content])).outcomes
        if isinstance(outcome, UnreadableImage):
            raise outcome
        return outcome

    async def show(self, pipeline: Pipeline, content: Content) -> Normalised:
        """What the model of `pipeline` is shown of a picture.

        Raises:
            UnreadableImage, QueueFull, DeadlineExceeded: as `read` says.
        """
        work = partial(prepare, pipeline, content, Times(), self._metrics)
        with self._backlog.admit(1):
            try:
                async with asyncio.timeout(self._settings.request_timeout):
                    ready = await self._loop.run_in_executor(self._imaging, work)
            except TimeoutError as error:
                raise self._late() from error
        if isinstance(ready, UnreadableImage):
            raise ready
        return ready

    async def read_many(self, pipeline: Pipeline, contents: Sequence[Content]) -> list[Outcome]:
        """Read pictures, in order; one that cannot be read does not disturb the others.

        Raises:
            QueueFull: too much is waiting already.
            DeadlineExceeded: it took longer than a request may.
        """
        return (await self.work(pipeline, contents)).outcomes

    async def read_in_turn(self, pipeline: Pipeline, contents: Sequence[Content]) -> list[Outcome]:
        """Read pictures as `read_many` does, but wait for room in the queue.

        Raises:
            DeadlineExceeded: from then on it took longer than a request may.
        """
        async with self._backlog.turn(len(contents)):
            return (await self._carry_out(pipeline, contents)).outcomes

    async def work(self, pipeline: Pipeline, contents: Sequence[Content]) -> Job:
        """Read pictures as `read_many` does; the finished job also says where its time went.

        Raises:
            QueueFull, DeadlineExceeded: as `read_many` says.
        """
        with self._backlog.admit(len(contents)):
            return await self._carry_out(pipeline, contents)

    async def _carry_out(self, pipeline: Pipeline, contents: Sequence[Content]) -> Job:
        seconds = self._settings.request_timeout
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

    def submit(
        self, pipeline: Pipeline, picture: bytes, then: Callable[[Outcome | Exception | None], None]
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
        deadline = times.submitted + int(self._settings.request_timeout * 1e9)
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
        seconds = self._settings.request_timeout
        return DeadlineExceeded(
            f"no answer within {seconds:g} s; send it again later, or in smaller batches"
        )
