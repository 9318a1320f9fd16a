"""`numeral serve`: the service on a socket."""

import contextlib
import gc
import logging
import math
import signal
import socket

import typer
import uvicorn

from service.access import Access, KeysFileError
from service.app import create_app
from service.settings import Settings
from service.telemetry import configure_logging
from service.version import version

_BACKLOG = 2048

_log = logging.getLogger(__name__)


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        typer.Exit: with status 1, where the address cannot be used; with 2, where the file of the
            keys cannot.
    """
    access = _access(settings)
    configure_logging(settings.log_format, settings.log_level)
    with _listen(settings.host, settings.port) as listener:
        config = uvicorn.Config(
            create_app(settings, access),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # nothing here depends on who calls through which proxy
            timeout_graceful_shutdown=math.ceil(settings.request_timeout),
        )
        _log.info("numeral %s listens on %s, with /docs", version(), _url(listener))
        _spare_the_collector()
        # Once the server has stopped, uvicorn raises the signal that stopped it again. To be told
        # to stop is no failure.
        with contextlib.suppress(KeyboardInterrupt):
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            uvicorn.Server(config).run(sockets=[listener])


def _access(settings: Settings) -> Access:
    try:
        return Access.from_file(settings.api_keys_file)
    except KeysFileError as error:
        typer.echo(f"error: NUMERAL_API_KEYS_FILE: {error}", err=True)
        raise typer.Exit(2) from error


def _spare_the_collector() -> None:
    # What the imports made lives as long as the process. Looking through it for garbage again and
    # again took a quarter of the time of a request (measured with 32 requests at a time).
    gc.collect()
    gc.freeze()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    # Which error a host name that breaks the rules of names is differs with the version of Python.
    except (OSError, UnicodeError, TypeError) as error:
        reason = getattr(error, "strerror", None) or error
        message = f"error: cannot listen on {host} port {port}: {reason}"
        typer.echo(f"{message}; choose another --host or --port", err=True)
        raise typer.Exit(1) from error


def _url(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
