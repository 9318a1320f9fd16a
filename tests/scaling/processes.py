"""The processes of a command, and those of them that hold a model."""

import contextlib
from collections.abc import Iterable

import psutil

# Ray's actors carry their class in their name; the local engine's workers are Python's own.
_READS = ("Map(Worker)", "spawn_main")


def family(process: psutil.Process) -> list[psutil.Process]:
    """`process` with all that it has started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def readers(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those of `processes` that hold a model."""
    return [process for process in processes if any(name in _title(process) for name in _READS)]


def _title(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""
