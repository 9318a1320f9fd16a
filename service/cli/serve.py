"""`numeral serve`: the service on a socket, in one process or several."""

import contextlib
import logging
import os
import signal
import socket

import typer

from service.auth.api_keys import ApiKeys, KeysFileError
from service.cli.options import takes_settings
from service.logs import configure_logging
from service.processes.cores import usable_cores
from service.processes.listening import listen_for_each, url_of
from service.settings import ServingEngine, Settings, unknown_variables
from service.shared_metrics import shared_metrics
from service.version import version

_log = logging.getLogger(__name__)


@takes_settings
def serve(settings: Settings) -> None:
    """Serve the models over HTTP until SIGINT or SIGTERM; running requests still finish.

    A second such signal ends it at once. SIGHUP reloads the models; if they cannot be used, the old
    ones stay. Without any usable model it listens all the same, not ready, and logs why.

    Examples:
      numeral serve --port 9000
      numeral serve --host 0.0.0.0 --workers 2 --api-keys-file keys.jsonl
      NUMERAL_DEFAULT_MODEL=lenet5 numeral serve
      numeral serve --engine ray --min-workers 1 --workers 4

    Exit status:
      0  it was told to stop
      1  the address cannot be used, no worker starts, or Ray cannot be reached
      2  a setting is wrong
    """
    access = _access(settings)
    configure_logging(settings.log_format, settings.log_level)
    for variable in unknown_variables():
        _log.warning("%s sets nothing: numeral serve --help lists the settings", variable)
    _prepare_for_signals()
    if settings.engine is ServingEngine.RAY:
        _run_on_ray(settings, access)
    else:
        _run(settings, access)


def _access(settings: Settings) -> ApiKeys:
    try:
        return ApiKeys.from_file(settings.api_keys_file)
    except KeysFileError as error:
        typer.echo(f"error: NUMERAL_API_KEYS_FILE: {error}", err=True)
        raise typer.Exit(2) from error


def _prepare_for_signals() -> None:
    # A signal to stop that comes before anything listens to signals ends it, and is no failure. Not
    # by an exception, which an import could swallow: there is nothing to tidy up yet.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    # Under nohup it stays ignored. Otherwise it would end a service that is to reload its models.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


def _run(settings: Settings, access: ApiKeys) -> None:
    workers = settings.workers or usable_cores()
    with contextlib.ExitStack() as sockets:
        listeners = _listen(settings, workers)
        for listener in listeners:
            sockets.enter_context(listener)
        url = url_of(listeners[0])
        _log.info("numeral %s listens on %s, with /docs; workers: %d", version(), url, workers)
        status = _serve(settings, access, listeners)
    if status:
        raise typer.Exit(status)


def _run_on_ray(settings: Settings, access: ApiKeys) -> None:
    from service.ray_cluster import NoCluster
    from service.server.ray import NotDeployed, refusal, serve_on_ray

    if why := refusal(settings, access):
        typer.echo(f"error: {why}", err=True)
        raise typer.Exit(2)
    workers = settings.workers or max(usable_cores(), settings.min_workers)
    # Ray's proxy says in its own log alone that it cannot listen, and takes no port that is free.
    [listener] = _listen(settings, 1)
    host, port, *_ = listener.getsockname()
    listener.close()
    settings = settings.model_copy(update={"host": host, "port": port, "workers": workers})
    try:
        serve_on_ray(settings, access, workers)
    except (NoCluster, NotDeployed) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


def _serve(settings: Settings, access: ApiKeys, listeners: list[socket.socket]) -> int:
    # What the one way needs, the other one's process need not hold: a supervisor has no web
    # framework, no ONNX Runtime.
    if len(listeners) == 1:
        from service.processes.alone import serve_alone

        serve_alone(settings, access, listeners[0])
        return 0
    from service.processes.supervisor import Supervisor

    with shared_metrics(), access.shared(len(listeners)) as shared:
        return Supervisor(settings, shared, listeners).run()


def _listen(settings: Settings, workers: int) -> list[socket.socket]:
    host, port = settings.host, settings.port
    try:
        return listen_for_each(host, port, workers)
    # Which error a host name that breaks the rules of names is differs with the version of Python.
    except (OSError, UnicodeError, TypeError) as error:
        # Python's own words go on to say which address it was, which is said already.
        reason = str(getattr(error, "strerror", None) or error).partition(" (while")[0]
        message = f"error: cannot listen on {host} port {port}: {reason}"
        typer.echo(f"{message}; choose another --host or --port", err=True)
        raise typer.Exit(1) from error
