"""The memory of a command with all its processes, looked at while it runs."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

# Ray's actors carry their class in their name; the local engine's workers are Python's own.
_READS = ("Map(Worker)", "spawn_main")
_MB = 1e6


@dataclass(frozen=True)
class Memory:
    """In MB: of all processes, and of those that read."""

    everything: float = 0.0
    workers: float = 0.0


def family(process: psutil.Process) -> list[psutil.Process]:
    """`process` with all that it has started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def readers(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those of `processes` that hold a model."""
    return [process for process in processes if any(name in _title(process) for name in _READS)]


def memory(processes: list[psutil.Process]) -> Memory:
    """What `processes` hold now: pages that several share are divided among them."""
    return Memory(_held(processes), _held(readers(processes)))


def _held(processes: Iterable[psutil.Process]) -> float:
    held = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            held += process.memory_full_info().pss
    return held / _MB


def _title(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""
