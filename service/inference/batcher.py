"""Micro-batching without delay: what is waiting is taken together, and nobody waits for company."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from service.errors import DeadlineExceeded, InferenceFailed
from service.imaging import UnreadableImage
from service.inference.decisions import Criteria
from service.inference.digits import Content, DigitPipeline, Outcome, Reading, Ready, classify
from service.inference.preparing import Times, prepare
from service.inference.sessions import LARGEST_MICRO_BATCH, Classifier
from service.metrics import Metrics

# So long pictures are taken into a micro-batch, then it is run: what else the event loop has to
# do waits no longer than this, one picture and one run.
TAKING_NS = 2_000_000

# Most pictures that a job has in a micro-batch before it is the next one's turn.
TURN = 16


@dataclass(slots=True, eq=False)
class Job:
    """Pictures of one caller on their way.

    Attributes:
        pipeline: how they are read.
        contents: the pictures; each is decoded and normalised in a millisecond, or ready.
        deadline: when the caller will have given up, in ns.
        outcomes: what was read so far, in order.
        done: resolved once there is an outcome for each.
    """

    pipeline: DigitPipeline
    contents: Sequence[Content]
    deadline: int
    done: asyncio.Future[None]
    times: Times
    outcomes: list[Outcome] = field(default_factory=list)
    taken: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class MicroBatch:
    """Pictures of several jobs that one model sees together.

    Attributes:
        ready: what the model is shown, or why not.
        criteria: for each, when its answer is believed.
        shares: the jobs, and how many pictures of each there are, in order.
    """

    ready: list[Ready] = field(default_factory=list)
    criteria: list[Criteria] = field(default_factory=list)
    shares: list[tuple[Job, int]] = field(default_factory=list)


class Batcher:
    """Reads the pictures of many callers together, one micro-batch of one model at a time.

    It works on the event loop, a slice of a few milliseconds at a time, so that a picture costs no
    change of threads. Models take turns, and so do the jobs of a model, whatever their size. A job
    whose caller has given up, or whose deadline has passed, is dropped before it is computed.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._waiting: dict[Classifier, deque[Job]] = {}
        self._at_work = False
        # Jobs that came since the last micro-batch, and how many of them were seen to come.
        self._arrived = self._seen = 0

    def submit(self, job: Job) -> asyncio.Future[None]:
        """Read the pictures of `job` with whatever waits.

        The future ends with the job. It raises:
            DeadlineExceeded: the job was not taken before its deadline.
        """
        if not job.contents:
            job.done.set_result(None)
            return job.done
        self._waiting.setdefault(job.pipeline.classifier, deque()).append(job)
        self._arrived += 1
        if not self._at_work:
            self._at_work = True
            asyncio.get_running_loop().call_soon(self._work)
        return job.done

    def _work(self) -> None:
        # What the sockets hold is read first, as long as it brings more and fits in: that takes no
        # time, but a turn of the event loop.
        if self._seen < self._arrived < LARGEST_MICRO_BATCH:
            self._seen = self._arrived
            asyncio.get_running_loop().call_soon(self._work)
            return
        self._seen = self._arrived = 0
        classifier = next(iter(self._waiting))
        jobs = self._waiting.pop(classifier)
        try:
            batch = _take(jobs, classifier.largest, self._metrics)
            if batch.ready:
                _run(classifier, batch, self._metrics)
        finally:
            if jobs:
                self._waiting[classifier] = jobs
            self._at_work = bool(self._waiting)
            if self._at_work:
                asyncio.get_running_loop().call_soon(self._work)


def _take(jobs: deque[Job], largest: int, metrics: Metrics) -> MicroBatch:
    batch = MicroBatch()
    began = time.perf_counter_ns()
    now = began
    while jobs and len(batch.ready) < largest and now - began < TAKING_NS:
        job = jobs.popleft()
        if job.done.done():
            continue
        if now > job.deadline:
            job.done.set_exception(DeadlineExceeded())
            continue
        stop = job.taken + min(TURN, largest - len(batch.ready), len(job.contents) - job.taken)
        first = job.taken
        try:
            while job.taken < stop and now - began < TAKING_NS:
                picture = job.contents[job.taken]
                batch.ready.append(prepare(job.pipeline, picture, job.times, metrics))
                job.taken += 1
                now = time.perf_counter_ns()
        except Exception as error:
            # A fault of the service, which must cost nobody else an answer.
            job.done.set_exception(error)
        batch.criteria.extend([job.pipeline.criteria] * (job.taken - first))
        batch.shares.append((job, job.taken - first))
        if job.taken < len(job.contents) and not job.done.done():
            jobs.append(job)
    return batch


def _run(classifier: Classifier, batch: MicroBatch, metrics: Metrics) -> None:
    began = time.perf_counter_ns()
    try:
        outcomes = classify(classifier, batch.ready, batch.criteria)
    except Exception as error:
        _fail(batch, error)
        return
    finished = time.perf_counter_ns()
    each = (finished - began) // len(outcomes)
    start = 0
    for job, count in batch.shares:
        job.outcomes += outcomes[start : start + count]
        start += count
        job.times.inferring += count * each
        if len(job.outcomes) == len(job.contents) and not job.done.done():
            job.times.finished = finished
            job.done.set_result(None)
            metrics.waited((1e-9 * job.times.waiting,))
    _count(classifier, outcomes, 1e-9 * (finished - began), metrics)


def _count(
    classifier: Classifier, outcomes: Sequence[Outcome], seconds: float, metrics: Metrics
) -> None:
    model = classifier.card.name
    answers = [outcome.answer for outcome in outcomes if isinstance(outcome, Reading)]
    metrics.micro_batch(model, images=len(outcomes), seconds=seconds)
    metrics.answered(model, answers)
    if len(answers) < len(outcomes):
        for outcome in outcomes:
            if isinstance(outcome, UnreadableImage):
                metrics.unreadable(outcome.slug)


def _fail(batch: MicroBatch, error: Exception) -> None:
    for job, _ in batch.shares:
        if not job.done.done():
            # One for each: whoever raises an exception writes into its traceback.
            failure = InferenceFailed(f"{job.pipeline.classifier.card.name}: {error}")
            failure.__cause__ = error
            job.done.set_exception(failure)
