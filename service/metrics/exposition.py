"""The metrics as Prometheus reads them: of this process, or of all that share a directory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import prometheus_client
from prometheus_client import CollectorRegistry, Metric, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.values import ValueClass

from service.metrics.events import Metrics
from service.metrics.workers import shared_directory

_LEAST = frozenset({"process_start_time_seconds", "process_max_fds"})


@dataclass(frozen=True)
class Page:
    """An answer to a scrape."""

    content: bytes
    media_type: str


class Exposition:
    """The metrics of this process and, where it shares them, of all its siblings.

    Attributes:
        metrics: where this process writes.
        shared: whether it has siblings.
    """

    def __init__(self) -> None:
        """Look whether the parent has prepared a directory.

        Raises:
            RuntimeError: prometheus_client was imported before that.
        """
        directory = shared_directory()
        self.shared = directory is not None
        if self.shared != ValueClass._multiprocess:
            raise RuntimeError(
                "prometheus_client was imported before its directory was prepared; call"
                " prepare_multiprocess first, and spawn the workers instead of forking them"
            )
        # When a series began is noise to Prometheus and doubles what it has to read.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.metrics = Metrics(CollectorRegistry())
        self._registry = CollectorRegistry() if directory else self.metrics.registry
        PlatformCollector(self._registry)
        if directory:
            MultiProcessCollector(self._registry, str(directory))  # type: ignore[no-untyped-call]
            self._registry.register(_Workers(directory))
        else:
            ProcessCollector(registry=self._registry)

    def page(self, accept: str) -> Page:
        """All metrics, in the form that an Accept header asks for; takes a few milliseconds."""
        self.metrics.flush()
        encode, media_type = choose_encoder(accept)
        return Page(encode(self._registry), media_type)


class _Workers(Collector):
    # The library leaves out what the system knows of a process where there are several.
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def collect(self) -> Iterable[Metric]:
        """The sum over all workers; the earliest start, and the lowest limit on open files."""
        together: dict[str, Metric] = {}
        for pid in self._alive():
            for metric in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():  # type: ignore[misc]
                sample = metric.samples[0]
                if known := together.get(metric.name):
                    values = known.samples[0].value, sample.value
                    value = min(values) if metric.name in _LEAST else sum(values)
                    known.samples = [sample._replace(value=value)]
                else:
                    together[metric.name] = metric
        return together.values()

    def _alive(self) -> Iterator[str]:
        # Their gauges are removed with them.
        for file in self._directory.glob("gauge_livesum_*.db"):
            yield file.stem.rpartition("_")[2]
