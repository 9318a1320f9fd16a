"""Ray, started on this machine or joined. It is imported only when it is used."""

import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from service.extras import how_to_install, is_installed
from service.temporary import temporary_directory

# Short: Ray keeps sockets there, whose paths may have 107 bytes.
_PREFIX = "numeral-ray-"
_OBJECT_STORE_BYTES = 256 * 1024 * 1024
_CONNECT_SECONDS = 10.0

# Ray reads them when it is imported; values that are set already win.
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Lines of the service's log come out as a replica wrote them.
    "RAY_DISABLE_WORKER_LOG_PREFIX": "1",
    "RAY_DEDUP_LOGS": "0",
    "RAY_COLOR_PREFIX": "0",
    "RAY_SCHEDULER_EVENTS": "0",
    # Otherwise everything else on the machine runs before the workers, and a proxy that takes five
    # seconds to start is given up.
    "RAY_worker_niceness": "0",
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
}
# On this machine alone, and only for processes that know the token.
_LOCAL_ENVIRONMENT = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}


class NoCluster(Exception):
    """Error for a Ray that is not installed, does not start or cannot be reached."""


def prepare_ray(address: str | None, *, quiet: bool = False) -> None:
    """Set the environment that Ray reads when it is imported; to be called before that.

    `address` is that of the cluster to join, as HOST:PORT, auto or ray://..., if any. If
    `quiet`, processes of Ray itself log nothing.

    Raises:
        NoCluster: the extra is missing, or nothing listens at `address`.
    """
    if missing := [name for name in ("ray", "pyarrow", "fsspec") if not is_installed(name)]:
        raise NoCluster(
            f"--engine ray requires {', '.join(missing)}, not installed: {how_to_install('scale')}"
        )
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if quiet:
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    if address is not None:
        _require_listener(address)
        return
    os.environ.update(_LOCAL_ENVIRONMENT)
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


@contextmanager
def ray_cluster(address: str | None, cores: int, *, quiet: bool) -> Iterator[int]:
    """Join the Ray cluster at `address`, or start one on this machine, for the block.

    Yields the number of its cores: `cores`, if it is started. If `quiet`, what workers log is
    dropped.

    Raises:
        NoCluster: it cannot be joined, or does not start.
    """
    ray: Any = import_module("ray")
    options: dict[str, Any] = {"log_to_driver": not quiet, "configure_logging": False}
    # Ray installs a handler of its own.
    terminate = signal.getsignal(signal.SIGTERM)
    with temporary_directory(_PREFIX) as folder:
        if address is None:
            options |= {
                # Whatever RAY_ADDRESS says: another cluster has to be asked for.
                "address": "local",
                "num_cpus": cores,
                "include_dashboard": False,
                "object_store_memory": _OBJECT_STORE_BYTES,
                "_node_ip_address": "127.0.0.1",
                "_temp_dir": str(folder),
            }
        else:
            options["address"] = address
        try:
            with _no_standard_error():
                ray.init(**options)
        except Exception as error:
            # ConnectionError, RuntimeError, ValueError: there is no common class.
            ray.shutdown()
            where = "does not start on this machine" if address is None else f"at {address} fails"
            raise NoCluster(f"Ray {where}: {error}") from error
        signal.signal(signal.SIGTERM, terminate)
        try:
            yield int(ray.cluster_resources().get("CPU", 0)) or 1
        finally:
            ray.shutdown()


@contextmanager
def _no_standard_error() -> Iterator[None]:
    # Ray's libraries print there, past Python, which log level they were given.
    sys.stderr.flush()
    with Path(os.devnull).open("wb") as nowhere:
        before = os.dup(2)
        try:
            os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)


def _require_listener(address: str) -> None:
    # Ray would try for a minute, and then end the process.
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    # A port may be past 65535, and a host name invalid.
    except (OSError, OverflowError, UnicodeError) as error:
        raise NoCluster(
            f"no Ray cluster listens at {address} ({error}); run `ray status` on its head"
        ) from error
