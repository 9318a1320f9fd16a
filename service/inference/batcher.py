"""Micro-batching without delay: a free worker takes what is waiting, and never waits for more."""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from service.inference.sessions import LARGEST_MICRO_BATCH, Classifier, Images, Scored


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    images: Images
    scored: asyncio.Future[Scored]


class Batcher:
    """Runs images of many callers together, one micro-batch of one model at a time.

    Models take turns, so that a busy one does not starve the others; within a model the oldest job
    comes first. A job whose caller has given up is dropped before it is computed.
    """

    def __init__(self, executor: Executor, *, largest: int = LARGEST_MICRO_BATCH) -> None:
        self._executor = executor
        self._largest = largest
        self._waiting: dict[Classifier, deque[_Job]] = {}
        self._worker: asyncio.Task[None] | None = None

    async def classify(self, classifier: Classifier, images: Images) -> Scored:
        """Run `images`, uint8 [N, 28, 28], N up to the largest micro-batch, with whatever waits."""
        scored: asyncio.Future[Scored] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(classifier, deque()).append(_Job(images, scored))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await scored

    async def _work(self) -> None:
        try:
            while self._waiting:
                classifier, jobs = self._take()
                if jobs:
                    await self._run(classifier, jobs)
        finally:
            self._worker = None

    def _take(self) -> tuple[Classifier, list[_Job]]:
        classifier = next(iter(self._waiting))
        queue = self._waiting.pop(classifier)
        jobs: list[_Job] = []
        room = self._largest
        while queue:
            if queue[0].scored.done():
                queue.popleft()
            elif not jobs or len(queue[0].images) <= room:
                job = queue.popleft()
                jobs.append(job)
                room -= len(job.images)
            else:
                self._waiting[classifier] = queue
                break
        return classifier, jobs

    async def _run(self, classifier: Classifier, jobs: Sequence[_Job]) -> None:
        images = jobs[0].images
        if len(jobs) > 1:
            images = np.concatenate([job.images for job in jobs])
        loop = asyncio.get_running_loop()
        try:
            scored = await loop.run_in_executor(self._executor, classifier.run, images)
        except Exception as error:
            _fail(jobs, error)
        else:
            _share(jobs, scored)


def _share(jobs: Sequence[_Job], scored: Scored) -> None:
    start = 0
    for job in jobs:
        stop = start + len(job.images)
        if not job.scored.done():
            job.scored.set_result(scored.rows(start, stop))
        start = stop


def _fail(jobs: Sequence[_Job], error: Exception) -> None:
    for job in jobs:
        if not job.scored.done():
            job.scored.set_exception(error)
