"""Temporary directories that a later run removes where a process was killed."""

import contextlib
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl

# A younger directory may not be locked yet.
_YOUNG_SECONDS = 60.0


@contextmanager
def temporary_directory(prefix: str) -> Iterator[Path]:
    """Create a directory for the block; first remove abandoned ones with the same `prefix`."""
    _remove_abandoned(prefix)
    with tempfile.TemporaryDirectory(prefix=prefix) as name, locked(Path(name)):
        yield Path(name)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock the file or directory at `path` for the block.

    Raises:
        BlockingIOError: another process has locked it.
    """
    if sys.platform == "win32":
        yield
        return
    # The kernel releases the lock when the process ends, even if it is killed. Process ids would
    # not do: they are reused, and those of a container that shares the directory are not visible.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _remove_abandoned(prefix: str) -> None:
    if sys.platform == "win32":
        return
    for path in Path(tempfile.gettempdir()).glob(prefix + "*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            is_old = time.time() - status.st_mtime > _YOUNG_SECONDS
            if is_old and stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid():
                with locked(path):
                    shutil.rmtree(path)
