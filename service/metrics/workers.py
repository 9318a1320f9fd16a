"""Metrics of several workers as one: through files in a directory that their parent looks after.

    with shared_metrics():
        ...  # start the workers; forget_process(pid) when one has died

Imports prometheus_client only where it must: the library decides once, as it is imported, whether
a process keeps its metrics to itself.
"""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.temporary import temporary_directory

_PREFIX = "numeral-metrics-"

# The library's own variable: children inherit it, and it is read as the library is imported.
_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def shared_metrics() -> Iterator[Path]:
    """Let all processes that are started in the block share their metrics; for their parent."""
    with temporary_directory(_PREFIX) as folder:
        before = os.environ.get(_VARIABLE)
        prepare_multiprocess(folder)
        try:
            yield folder
        finally:
            if before is None:
                del os.environ[_VARIABLE]
            else:
                os.environ[_VARIABLE] = before


def prepare_multiprocess(directory: Path) -> None:
    """Let processes that are started from now on share their metrics in `directory`.

    The directory is made if need be and emptied of the metrics of a run before. A child that is
    forked, not spawned, must not have prometheus_client imported already.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for left_over in directory.glob("*.db"):
        left_over.unlink()
    os.environ[_VARIABLE] = str(directory)


def prepared_folder(folder: Path) -> Path:
    """`folder`, made for processes that are started elsewhere with `shared_environment`."""
    folder.mkdir()
    return folder


def shared_environment(folder: Path) -> dict[str, str]:
    """The variables with which a process has to start to share its metrics in `folder`."""
    return {_VARIABLE: str(folder)}


def forget_the_dead() -> None:
    """Drop the gauges of workers that are no more, where nobody else looks after that."""
    if folder := shared_directory():
        for file in folder.glob("gauge_livesum_*.db"):
            pid = int(file.stem.rpartition("_")[2])
            if not _lives(pid):
                # Another worker may do the same at the same time.
                with contextlib.suppress(FileNotFoundError):
                    forget_process(pid)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Its number is somebody else's by now, who has nothing to do with it.
        return False
    return True


def forget_process(pid: int, directory: Path | None = None) -> None:
    """Drop the gauges of a worker that has died; what it counted stays counted."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

    if folder := directory or shared_directory():
        mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


def shared_directory() -> Path | None:
    """Where this process shares its metrics; None where it is alone."""
    folder = os.environ.get(_VARIABLE)
    return Path(folder) if folder else None
