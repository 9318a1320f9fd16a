"""Ray itself: started on this machine for a while, or one that runs already and is joined.

It says nothing of its use to its makers, shows no dashboard, and what it starts here listens on
this machine alone, to whoever has the run's own token.
"""

import logging
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any

from service.extras import how_to_install, is_installed
from service.ray_reach import NoCluster, reach

# Pieces of work and tallies go through it, pictures and rows do not.
_OBJECT_STORE_BYTES = 128 * 1024 * 1024

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Each run it would say that restarted actors miss their arguments, were this process gone.
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
}
_ALONE = {
    "RAY_AUTH_MODE": "token",
    # Off, Ray uses the loopback interface alone, as it does on Windows and macOS.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
}
_TOKEN = "RAY_AUTH_TOKEN"  # noqa: S105 - the name of a variable

_SILENT: Mapping[str, Any] = {"logging_level": logging.CRITICAL, "log_to_driver": False}

_WANTED = ("ray", "pyarrow", "fsspec")


def check_installed() -> None:
    """Raise NoCluster where the extra is missing."""
    if missing := [name for name in _WANTED if not is_installed(name)]:
        raise NoCluster(
            f"--engine ray wants {', '.join(missing)}, not installed: {how_to_install('scale')}"
        )


@contextmanager
def cluster(address: str | None, workers: int) -> Iterator[int]:
    """Ray for the block: at `address`, or, without one, started here for so many workers.

    What the block prints to standard output goes nowhere.

    Yields:
        How many cores there are.

    Raises:
        NoCluster: there is none.
    """
    check_installed()
    if address is not None:
        reach(address)
    _quieten(alone=address is None)
    # It takes a second, and reads the variables when it is imported.
    ray: Any = import_module("ray")
    try:
        with _no_standard_error():
            ray.init(**(_own(workers) if address is None else {"address": address}), **_SILENT)
    except Exception as error:
        # ConnectionError, RuntimeError, ValueError: there is no common class.
        where = f"be reached at {address}" if address else "be started"
        raise NoCluster(f"Ray cannot {where}: {error}") from error
    # Ray prints, up to its end, what has ended in the cluster, and then mends it.
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        try:
            yield int(ray.cluster_resources().get("CPU", 0)) or 1
        finally:
            ray.shutdown()


@contextmanager
def _no_standard_error() -> Iterator[None]:
    # Its libraries write there past Python: that they were told to be quiet. Faults are raised.
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _quieten(*, alone: bool) -> None:
    os.environ.update(_QUIET)
    if alone:
        os.environ.update(_ALONE)
        os.environ[_TOKEN] = secrets.token_hex(32)


def _own(workers: int) -> Mapping[str, Any]:
    return {
        # Whatever RAY_ADDRESS says: another cluster has to be asked for.
        "address": "local",
        "num_cpus": workers,
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE_BYTES,
    }
