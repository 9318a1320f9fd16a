"""How a worker's process begins; light, as the supervisor imports it to name it."""

import signal
import socket
from multiprocessing.connection import Connection

from service.auth.api_keys import ApiKeys
from service.logs import configure_logging
from service.settings import Settings

# The supervisor blocks them while it starts a worker, which has no answer to them so early.
SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


def begin(
    settings: Settings, access: ApiKeys, listener: socket.socket, supervisor: Connection
) -> None:
    """Run a worker in this process, which was made for it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    configure_logging(settings.log_format, settings.log_level)

    # The supervisor needs none of what this takes: the web framework, ONNX Runtime.
    from service.processes.worker import run_worker  # noqa: PLC0415

    run_worker(settings, access, listener, supervisor)
