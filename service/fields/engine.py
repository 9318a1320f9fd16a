"""Reads fields for many callers at once: bounded, batched, in time. Knows nothing of HTTP."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from service.batcher import DeadlineExceeded
from service.fields.batcher import FieldBatcher, FieldJob
from service.fields.pipeline import (
    FieldContent,
    FieldOutcome,
    FieldPipeline,
    FieldReading,
    FieldWish,
    choose_field_pipeline,
)
from service.imaging import UnreadableImage
from service.inference.backlog import Backlog
from service.loading import LoadedModels
from service.metrics.events import Metrics
from service.preparing import Times, prepare_slow
from service.settings import Settings


class FieldEngine:
    """The part of an engine that reads fields, with the threads and the queue of all of it.

    reading = await fields.read(fields.pipeline(FieldWish()), data)
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        backlog: Backlog,
        threads: ThreadPoolExecutor,
        models: LoadedModels,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._backlog = backlog
        self._threads = threads
        self._models = models
        self._batcher = FieldBatcher(threads, metrics)

    def pipeline(self, wish: FieldWish) -> FieldPipeline:
        """The pipeline for `wish`, completed from the settings.

        Raises:
            NotReady: no model is there yet.
            UnknownModel, ModelUnavailable, UnsupportedMaxError: as `choose_field_pipeline` says.
        """
        return choose_field_pipeline(
            self._models.catalogue,
            wish,
            max_error=self._settings.field_max_error,
            max_pixels=self._settings.max_pixels,
        )

    async def read(self, pipeline: FieldPipeline, content: FieldContent) -> FieldReading:
        """Read one field.

        Raises:
            UnreadableImage: it cannot be read as an image.
            QueueFull: too much is waiting already.
            DeadlineExceeded: it took longer than a request may.
        """
        [outcome] = await self.read_many(pipeline, [content])
        if isinstance(outcome, UnreadableImage):
            raise outcome
        return outcome

    async def read_many(
        self, pipeline: FieldPipeline, contents: Sequence[FieldContent]
    ) -> list[FieldOutcome]:
        """Read fields, in order; one that cannot be read does not disturb the others.

        Raises:
            QueueFull: too much is waiting already.
            DeadlineExceeded: it took longer than a request may.
        """
        with self._backlog.admit(len(contents)):
            return await self._carry_out(pipeline, contents)

    async def read_in_turn(
        self, pipeline: FieldPipeline, contents: Sequence[FieldContent]
    ) -> list[FieldOutcome]:
        """Read fields as `read_many` does, but wait for room in the queue.

        Raises:
            DeadlineExceeded: from then on it took longer than a request may.
        """
        async with self._backlog.turn(len(contents)):
            return await self._carry_out(pipeline, contents)

    async def _carry_out(
        self, pipeline: FieldPipeline, contents: Sequence[FieldContent]
    ) -> list[FieldOutcome]:
        seconds = self._settings.request_timeout
        times = Times()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            # Whoever gives up cancels `done`, and what was not read yet is dropped.
            async with asyncio.timeout(seconds):
                prepared = await prepare_slow(
                    pipeline, contents, times, self._metrics, self._threads
                )
                job = FieldJob(pipeline, prepared, done, times)
                await self._batcher.submit(job)
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"no answer within {seconds:g} s; send it again later, or in smaller batches"
            ) from error
        return job.outcomes
