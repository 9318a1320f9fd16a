"""Metrics that several workers share: prometheus_client's files in a directory.

The library names the files after process ids. Those of dead workers would pile up, as what they
counted stays counted, and their gauges would stay. Here a worker has a numbered slot, which a lock
holds until its process ends; the next worker takes the slot over and counts on.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import ProcessCollector, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import mark_process_dead

from service.temporary import temporary_directory

# The library's own variable; worker processes inherit it.
DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"

_MINIMUM_OF_WORKERS = frozenset({"process_start_time_seconds", "process_max_fds"})


@contextmanager
def shared_metrics() -> Iterator[None]:
    """Let all processes that are started in the block share their metrics; for their parent."""
    with temporary_directory("numeral-metrics-") as directory:
        os.environ[DIRECTORY] = str(directory)
        try:
            yield
        finally:
            del os.environ[DIRECTORY]


def claim_slot(directory: Path) -> None:
    """Keep the metrics of this process in the first free slot of `directory` until it ends."""
    number = 0
    while (lock := _lock(directory, number)) is None:
        number += 1
    os.truncate(lock, 0)
    os.write(lock, b"%d" % os.getpid())
    _forget_gauges(directory, number)
    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]


def live_processes(directory: Path) -> list[int]:
    """Return the ids of the live processes; forget the gauges of the others."""
    processes = []
    for number in range(len(list(directory.glob("worker-*")))):
        if (abandoned := _lock(directory, number)) is not None:
            _forget_gauges(directory, number)
            os.close(abandoned)
        elif process := (directory / f"worker-{number}").read_text():
            processes.append(int(process))
    return processes


def _lock(directory: Path, number: int) -> int | None:
    import fcntl  # noqa: PLC0415 - not on Windows, which runs a single worker

    file = os.open(directory / f"worker-{number}", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def _forget_gauges(directory: Path, number: int) -> None:
    mark_process_dead(number, str(directory))  # type: ignore[no-untyped-call]


class WorkerProcesses:
    """Collects what the system knows of `processes`, which the library leaves out for several."""

    def __init__(self, processes: Iterable[int]) -> None:
        self._processes = processes

    def collect(self) -> Iterable[Metric]:
        """Return the sums over the processes; the earliest start, the lowest limit on files."""
        combined: dict[str, Metric] = {}
        for process in self._processes:
            for metric in ProcessCollector(pid=lambda p=process: p, registry=None).collect():  # type: ignore[misc]
                known = combined.setdefault(metric.name, metric)
                if known is not metric:
                    both = known.samples[0].value, metric.samples[0].value
                    value = min(both) if metric.name in _MINIMUM_OF_WORKERS else sum(both)
                    known.samples = [metric.samples[0]._replace(value=value)]
        return combined.values()
