"""Reads pictures for many callers at once: bounded, batched, in time. Knows nothing of HTTP."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from io import BytesIO
from typing import Self, TypeVar

import numpy as np
from PIL import Image

from service.imaging import UnreadableImage
from service.inference.backlog import Backlog
from service.inference.batcher import Batcher
from service.inference.catalogue import Catalogue, NothingToServe, load_catalogue
from service.inference.sessions import Classifier, Images, Scored
from service.pipeline import (
    Outcome,
    Pipeline,
    Prepared,
    Reading,
    UnsupportedMaxError,
    Wish,
    choose_pipeline,
    threshold_for,
)
from service.quick import is_quick
from service.settings import Settings

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")

# A batch goes through in parts of this size, one after another: single images find room beside a
# part in every micro-batch.
PART_OF_BATCH = 32

# More threads would not decode faster on a few cores, but hold more large pictures in memory.
_IMAGING_THREADS = 2


class NotReady(Exception):
    """The models are being loaded, or none could be."""


class DeadlineExceeded(Exception):
    """The answer did not come in the time that a request may take."""


class Engine:
    """The models, the threads and the queue of one process.

        async with Engine(settings) as engine:
            await engine.load()
            reading = await engine.read(engine.pipeline(Wish()), data)

    Belongs to one event loop.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._state: Catalogue | NotReady = NotReady("the models are being loaded")
        self._imaging = ThreadPoolExecutor(_IMAGING_THREADS, "imaging")
        self._inference = ThreadPoolExecutor(1, "inference")
        self._batcher = Batcher(self._inference)
        self._backlog = Backlog(settings.queue_size)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._imaging.shutdown(wait=False, cancel_futures=True)
        self._inference.shutdown(wait=False, cancel_futures=True)

    async def load(self) -> None:
        """Load, check and warm up the models in a thread; readiness follows from the outcome."""
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
            self._state = catalogue
            _warn_if_nothing_is_accepted(catalogue, self._settings.max_error)
            seconds = time.perf_counter() - started
            _log.info("ready after %.2f s: %s", seconds, ", ".join(catalogue.classifiers))

    @property
    def catalogue(self) -> Catalogue:
        """The models.

        Raises:
            NotReady: they are still being loaded, or none could be.
        """
        if isinstance(self._state, NotReady):
            raise NotReady(*self._state.args)
        return self._state

    def pipeline(self, wish: Wish) -> Pipeline:
        """The pipeline for `wish`, completed from the settings.

        Raises:
            NotReady: no model is there yet.
            UnknownModel, ModelUnavailable, UnsupportedMaxError: as `choose_pipeline` says.
        """
        return _pipeline(self.catalogue, wish, self._settings)

    async def read(self, pipeline: Pipeline, data: bytes) -> Reading:
        """Read one picture.

        Raises:
            UnreadableImage: it cannot be read as an image.
            QueueFull: too much is waiting already.
            DeadlineExceeded: it took longer than a request may.
        """
        async with self.admitted(1):
            [outcome] = await self._read_part(pipeline, [data])
        if isinstance(outcome, UnreadableImage):
            raise outcome
        return outcome

    async def read_many(self, pipeline: Pipeline, files: Sequence[bytes]) -> list[Outcome]:
        """Read `files`, in order; one that cannot be read does not disturb the others.

        Raises:
            QueueFull: too much is waiting already.
            DeadlineExceeded: it took longer than a request may.
        """
        outcomes: list[Outcome] = []
        async with self.admitted(len(files)):
            for part in _parts(len(files)):
                outcomes += await self._read_part(pipeline, files[part])
        return outcomes

    @asynccontextmanager
    async def admitted(self, images: int) -> AsyncIterator[None]:
        """Make room for a request of `images`, and give it up once it takes too long.

        For a caller who takes the steps of a request one by one, `prepare` and `classify`.

        Raises:
            QueueFull: too much is waiting already.
            DeadlineExceeded: the block took longer than a request may.
        """
        seconds = self._settings.request_timeout
        with self._backlog.admit(images):
            try:
                async with asyncio.timeout(seconds):
                    yield
            except TimeoutError as error:
                raise DeadlineExceeded(
                    f"no answer within {seconds:g} s; send it again later, or in smaller batches"
                ) from error

    async def prepare(self, pipeline: Pipeline, files: Sequence[bytes]) -> Prepared:
        """Decode and normalise `files` of a request that was admitted."""
        parts = [await self._prepare_part(pipeline, files[part]) for part in _parts(len(files))]
        return Prepared([item for part in parts for item in part.items])

    async def classify(self, classifier: Classifier, images: Images) -> Scored:
        """What a model says of the `images`, uint8 [N, 28, 28], of a request that was admitted."""
        parts = [
            await self._batcher.classify(classifier, images[part]) for part in _parts(len(images))
        ]
        return parts[0] if len(parts) == 1 else _joined(parts)

    async def _read_part(self, pipeline: Pipeline, files: Sequence[bytes]) -> list[Outcome]:
        prepared = await self._prepare_part(pipeline, files)
        scored = await self.classify(pipeline.classifier, prepared.images)
        return pipeline.answer(prepared, scored)

    async def _prepare_part(self, pipeline: Pipeline, files: Sequence[bytes]) -> Prepared:
        if len(files) == 1 and is_quick(files[0]):
            return pipeline.prepare(files)
        return await self._in_imaging_thread(partial(pipeline.prepare, files))

    async def _in_imaging_thread(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._imaging, work)


def _parts(length: int) -> Iterator[slice]:
    return (slice(start, start + PART_OF_BATCH) for start in range(0, length, PART_OF_BATCH))


def _joined(parts: Sequence[Scored]) -> Scored:
    parts = [Scored.of_nothing(), *parts]
    return Scored(
        np.concatenate([part.logits for part in parts]),
        np.concatenate([part.probabilities for part in parts]),
    )


def _pipeline(catalogue: Catalogue, wish: Wish, settings: Settings) -> Pipeline:
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


def _load_warm(settings: Settings) -> Catalogue:
    catalogue = load_catalogue(settings.models_dir, settings.default_model)
    # The libraries that decode and normalise set themselves up at the first picture, which takes
    # a tenth of a second; a caller should not wait for it.
    any_model = Wish(model=next(iter(catalogue.classifiers)))
    _pipeline(catalogue, any_model, settings).read([_sample_picture()])
    return catalogue


def _sample_picture() -> bytes:
    paper = np.full((64, 64), 255, np.uint8)
    paper[12:52, 28:36] = 0
    file = BytesIO()
    Image.fromarray(paper).save(file, "PNG")
    return file.getvalue()
