"""`numeral serve`: checks what can be wrong at the start, and serves in one process or several."""

import contextlib
import logging
import os
import signal
import socket

import typer

from models.manifest import ManifestError, load_manifest
from service.auth.api_keys import ApiKeys, KeysFileError
from service.lifecycle import Lifecycle
from service.logs import configure_logging
from service.server import system
from service.settings import ServingEngine, Settings, unknown_variables
from service.shared_metrics import shared_metrics
from service.version import version

_log = logging.getLogger(__name__)

# A service without requests has about 30 open.
_MIN_OPEN_FILES = 64


class CannotServe(Exception):
    """Error for settings or an environment with which the service cannot start."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def serve(settings: Settings) -> int:
    """Serve until SIGINT or SIGTERM, and return the exit status.

    It is 1 if the address cannot be used or no worker starts, 2 for a setting that is wrong.
    """
    try:
        api_keys = _api_keys(settings)
        _check_models(settings)
        _check_open_files()
        configure_logging(settings.log_format, settings.log_level)
        for variable in unknown_variables():
            _log.warning("%s sets nothing: numeral serve --help lists the settings", variable)
        _handle_early_signals()
        if settings.engine is ServingEngine.RAY:
            return _serve_on_ray(settings, api_keys)
        return _serve(settings, api_keys)
    except CannotServe as error:
        typer.echo(f"error: {error}", err=True)
        return error.status


def _api_keys(settings: Settings) -> ApiKeys:
    try:
        return ApiKeys.from_file(settings.api_keys_file)
    except KeysFileError as error:
        raise CannotServe(f"NUMERAL_API_KEYS_FILE: {error}", 2) from error


def _check_models(settings: Settings) -> None:
    if settings.ray_address is not None:
        return  # the nodes of the cluster have the models
    if not settings.models_dir.is_dir():
        raise CannotServe(f"--models-dir: there is no directory {settings.models_dir}", 2)
    with contextlib.suppress(ManifestError):  # logged, and tried again, once the service runs
        names = [card.name for card in load_manifest(settings.models_dir).models]
        if settings.default_model not in (None, *names):
            message = f"--default-model: there is no model {settings.default_model!r}"
            raise CannotServe(f"{message}; the models are {', '.join(names)}", 2)


def _check_open_files() -> None:
    limit = system.open_files_limit()
    if limit < _MIN_OPEN_FILES:
        message = f"the limit of open files is {limit}, the service needs {_MIN_OPEN_FILES}"
        raise CannotServe(f"{message}; raise it with ulimit -n", 1)


def _handle_early_signals() -> None:
    # A signal to stop ends the start, and is no failure. Not by an exception, which an import could
    # swallow: there is nothing to clean up yet.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    # Otherwise SIGHUP would end a service that is asked to reload; under nohup it stays ignored.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


def _serve(settings: Settings, api_keys: ApiKeys) -> int:
    workers = settings.workers or system.usable_cores()
    listeners = _listen(settings, workers)
    url = system.url_of(listeners[0])
    _log.info("numeral %s listens on %s, with /docs; workers: %d", version(), url, workers)
    # A supervisor needs neither the web framework nor ONNX Runtime, a single process no supervisor.
    if workers == 1:
        from service.server.draining import DrainingServer

        DrainingServer(settings, api_keys, Lifecycle()).run(listeners)
        _log.info("stopped")
        return 0
    from service.server.supervisor import Supervisor

    with shared_metrics(), api_keys.shared(workers) as shared:
        supervisor = Supervisor(settings, shared, listeners)
        supervisor.run()
        return supervisor.status


def _listen(settings: Settings, workers: int) -> list[socket.socket]:
    host, port = settings.host, settings.port
    try:
        return system.listen(host, port, workers)
    # Which error an invalid host name raises depends on the version of Python.
    except (OSError, UnicodeError, TypeError) as error:
        # Python's message ends with the address, which ours begins with.
        reason = str(getattr(error, "strerror", None) or error).partition(" (while")[0]
        message = f"cannot listen on {host} port {port}: {reason}"
        raise CannotServe(f"{message}; choose another --host or --port", 1) from error


def _serve_on_ray(settings: Settings, api_keys: ApiKeys) -> int:
    from service.ray_cluster import NoCluster
    from service.server.ray import NotDeployed, refusal, serve_on_ray

    if why := refusal(settings, api_keys):
        raise CannotServe(why, 2)
    workers = settings.workers or max(system.usable_cores(), settings.min_workers)
    # Ray's proxy reports only in its own log that it cannot listen, and accepts no port 0.
    [listener] = _listen(settings, 1)
    host, port, *_ = listener.getsockname()
    listener.close()
    settings = settings.model_copy(update={"host": host, "port": port, "workers": workers})
    try:
        serve_on_ray(settings, api_keys, workers)
    except (NoCluster, NotDeployed) as error:
        raise CannotServe(str(error), 1) from error
    return 0
