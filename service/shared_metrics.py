"""Metrics that several workers share: prometheus_client's files in a directory."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import ProcessCollector, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import mark_process_dead

from service.temporary import temporary_directory

# The library's own variable; worker processes inherit it.
_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "numeral-metrics-"

_MINIMUM_OF_WORKERS = frozenset({"process_start_time_seconds", "process_max_fds"})


@contextmanager
def shared_metrics() -> Iterator[Path]:
    """Let all processes that are started in the block share their metrics; for their parent."""
    with temporary_directory(_PREFIX) as directory:
        before = os.environ.get(_DIRECTORY)
        os.environ.update(shared_environment(directory))
        try:
            yield directory
        finally:
            del os.environ[_DIRECTORY]
            if before is not None:
                os.environ[_DIRECTORY] = before


def shared_environment(directory: Path) -> dict[str, str]:
    """Return the variables with which a process starts to share its metrics in `directory`."""
    return {_DIRECTORY: str(directory)}


class Slot:
    """A numbered place for the files of a worker; a lock holds it until the process ends.

    prometheus_client names the files after process ids. The files of dead workers would pile up,
    as what they counted stays counted. Here the next worker takes the slot over and counts on.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        number = 0
        while (claimed := self._lock(number)) is None:
            number += 1
        os.truncate(claimed, 0)
        os.write(claimed, b"%d" % os.getpid())
        self._forget_gauges(number)
        values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]

    @classmethod
    def claim(cls) -> "Slot | None":
        """Claim a slot where this process shares its metrics."""
        directory = os.environ.get(_DIRECTORY)
        return cls(Path(directory)) if directory else None

    def live_processes(self) -> list[int]:
        """Return the ids of the live processes; drop the gauges of the others."""
        processes = []
        for number in range(len(list(self.directory.glob("worker-*")))):
            abandoned = self._lock(number)
            if abandoned is not None:
                self._forget_gauges(number)
                os.close(abandoned)
            elif process := (self.directory / f"worker-{number}").read_text():
                processes.append(int(process))
        return processes

    def _lock(self, number: int) -> int | None:
        import fcntl  # noqa: PLC0415 - not on Windows, which runs a single worker

        file = os.open(self.directory / f"worker-{number}", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
        return file

    def _forget_gauges(self, number: int) -> None:
        mark_process_dead(number, str(self.directory))  # type: ignore[no-untyped-call]


class WorkerProcesses:
    """Collects what the system knows of `processes`, which the library leaves out for several."""

    def __init__(self, processes: Iterable[int]) -> None:
        self._processes = processes

    def collect(self) -> Iterable[Metric]:
        """Return the sums over the processes; the earliest start, the lowest limit on files."""
        combined: dict[str, Metric] = {}
        for process in self._processes:
            for metric in ProcessCollector(pid=lambda p=process: p, registry=None).collect():  # type: ignore[misc]
                sample = metric.samples[0]
                if known := combined.get(metric.name):
                    both = known.samples[0].value, sample.value
                    value = min(both) if metric.name in _MINIMUM_OF_WORKERS else sum(both)
                    known.samples = [sample._replace(value=value)]
                else:
                    combined[metric.name] = metric
        return combined.values()
