"""Prometheus metrics: what is counted, and the page that shows it; docs/metrics.md has a list."""

import asyncio
import math
import os
import string
import threading
from bisect import bisect_left
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import prometheus_client
from prometheus_client import CollectorRegistry, Gauge, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from service.drift import LABELS, Compared, Distribution, Drift, Feature
from service.shared_metrics import DIRECTORY, WorkerProcesses, claim_slot, live_processes
from service.version import version

# Events are counted in bulk after this many, which takes well under a millisecond.
_MOST_PENDING = 1024
# How old the counts of a worker are at most when another one is scraped.
_FLUSH_SECONDS = 0.5

# From a request that is answered at once to one that takes as long as it may.
_REQUEST_SECONDS = (
    *(0.001, 0.002, 0.003, 0.005, 0.0075),
    *(0.01, 0.02, 0.03, 0.05, 0.075),
    *(0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 30.0),
)
# A small picture takes tens of microseconds, a large one tens of thousands.
_STEP_SECONDS = (
    *(0.000025, 0.00005, 0.0001, 0.0002, 0.0005),
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0),
)
_IMAGES = (1, 2, 4, 8, 16, 32, 64)
# Fine near 1: thresholds lie there, and a drift shows there first.
_CONFIDENCE = (
    *(0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98),
    *(0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999, 0.99999, 1.0),
)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})


class Counter(prometheus_client.Counter):
    """A counter that is updated in bulk."""

    def add(self, amounts: Sequence[float]) -> None:
        """Add all `amounts`."""
        self.inc(sum(amounts))


class Histogram(prometheus_client.Histogram):
    """A histogram that is updated in bulk; the library's own takes one value at a time."""

    def add(self, amounts: Sequence[float]) -> None:
        """Sort `amounts` into the buckets."""
        self._sum.inc(sum(amounts))
        bounds = self._upper_bounds
        for bucket, count in Tally(bisect_left(bounds, amount) for amount in amounts).items():
            self._buckets[bucket].inc(count)


