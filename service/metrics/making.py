"""How a metric is made: its prefix, its buckets, and what workers make of it together."""

from collections.abc import Sequence
from typing import Literal

import prometheus_client
from prometheus_client import CollectorRegistry, Gauge

from service.metrics.buffers import Counter, Histogram

_PREFIX = "numeral_"

# Only workers that are alive count.
Together = Literal["livesum", "livemin", "livemax"]

# Of a part of the work: a small picture takes tens of microseconds, a large one tens of thousands.
_STEP_SECONDS = (
    *(0.000025, 0.00005, 0.0001, 0.0002, 0.0005),
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0),
)


class Maker:
    """Makes metrics in one registry, all with the prefix `numeral_`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def counter(self, name: str, documentation: str, labels: str) -> Counter:
        """A counter; its `labels` are separated by spaces."""
        return Counter(
            prometheus_client.Counter(
                _PREFIX + name, documentation, labels.split(), registry=self._registry
            )
        )

    def histogram(
        self,
        name: str,
        documentation: str,
        labels: str = "",
        *,
        buckets: Sequence[float] = _STEP_SECONDS,
    ) -> Histogram:
        """A histogram; of the time of a step, in seconds, where no buckets are named."""
        return Histogram(_PREFIX + name, documentation, buckets, self._registry, labels.split())

    def gauge(
        self, name: str, documentation: str, labels: str = "", *, together: Together = "livemax"
    ) -> Gauge:
        """A gauge, and what several workers' values are `together`."""
        return Gauge(
            _PREFIX + name,
            documentation,
            labels.split(),
            registry=self._registry,
            multiprocess_mode=together,
        )
