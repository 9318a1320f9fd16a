"""Ray, started for the service alone on this machine, or joined where it runs."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.ray_reach import NoCluster, reach
from service.temporary import temporary_directory

# Short: Ray keeps sockets there, whose paths may have 107 bytes.
_PREFIX = "numeral-ray-"

# Requests and answers that are larger than 100 KB lie there for a moment.
_OBJECT_STORE_BYTES = 256 * 1024 * 1024

# Ray reads them as it is imported. Whoever sets them otherwise is heeded.
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # The lines of replicas come out as they wrote them, each one.
    "RAY_DISABLE_WORKER_LOG_PREFIX": "1",
    "RAY_DEDUP_LOGS": "0",
    "RAY_COLOR_PREFIX": "0",
    "RAY_SCHEDULER_EVENTS": "0",
    # Ray would let everything else on the machine go before its replicas, and give up a proxy that
    # takes five seconds to start.
    "RAY_worker_niceness": "0",
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "service.ray_serve.proxy:middlewares",
}


@contextmanager
def own_cluster(cpus: int) -> Iterator[Path]:
    """Run Ray on this machine, with so many cores to give away; a folder that goes with it.

    Raises:
        NoCluster: it does not start.
    """
    _prepare_environment()
    # Off, Ray's processes listen on the loopback interface alone, as on Windows and macOS.
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    # Of those on this machine, who does not know the token is sent away.
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    import ray  # noqa: PLC0415 - the extra scale

    with temporary_directory(_PREFIX) as folder:
        try:
            ray.init(
                address="local",
                num_cpus=cpus,
                object_store_memory=_OBJECT_STORE_BYTES,
                include_dashboard=False,
                configure_logging=False,
                _node_ip_address="127.0.0.1",
                _temp_dir=str(folder),
            )
        except Exception as error:
            # There is no common class.
            ray.shutdown()
            raise NoCluster(f"Ray does not start on this machine: {error}") from error
        try:
            yield folder
        finally:
            ray.shutdown()


@contextmanager
def joined_cluster(address: str) -> Iterator[None]:
    """Use the Ray cluster at `address`.

    Raises:
        NoCluster: it cannot be reached or joined.
    """
    reach(address)
    _prepare_environment()
    import ray  # noqa: PLC0415 - the extra scale

    try:
        ray.init(address=address, configure_logging=False)
    except Exception as error:
        # ConnectionError, RuntimeError, ValueError: there is no common class.
        raise NoCluster(f"Ray at {address} cannot be joined: {error}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _prepare_environment() -> None:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
