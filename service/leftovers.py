"""What a process keeps among the temporary files, and what one that was killed has left there."""

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

# One that is younger may not be held yet.
_YOUNG_SECONDS = 60.0


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keep the file or folder at `path` from `remove_leftovers`, in any process, for the block."""
    if sys.platform == "win32":
        yield
        return
    # The system lets go of it with the process, however that ends. Process ids would not do: they
    # are given out again, and those of another container that shares the folder are not seen.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def remove_leftovers(prefix: str) -> None:
    """Remove temporary files and folders that begin with `prefix`, are ours, and nobody holds.

    What cannot be removed stays.
    """
    if sys.platform == "win32":
        return
    for path in Path(tempfile.gettempdir()).glob(prefix + "*"):
        with contextlib.suppress(OSError):
            _remove_if_left(path)


def _remove_if_left(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid() or time.time() - status.st_mtime < _YOUNG_SECONDS:
            return
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if stat.S_ISDIR(status.st_mode):
            shutil.rmtree(path)
        else:
            path.unlink()
    finally:
        os.close(descriptor)
