"""Reads pictures for many callers at once: bounded, batched, in time. Knows nothing of HTTP."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from io import BytesIO
from typing import Self

import numpy as np
from PIL import Image
from prometheus_client import CollectorRegistry

from service.batcher import Batcher, DeadlineExceeded, Job, Times, prepare
from service.imaging import UnreadableImage
from service.inference.backlog import Backlog, QueueFull
from service.inference.catalogue import Catalogue, NothingToServe, load_catalogue
from service.lifecycle import ReloadFailed
from service.metrics.events import Metrics
from service.pipeline import (
    Content,
    Outcome,
    Pipeline,
    Reading,
    Ready,
    UnsupportedMaxError,
    Wish,
    choose_pipeline,
    threshold_for,
)
from service.quick import is_quick
from service.settings import Settings

_log = logging.getLogger(__name__)

# So many pictures of a request go to a thread at once.
_PART_OF_SLOW = 4

# More threads would not decode faster on a few cores, but hold more large pictures in memory.
_IMAGING_THREADS = 2

# Callers may wish for any error rate, but few do.
_MOST_PIPELINES = 256


class NotReady(Exception):
    """The models are being loaded, or none could be."""


class Engine:
    """The models, the threads and the queue of one process.

        async with Engine(settings) as engine:
            await engine.load()
            reading = await engine.read(engine.pipeline(Wish()), data)

    Belongs to one event loop.
    """

    def __init__(self, settings: Settings, metrics: Metrics | None = None) -> None:
        self._settings = settings
        self._metrics = metrics or Metrics(CollectorRegistry())
        self._state: _Served | NotReady = NotReady("the models are being loaded")
        self._imaging = ThreadPoolExecutor(_IMAGING_THREADS, "imaging")
        self._batcher = Batcher(self._metrics)
        self._backlog = Backlog(settings.queue_size)
        self._metrics.watch_queue(lambda: self._backlog.admitted)
        self._loading = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._imaging.shutdown(wait=False, cancel_futures=True)

    async def load(self) -> None:
        """Load, check and warm up the models in a thread; readiness follows from the outcome."""
        async with self._loading:
            await self._load()

    async def _load(self) -> None:
        started = time.perf_counter()
        try:
            catalogue = await asyncio.to_thread(_load_warm, self._settings)
        except NothingToServe as error:
            _log.error("not ready: %s", error)
            self._state = NotReady(str(error))
        except Exception:
            # Whatever it is, it must not end the process: liveness goes on, readiness says no.
            _log.exception("not ready")
            self._state = NotReady("the models could not be loaded; the service's log says why")
        else:
            self._serve(catalogue)
            seconds = time.perf_counter() - started
            _log.info("ready after %.2f s: %s", seconds, ", ".join(catalogue.classifiers))

    async def load_again(self) -> Catalogue:
        """Load, check and warm up the models as they are now, beside those that are served.

        Raises:
            ReloadFailed: the manifest or a model that is served cannot be used any more.
        """
        try:
            return await self._loaded_again()
        except ReloadFailed:
            self._metrics.reloaded("failure")
            raise

    async def _loaded_again(self) -> Catalogue:
        async with self._loading:
            try:
                catalogue = await asyncio.to_thread(_load_warm, self._settings)
            except NothingToServe as error:
                raise ReloadFailed(str(error)) from error
            except Exception as error:
                raise ReloadFailed(f"the models could not be loaded: {error!r}") from error
        if not isinstance(self._state, NotReady):
            _check_nothing_is_lost(self._state.catalogue, catalogue)
        return catalogue

    def adopt(self, catalogue: Catalogue) -> None:
        """Serve `catalogue` from now on; requests in work finish with what they began with."""
        self._serve(catalogue)
        self._metrics.reloaded("success")

    @property
    def is_ready(self) -> bool:
        """Whether pictures can be read."""
        return not isinstance(self._state, NotReady)

    @property
    def catalogue(self) -> Catalogue:
        """The models.

        Raises:
            NotReady: they are still being loaded, or none could be.
        """
        return self._served.catalogue

    def pipeline(self, wish: Wish) -> Pipeline:
        """The pipeline for `wish`, completed from the settings.

        Raises:
            NotReady: no model is there yet.
            UnknownModel, ModelUnavailable, UnsupportedMaxError: as `choose_pipeline` says.
        """
        return self._served.pipeline(wish)

    def _serve(self, catalogue: Catalogue) -> None:
        self._state = _Served(catalogue, self._settings)
        versions = {name: catalogue.card(name).version for name in catalogue.classifiers}
        self._metrics.serving(versions, default=catalogue.default, failed=len(catalogue.failures))
        _warn_if_nothing_is_accepted(catalogue, self._settings.max_error)

    @property
    def _served(self) -> "_Served":
        if isinstance(self._state, NotReady):
            raise NotReady(*self._state.args)
        return self._state

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
                    contents = await self._prepared(pipeline, contents, times)
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

    async def _prepared(
        self, pipeline: Pipeline, contents: Sequence[Content], times: Times
    ) -> list[Content]:
        # A few at a time, one part after another: others find room between them.
        prepared = list(contents)
        slow = [place for place, content in enumerate(contents) if not is_quick(content)]
        for start in range(0, len(slow), _PART_OF_SLOW):
            places = slow[start : start + _PART_OF_SLOW]
            work = partial(
                _prepare, pipeline, [contents[place] for place in places], times, self._metrics
            )
            ready = await self._loop.run_in_executor(self._imaging, work)
            for place, item in zip(places, ready, strict=True):
                prepared[place] = item
        return prepared


def _prepare(
    pipeline: Pipeline, contents: Sequence[Content], times: Times, metrics: Metrics
) -> list[Ready]:
    return [prepare(pipeline, content, times, metrics) for content in contents]


class _Served:
    """The models that are loaded, and the pipelines that callers have wished for lately."""

    def __init__(self, catalogue: Catalogue, settings: Settings) -> None:
        self.catalogue = catalogue
        self.pipeline = lru_cache(_MOST_PIPELINES)(partial(_pipeline, catalogue, settings))


def _pipeline(catalogue: Catalogue, settings: Settings, wish: Wish) -> Pipeline:
    return choose_pipeline(
        catalogue, wish, max_error=settings.max_error, max_pixels=settings.max_pixels
    )


def _warn_if_nothing_is_accepted(catalogue: Catalogue, max_error: float) -> None:
    try:
        threshold_for(catalogue.card(catalogue.default), max_error)
    except UnsupportedMaxError as error:
        _log.warning(
            "every picture will be sent to review where a caller names neither model nor max_error:"
            " %s; set NUMERAL_MAX_ERROR or NUMERAL_DEFAULT_MODEL otherwise",
            error,
        )


def _check_nothing_is_lost(served: Catalogue, catalogue: Catalogue) -> None:
    # A model that the manifest lists no more was taken out on purpose.
    lost = [name for name in served.classifiers if name in catalogue.failures]
    if lost:
        raise ReloadFailed("; ".join(f"{name}: {catalogue.failures[name]}" for name in lost))


def _load_warm(settings: Settings) -> Catalogue:
    catalogue = load_catalogue(settings.models_dir, settings.default_model)
    # The libraries that decode and normalise set themselves up at the first picture, which takes
    # a tenth of a second; a caller should not wait for it.
    any_model = Wish(model=next(iter(catalogue.classifiers)))
    _pipeline(catalogue, settings, any_model).read([_sample_picture()])
    return catalogue


def _sample_picture() -> bytes:
    paper = np.full((64, 64), 255, np.uint8)
    paper[12:52, 28:36] = 0
    file = BytesIO()
    Image.fromarray(paper).save(file, "PNG")
    return file.getvalue()
