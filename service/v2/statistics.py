"""What was done with each model over the Open Inference Protocol, and how long it took."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from models.manifest import ModelCard
from service.inference.engine import Times
from service.v2.schemas import Duration, InferenceStatistics, ModelStatistics


@dataclass
class _Counts:
    """What was done with a model; the times in ns, summed over the requests."""

    images: int = 0
    requests: int = 0
    failures: int = 0
    last_ms: int = 0
    success: int = 0
    fail: int = 0
    queue: int = 0
    input: int = 0
    infer: int = 0
    output: int = 0


@dataclass
class Progress:
    """A request in work.

    Attributes:
        times: where the engine spent its time.
        images: number of its images.
    """

    times: Times | None = None
    images: int = 0


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
            counts.failures += 1
            counts.fail += self._clock() - began
            raise
        ended = self._clock()
        counts.requests += 1
        counts.success += ended - began
        if times := progress.times:
            counts.queue += times.waiting
            counts.input += times.submitted - began + times.decoding + times.normalising
            counts.infer += times.inferring
            counts.output += ended - times.finished
        counts.images += progress.images
        counts.last_ms = time.time_ns() // 1_000_000

    def report(self, card: ModelCard) -> ModelStatistics:
        """Return the statistics of the model of `card`."""
        counts = self._counts[card.name, card.version]
        steps = {
            "success": counts.success,
            "queue": counts.queue,
            "compute_input": counts.input,
            "compute_infer": counts.infer,
            "compute_output": counts.output,
        }
        return ModelStatistics(
            name=card.name,
            version=card.version,
            last_inference=counts.last_ms,
            inference_count=counts.images,
            execution_count=counts.requests,
            inference_stats=InferenceStatistics(
                fail=Duration(count=counts.failures, ns=counts.fail),
                **{name: Duration(count=counts.requests, ns=ns) for name, ns in steps.items()},
            ),
        )