class Metrics:
    """The metrics of one process and, where it shares a directory with others, of all of them.

        metrics = Metrics()
        metrics.rejected.labels("queue-full").inc()
        metrics.micro_batch("resnet", images=3, seconds=0.0004)
        content, media_type = metrics.page(accept="")

    The methods take what happens with every image, from any thread, and cost an append, 0.2 us;
    `flush` counts it in bulk, as an update of a metric takes 0.4 to 3 us and a request causes a
    dozen. Rare events update the public counters. A process that shares its metrics makes only one
    instance.
    """

    def __init__(self) -> None:
        # When a series was created doubles the page and is of no use to Prometheus.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        shared = os.environ.get(DIRECTORY)
        self._directory = Path(shared) if shared else None
        if self._directory:
            claim_slot(self._directory)
        self.registry = CollectorRegistry()
        self._pending: defaultdict[tuple[Counter | Histogram, *tuple[str, ...]], list[float]]
        self._pending = defaultdict(list)
        self._flushing = threading.Lock()
        self._unflushed = 0
        self._queue: Callable[[], int] = lambda: 0
        self._served: set[tuple[str, ...]] = set()
        self._decisions: Sequence[str] = ()
        self._reasons: Sequence[str] = ()
        self._feedback_outcomes: Sequence[str] = ()
        self._audit: Callable[[str, str], Any] = lambda _model, _version: None
        self.in_flight = 0  # requests not answered yet
        self._create()
        # Take the seconds of one image file, of one picture, and of several requests.
        self.decoded = self._pending[self._decode,].append
        self.normalised = self._pending[self._normalise,].append
        self.waited = self._pending[self._wait,].extend

    def _create(self) -> None:
        own: dict[str, Any] = {"namespace": "numeral", "registry": self.registry}
        counter: Callable[..., Counter] = partial(Counter, **own)
        histogram: Callable[..., Histogram] = partial(Histogram, buckets=_STEP_SECONDS, **own)
        # How the gauges of several workers are combined.
        highest: Callable[..., Gauge] = partial(Gauge, multiprocess_mode="livemax", **own)
        lowest: Callable[..., Gauge] = partial(Gauge, multiprocess_mode="livemin", **own)
        total: Callable[..., Gauge] = partial(Gauge, multiprocess_mode="livesum", **own)

        self._requests = counter(
            "requests", "HTTP requests answered.", ["method", "route", "status"]
        )
        self._request_seconds = histogram(
            "request_duration_seconds",
            "Time from the head of a request to the end of its response.",
            ["route"],
            buckets=_REQUEST_SECONDS,
        )
        self._in_flight = total("requests_in_flight", "HTTP requests not answered yet.")
        self.rejected = counter("rejected", "HTTP requests answered with a problem.", ["reason"])
        self._images = counter("images", "Images read.", ["model", "decision"])
        self._review_reasons = counter(
            "reasons", "Reasons to review an image.", ["model", "reason"]
        )
        self._digits = counter("digits", "Digits read, of fields one by one.", ["model", "digit"])
        self._confidence = histogram(
            "confidence", "Confidence of answers, but for blanks.", ["model"], buckets=_CONFIDENCE
        )
        self.unreadable = counter("unreadable_images", "Images that cannot be read.", ["type"])
        self._queued = total("queue_images", "Images in work or waiting.")
        self._queue_limit = total("queue_limit_images", "Capacity of the queues, in images.")
        self._wait = histogram("queue_wait_seconds", "Time in which a request's images waited.")
        self._batch_images = histogram(
            "micro_batch_images", "Images given to a model at once.", ["model"], buckets=_IMAGES
        )
        self._decode = histogram("decode_duration_seconds", "Time to decode an image file.")
        self._normalise = histogram("normalise_duration_seconds", "Time to normalise a picture.")
        self._infer = histogram("infer_duration_seconds", "Time for a micro-batch.", ["model"])
        self._model_info = highest(
            "model_info", "1 for every served model.", ["model", "kind", "version", "default"]
        )
        self._models_loaded = lowest("models_loaded", "Models served.")
        self._models_failed = highest("models_failed", "Published models that failed to load.")
        self.reloads = counter("reloads", "Reloads of the models.", ["outcome"])
        self.feedback = counter(
            "feedback", "Right answers given for predictions.", ["model", "decision", "outcome"]
        )
        self.feedback_predictions = counter(
            "feedback_predictions", "Predictions recorded for feedback, or dropped.", ["outcome"]
        )
        self.feedback_failures = counter(
            "feedback_database_failures", "Failures of the feedback database.", ["operation"]
        )
        # The workers count the same answers; the latest count is right.
        latest: Callable[..., Gauge] = partial(Gauge, multiprocess_mode="livemostrecent", **own)
        self.max_error = latest("max_error", "Default error rate that is promised.", ["kind"])
        self._audit_gauges = {
            name: latest(f"audit_{metric}", what, ["model", "kind"])
            for name, metric, what in (
                ("answers", "answers", "Audited answers that people checked."),
                ("errors", "errors", "Audited answers that people found wrong."),
                ("error_rate", "error_rate", "Error rate among accepted answers."),
                ("low", "error_rate_low", "Lower end of its 95% interval."),
                ("high", "error_rate_high", "Upper end of its 95% interval."),
            )
        }
        what = "Recent pictures by bin of a feature, the bins being those of a calibration."
        self._drift = Drift(total("drift_pictures", what, [*LABELS, "bin"]))
        # Call it with a model, a calibration, and the features of a picture read with it.
        self.drift = self._drift.read
        build_info = highest("build_info", "1, with the versions.", ["version", "onnxruntime"])
        build_info.labels(version(), metadata.version("onnxruntime")).set(1)
        total("workers", "Processes that answer requests.").set(1)

    def expect(
        self, *, problems: Iterable[str], decisions: Sequence[str], reasons: Sequence[str]
    ) -> None:
        """Count these from 0: a rate does not see the first event of a new series."""
        for problem in problems:
            self.rejected.labels(problem)
        for outcome in ("success", "failure"):
            self.reloads.labels(outcome)
        self._decisions, self._reasons = decisions, reasons

    def expect_feedback(self, operations: Iterable[str]) -> None:
        """Count feedback from 0, for all models served from now on."""
        for operation in operations:
            self.feedback_failures.labels(operation)
        for outcome in ("kept", "dropped"):
            self.feedback_predictions.labels(outcome)
        self._feedback_outcomes = ("right", "wrong", "skipped")

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request; `route` is the template of its path."""
        known = method if method in _METHODS else "other"
        self._pending[self._requests, known, route, str(status)].append(1)
        self._pending[self._request_seconds, route].append(seconds)
        self._flush_if_due(1)

    def micro_batch(self, model: str, *, images: int, seconds: float) -> None:
        """Count `images` that `model` was given at once."""
        self._pending[self._batch_images, model].append(images)
        self._pending[self._infer, model].append(seconds)

    def answered(self, model: str, answers: Sequence[Any]) -> None:
        """Count the answers of `model`: each one's text, confidence, decision and reasons."""
        pending = self._pending
        confidence = pending[self._confidence, model].append
        for answer in answers:
            pending[self._images, model, answer.decision].append(1)
            if answer.confidence:
                confidence(answer.confidence)
            for reason in answer.reasons:
                pending[self._review_reasons, model, reason].append(1)
            for digit in answer.text or "":
                pending[self._digits, model, digit].append(1)
        self._flush_if_due(len(answers))

    def watch_queue(self, images: Callable[[], int], *, limit: int) -> None:
        """Ask `images` at every flush for the images in work or waiting."""
        self._queue = images
        self._queue_limit.set(limit)

    def serving(
        self,
        versions: Mapping[str, str],
        *,
        defaults: Collection[str | None],
        failed: int,
        readers: Collection[str] = (),
        calibrated: Mapping[tuple[str, str], Mapping[Feature, Distribution]] | None = None,
    ) -> None:
        """Show what is served from now on: a version by name, `readers` among them.

        `calibrated` are the distributions that pictures are compared with; see `Drift.watch`.
        """
        served: set[tuple[str, ...]] = {
            (name, "field" if name in readers else "digit", each, str(name in defaults).lower())
            for name, each in versions.items()
        }
        for labels in self._served | served:
            self._model_info.labels(*labels).set(labels in served)
        self._served = served
        for name in versions:
            for decision in self._decisions:
                self._images.labels(name, decision)
                for outcome in self._feedback_outcomes:
                    self.feedback.labels(name, decision, outcome)
            for reason in self._reasons:
                self._review_reasons.labels(name, reason)
            for digit in string.digits:
                self._digits.labels(name, digit)
        self._models_loaded.set(len(versions))
        self._models_failed.set(failed)
        with self._flushing:
            self._drift.watch(calibrated or {})
        self._show_audit()

    def audited(self, result_of: Callable[[str, str], Any]) -> None:
        """Show the audit of all served models; `result_of` takes a name and a version."""
        self._audit = result_of
        self._show_audit()

    def _show_audit(self) -> None:
        for model, kind, version_of_it, _ in self._served:
            if result := self._audit(model, version_of_it):
                for name, gauge in self._audit_gauges.items():
                    value = getattr(result, name)
                    gauge.labels(model, kind).set(math.nan if value is None else value)

    def flush(self) -> None:
        """Count the pending events."""
        with self._flushing:
            self._unflushed = 0
            for (metric, *labels), pending in list(self._pending.items()):
                # The list stays the same one and threads only append: nothing is lost in between.
                amounts = pending[:]
                del pending[: len(amounts)]
                if amounts:
                    (metric.labels(*labels) if labels else metric).add(amounts)
            self._drift.flush()
            self._in_flight.set(self.in_flight)
            self._queued.set(self._queue())

    @asynccontextmanager
    async def flushed(self) -> AsyncIterator[None]:
        """Keep what other workers show of this one up to date, for the block."""

        async def flush_regularly() -> None:
            while True:
                await asyncio.sleep(_FLUSH_SECONDS)
                self.flush()

        flushing = asyncio.create_task(flush_regularly())
        try:
            yield
        finally:
            flushing.cancel()
            self.flush()

    def page(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics as an Accept header asks, and their media type; takes milliseconds."""
        self.flush()
        registry = CollectorRegistry()
        source: Collector = self.registry
        PlatformCollector(registry)
        if self._directory:
            registry.register(WorkerProcesses(live_processes(self._directory)))
            source = MultiProcessCollector(None, str(self._directory))  # type: ignore[no-untyped-call]
        else:
            ProcessCollector(registry=registry)
        registry.register(Compared(source, self._drift))
        encode, media_type = choose_encoder(accept)
        return encode(registry), media_type

    def _flush_if_due(self, events: int) -> None:
        self._unflushed += events
        if self._unflushed >= _MOST_PENDING:
            self.flush()
