"""What happens in the service, as it happens: a method per event."""

import asyncio
import string
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from importlib import metadata
from typing import Protocol

from prometheus_client import CollectorRegistry

from service.metrics.instruments import Instruments
from service.version import version

# What is kept is counted after this many events: in well under a millisecond.
_MOST_KEPT = 1024

# In a process that shares its metrics: how old they are at most when another one is asked.
_FLUSH_SECONDS = 0.5

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
_OTHER_METHOD = "other"


class Answered(Protocol):
    """What is counted of an answer."""

    @property
    def text(self) -> str | None: ...  # noqa: D102
    @property
    def confidence(self) -> float: ...  # noqa: D102
    @property
    def decision(self) -> str: ...  # noqa: D102
    @property
    def reasons(self) -> Sequence[str]: ...  # noqa: D102


class Metrics:
    """The metrics of one process.

        metrics = Metrics(CollectorRegistry())
        metrics.micro_batch("resnet", images=3, seconds=0.0004)
        metrics.flush()

    Events may come from any thread and cost 0.1 to 0.3 us: they are kept, and counted together
    by `flush`, which happens by itself after many of them.

    Attributes:
        registry: where the metrics are once they are counted.
        in_flight: requests that are not answered yet.
        decoded: call it with the seconds that an image file took to decode.
        normalised: call it with the seconds that a picture took to normalise.
        waited: call it with the seconds in which nothing was done about a request, of several.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.in_flight = 0
        self._instruments = Instruments.register(registry)
        self._queue: Callable[[], int] = lambda: 0
        self._flushing = threading.Lock()
        self._kept = 0
        self._served: set[tuple[str, str, str, str]] = set()
        self._decisions: Sequence[str] = ()
        self._reasons: Sequence[str] = ()
        self._feedback_outcomes: Sequence[str] = ()
        self.decoded = self._instruments.decode.of().append
        self.normalised = self._instruments.normalise.of().append
        self.waited = self._instruments.queue_wait.of().extend
        self._instruments.workers.set(1)
        runtime = metadata.version("onnxruntime")
        self._instruments.build_info.labels(version(), runtime).set(1)

    def expect(
        self, *, problems: Iterable[str], decisions: Sequence[str], reasons: Sequence[str]
    ) -> None:
        """Count these from 0: a series that begins at 1 hides its first event from a rate."""
        for problem in problems:
            self._instruments.rejected.start(problem)
        for outcome in ("success", "failure"):
            self._instruments.reloads.start(outcome)
        self._decisions, self._reasons = decisions, reasons

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered; `route` is the template of its path, not the path."""
        known = method if method in _METHODS else _OTHER_METHOD
        self._instruments.requests.add((known, route, str(status)))
        self._instruments.request_seconds.of(route).append(seconds)
        self._count_soon(1)

    def rejected(self, reason: str) -> None:
        """A request was answered with a problem, `reason` the last part of its type."""
        self._instruments.rejected.add((reason,))

    def unreadable(self, problem: str) -> None:
        """An image could not be read, `problem` the last part of the problem's type."""
        self._instruments.unreadable.add((problem,))

    def micro_batch(self, model: str, *, images: int, seconds: float) -> None:
        """A model was given `images` at once and took `seconds`."""
        self._instruments.micro_batch.of(model).append(images)
        self._instruments.infer.of(model).append(seconds)
        self._count_soon(images)

    def answered(self, model: str, answers: Iterable[Answered]) -> None:
        """A model's answers were decided on, those for blank images among them."""
        image, digit_read = self._instruments.images.add, self._instruments.digits.add
        confidence = self._instruments.confidence.of(model).append
        for answer in answers:
            image((model, answer.decision))
            if answer.confidence:
                confidence(answer.confidence)
            for reason in answer.reasons:
                self._instruments.reasons.add((model, reason))
            for digit in answer.text or "":
                digit_read((model, digit))

    def expect_feedback(self, operations: Iterable[str]) -> None:
        """Count feedback from 0, by all that is served from now on."""
        self._feedback_outcomes = ("right", "wrong")
        for outcome in ("kept", "dropped"):
            self._instruments.feedback_predictions.start(outcome)
        for operation in operations:
            self._instruments.feedback_failures.start(operation)

    def noted(self, outcome: str, predictions: int) -> None:
        """So many predictions were `kept` for feedback, or `dropped`."""
        for _ in range(predictions):
            self._instruments.feedback_predictions.add((outcome,))
        self._count_soon(predictions)

    def feedback(self, model: str, decision: str, outcome: str) -> None:
        """A person said that what a model had read was `right`, or `wrong`."""
        self._instruments.feedback.add((model, decision, outcome))

    def feedback_failed(self, operation: str) -> None:
        """The feedback database could not be used."""
        self._instruments.feedback_failures.add((operation,))

    def watch_queue(self, images: Callable[[], int], *, limit: int) -> None:
        """Ask `images` for those in work or waiting, whenever the metrics are counted."""
        self._queue = images
        self._instruments.queue_limit.set(limit)

    def serving(
        self,
        versions: Mapping[str, str],
        *,
        defaults: Collection[str | None],
        failed: int,
        readers: Collection[str] = (),
    ) -> None:
        """From now on these models are served: a version for each name, `readers` among them."""
        served = {
            (name, "field" if name in readers else "digit", each, str(name in defaults).lower())
            for name, each in versions.items()
        }
        for labels in self._served - served:
            self._instruments.model_info.labels(*labels).set(0)
        for labels in served:
            self._instruments.model_info.labels(*labels).set(1)
        self._served = served
        for name in versions:
            for decision in self._decisions:
                self._instruments.images.start(name, decision)
                for outcome in self._feedback_outcomes:
                    self._instruments.feedback.start(name, decision, outcome)
            for reason in self._reasons:
                self._instruments.reasons.start(name, reason)
            for digit in string.digits:
                self._instruments.digits.start(name, digit)
        self._instruments.models_loaded.set(len(versions))
        self._instruments.models_failed.set(failed)

    def reloaded(self, outcome: str) -> None:
        """The models were loaded anew, `outcome` being `success` or `failure`."""
        self._instruments.reloads.add((outcome,))

    def flush(self) -> None:
        """Count what was kept."""
        with self._flushing:
            self._kept = 0
            self._instruments.flush()
            self._instruments.requests_in_flight.set(self.in_flight)
            self._instruments.queue.set(self._queue())

    async def flush_regularly(self) -> None:
        """Keep what other processes see of this one up to date, until cancelled."""
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            self.flush()

    def _count_soon(self, events: int) -> None:
        self._kept += events
        if self._kept >= _MOST_KEPT:
            self.flush()
