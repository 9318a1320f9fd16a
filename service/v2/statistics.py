"""Triton's statistics: what was done with each model over the protocol, and how long it took."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from models.manifest import ModelCard
from service.inference.engine import Times
from service.v2.schemas import Duration, InferenceStatistics, ModelStatistics


@dataclass
class _Counts:
    images: int = 0
    answered: int = 0
    failed: int = 0
    last_ms: int = 0
    # In ns, summed over the requests, by the names of `InferenceStatistics`.
    times: Counter[str] = field(default_factory=Counter)


@dataclass
class Progress:
    """A request in work: the number of its images, and where the engine spent its time."""

    images: int = 0
    times: Times | None = None


class StatisticsCollector:
    """Collects the statistics of every model; for one event loop."""

    def __init__(self, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self._clock = clock
        self._counts: defaultdict[tuple[str, str], _Counts] = defaultdict(_Counts)

    @contextmanager
    def request(self, card: ModelCard) -> Iterator[Progress]:
        """Count the block as a request to the model of `card`, failed if it raises."""
        counts = self._counts[card.name, card.version]
        progress = Progress()
        began = self._clock()
        try:
            yield progress
        except Exception:
            counts.failed += 1
            counts.times["fail"] += self._clock() - began
            raise
        ended = self._clock()
        counts.answered += 1
        counts.images += progress.images
        counts.last_ms = time.time_ns() // 1_000_000
        counts.times["success"] += ended - began
        if times := progress.times:
            parsing = times.submitted - began
            counts.times["queue"] += times.waiting
            counts.times["compute_input"] += parsing + times.decoding + times.normalising
            counts.times["compute_infer"] += times.inferring
            counts.times["compute_output"] += ended - times.finished

    def report(self, card: ModelCard) -> ModelStatistics:
        """Return the statistics of the model of `card`."""
        counts = self._counts[card.name, card.version]
        durations = {
            name: Duration(count=counts.answered, ns=counts.times[name])
            for name in InferenceStatistics.model_fields
        }
        durations["fail"] = Duration(count=counts.failed, ns=counts.times["fail"])
        return ModelStatistics(
            name=card.name,
            version=card.version,
            last_inference=counts.last_ms,
            inference_count=counts.images,
            execution_count=counts.answered,
            inference_stats=InferenceStatistics(**durations),
        )
