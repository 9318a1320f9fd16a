"""All processes of one server, known by a mark in their environment, and their children.

Some servers start processes that leave their group and their parent; the environment stays, unless
a process writes its title over it.
"""

import os
from collections.abc import Collection
from contextlib import suppress

import psutil

from benchmarks.serving.results import Memory

MARK = "NUMERAL_BENCHMARK_SERVER"
_MIB = 1024 * 1024


def memory(mark: str) -> Memory:
    """What the processes with this mark hold together."""
    infos = []
    for process in _marked(mark):
        with suppress(psutil.Error):  # it has just ended
            infos.append(process.memory_full_info())
    return Memory(
        processes=len(infos),
        rss_mib=sum(info.rss for info in infos) / _MIB,
        pss_mib=sum(info.pss for info in infos) / _MIB,
    )


def cpu_seconds(mark: str) -> float:
    """Processor time that the processes with this mark have used."""
    used = 0.0
    for process in _marked(mark):
        with suppress(psutil.Error):
            times = process.cpu_times()
            used += times.user + times.system
    return used


def strays(mark: str, cores: Collection[int]) -> int:
    """How many threads may run on other processors than `cores`: libraries can undo taskset."""
    count = 0
    for process in _marked(mark):
        with suppress(psutil.Error):
            for thread in process.threads():
                with suppress(ProcessLookupError):
                    count += not os.sched_getaffinity(thread.id) <= set(cores)
    return count


def end(mark: str, seconds: float) -> None:
    """Ask the processes with this mark to end, and end those that have not after so long."""
    left = _marked(mark)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(left, timeout=seconds)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=seconds)


def _marked(mark: str) -> list[psutil.Process]:
    found = set()
    for process in psutil.process_iter(["environ"]):
        if (process.info["environ"] or {}).get(MARK) == mark:
            found.add(process)
            with suppress(psutil.Error):
                found.update(process.children(recursive=True))
    return list(found)
