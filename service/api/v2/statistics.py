"""What was done with each model over the protocol, and how long it took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from models.manifest import ModelCard
from service.api.v2.answer_schemas import Duration, InferenceStatistics, ModelStatistics
from service.inference.preparing import Times

Clock = Callable[[], int]


@dataclass
class _Tally:
    count: int = 0
    ns: int = 0

    def add(self, ns: int) -> None:
        self.count += 1
        self.ns += ns

    def report(self) -> Duration:
        return Duration(count=self.count, ns=self.ns)


@dataclass
class _Tallies:
    inferences: int = 0
    last_ms: int = 0
    success: _Tally = field(default_factory=_Tally)
    fail: _Tally = field(default_factory=_Tally)
    queue: _Tally = field(default_factory=_Tally)
    input: _Tally = field(default_factory=_Tally)
    infer: _Tally = field(default_factory=_Tally)
    output: _Tally = field(default_factory=_Tally)


@dataclass
class Progress:
    """A request on its way.

    Attributes:
        times: where the engine spent its time; None until it is through.
        images: how many it has.
    """

    times: Times | None = None
    images: int = 0

    def note(self, times: Times, *, images: int) -> None:
        """The engine is through with all `images`."""
        self.times, self.images = times, images


class StatisticsBook:
    """Keeps the statistics of every model since the process started; for one event loop."""

    def __init__(self, clock: Clock = time.perf_counter_ns) -> None:
        self._clock = clock
        self._models: dict[tuple[str, str], _Tallies] = {}

    @contextmanager
    def request(self, card: ModelCard) -> Iterator[Progress]:
        """Count the block as a request to `card`'s model, failed if it raises."""
        tallies = self._tallies(card)
        progress = Progress()
        began = self._clock()
        try:
            yield progress
        except Exception:
            tallies.fail.add(self._clock() - began)
            raise
        ended = self._clock()
        tallies.success.add(ended - began)
        if times := progress.times:
            tallies.queue.add(times.waiting)
            tallies.input.add(times.submitted - began + times.decoding + times.normalising)
            tallies.infer.add(times.inferring)
            tallies.output.add(ended - times.finished)
        tallies.inferences += progress.images
        tallies.last_ms = time.time_ns() // 1_000_000

    def report(self, card: ModelCard) -> ModelStatistics:
        """What was done with `card`'s model."""
        tallies = self._tallies(card)
        return ModelStatistics(
            name=card.name,
            version=card.version,
            last_inference=tallies.last_ms,
            inference_count=tallies.inferences,
            execution_count=tallies.success.count,
            inference_stats=InferenceStatistics(
                success=tallies.success.report(),
                fail=tallies.fail.report(),
                queue=tallies.queue.report(),
                compute_input=tallies.input.report(),
                compute_infer=tallies.infer.report(),
                compute_output=tallies.output.report(),
            ),
        )

    def _tallies(self, card: ModelCard) -> _Tallies:
        return self._models.setdefault((card.name, card.version), _Tallies())
