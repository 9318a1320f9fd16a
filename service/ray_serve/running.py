"""`numeral serve --engine ray`: deploys the service, watches over it, and takes it away again."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.auth.api_keys import ApiKeys
from service.errors import ReloadFailed, ReloadInProgress
from service.ray_serve.cluster import joined_cluster, own_cluster
from service.ray_serve.deployment import application
from service.ray_serve.reloads import reload_everywhere
from service.settings import Settings
from service.version import version

if TYPE_CHECKING:
    from ray.serve.handle import DeploymentHandle

_APPLICATION = "numeral"
_QUIET = {"log_level": "WARNING", "enable_access_log": False}

# For the replicas to hear that the service stops.
_HEARING_SECONDS = 5.0

_FAREWELL_SECONDS = 0.5

_log = logging.getLogger(__name__)


class NotDeployed(Exception):
    """Ray did not bring the service up."""


def serve_on_ray(settings: Settings, access: ApiKeys, workers: int) -> None:
    """Serve until SIGINT or SIGTERM, with up to so many replicas.

    Raises:
        NoCluster: Ray does not start, or cannot be reached.
        NotDeployed: it did not bring the service up.
    """
    with (
        access.shared(workers) as shared,
        _cluster(settings, workers) as metrics,
        _deployed(settings, shared, workers, metrics) as replicas,
    ):
        asyncio.run(_Service(settings, replicas).watch())


@contextmanager
def _cluster(settings: Settings, workers: int) -> Iterator[Path | None]:
    if settings.ray_address is None:
        with own_cluster(workers) as folder:
            metrics = folder / "metrics"
            metrics.mkdir()
            yield metrics
    else:
        with joined_cluster(settings.ray_address):
            yield None


@contextmanager
def _deployed(
    settings: Settings, access: ApiKeys, workers: int, metrics: Path | None
) -> "Iterator[DeploymentHandle[Any]]":
    from ray import serve  # noqa: PLC0415 - the extra scale
    from ray.exceptions import RayError  # noqa: PLC0415

    # What Ray Serve does, step by step, is of no use to whoever reads the service's log.
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    own = settings.ray_address is None
    try:
        serve.start(
            proxy_location="HeadOnly" if own else "EveryNode",
            http_options={"host": settings.host, "port": settings.port},
            logging_config=_QUIET,
        )
        replicas = serve.run(
            application(settings, access, most=workers, metrics=metrics),
            name=_APPLICATION,
            route_prefix="/",
            logging_config=_QUIET,
        )
    except (RuntimeError, RayError) as error:
        raise NotDeployed(f"Ray did not bring the service up: {error}") from error
    try:
        yield replicas
    finally:
        # Requests in work are answered first.
        serve.delete(_APPLICATION)
        # The proxies are killed: whoever comes last is to hear that it stops.
        time.sleep(_FAREWELL_SECONDS)


class _Service:
    """The deployment, as the command's process steers it by signals."""

    def __init__(self, settings: Settings, replicas: "DeploymentHandle[Any]") -> None:
        self._settings = settings
        self._replicas = replicas
        self._told_to_stop: asyncio.Future[int] | None = None
        self._reloading: asyncio.Task[None] | None = None

    async def watch(self) -> None:
        """Return once it was told to stop and has gone on, not ready, for as long as is set."""
        loop = asyncio.get_running_loop()
        self._told_to_stop = loop.create_future()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, number)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        host, port = self._settings.host, self._settings.port
        await self._replicas.broadcast("announce").results_async()
        _log.info(
            "numeral %s listens on http://%s:%d, with /docs; Ray Serve, workers: %d to %d",
            version(),
            f"[{host}]" if ":" in host else host,
            port,
            self._settings.min_workers,
            self._settings.workers or 0,
        )
        told_by = await self._told_to_stop
        with contextlib.suppress(Exception):
            await self._replicas.broadcast("drain").results_async(timeout_s=_HEARING_SECONDS)
        if told_by != signal.SIGINT:
            await asyncio.sleep(self._settings.drain_seconds)

    def _stop(self, number: int) -> None:
        assert self._told_to_stop is not None  # noqa: S101 - for mypy
        if self._told_to_stop.done():
            _log.warning("told to stop again: ends at once")
            # Ray's processes end with this one.
            os._exit(128 + number)
        self._told_to_stop.set_result(number)

    def _reload(self) -> None:
        self._reloading = asyncio.ensure_future(self._reload_everywhere())

    async def _reload_everywhere(self) -> None:
        # Whatever comes of it, the log has it.
        with contextlib.suppress(ReloadFailed):
            try:
                await reload_everywhere(self._replicas)
            except ReloadInProgress as error:
                _log.warning("%s", error)
