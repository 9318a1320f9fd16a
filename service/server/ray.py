"""The service on Ray Serve, which is imported only when it is used."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, cast
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.auth.api_keys import ApiKeys
from service.errors import ReloadFailed, ReloadInProgress
from service.lifecycle import Lifecycle, Reload
from service.logs import configure_logging
from service.ray_cluster import prepare_ray, ray_cluster
from service.settings import Settings, drop_service_link
from service.shared_metrics import shared_metrics
from service.version import version

_APPLICATION = "numeral"
_QUIET = {"log_level": "WARNING", "enable_access_log": False}

# A replica rejects what is too much itself, at once. In Ray's proxy requests would wait, those for
# health and metrics too.
_NO_LIMIT = 100_000

_SHUTDOWN_SECONDS = 5.0
_RELOAD_SECONDS = 120.0
_FAREWELL_SECONDS = 0.5

_log = logging.getLogger(__name__)


class NotDeployed(Exception):
    """Error for a service that Ray Serve does not start."""


def refusal(settings: Settings, api_keys: ApiKeys) -> str | None:
    """Return why the service cannot run on Ray Serve with `settings`; None if it can."""
    if settings.workers is not None and settings.min_workers > settings.workers:
        return (
            f"NUMERAL_MIN_WORKERS is {settings.min_workers} and NUMERAL_WORKERS, the maximum, is"
            f" {settings.workers}; set as many or more"
        )
    if settings.ray_address is None:
        return None
    if (settings.feedback_url or "").startswith("sqlite"):
        return (
            "NUMERAL_FEEDBACK_DATABASE: the machines of a cluster cannot share an SQLite file; set"
            " a postgresql:// database, or unset NUMERAL_RAY_ADDRESS"
        )
    if api_keys.has_quotas:
        return (
            "NUMERAL_API_KEYS_FILE: quotas are counted on one machine; remove them from the file,"
            " or unset NUMERAL_RAY_ADDRESS"
        )
    return None


def app(_arguments: Mapping[str, str]) -> Any:  # noqa: ANN401 - an Application of Ray Serve
    """Return the service with the settings of the environment, for a config file of Ray Serve.

        serve run service.server.ray:app

    Raises:
        ValueError: it cannot run on a cluster with these settings.
    """
    drop_service_link(os.environ)
    settings = Settings()
    api_keys = ApiKeys.from_file(settings.api_keys_file)
    if why := refusal(settings.model_copy(update={"ray_address": "auto"}), api_keys):
        raise ValueError(why)
    return _application(settings, api_keys, settings.workers or settings.min_workers)


def serve_on_ray(settings: Settings, api_keys: ApiKeys, workers: int) -> None:
    """Serve until SIGINT or SIGTERM, with at most `workers` replicas.

    Raises:
        NoCluster: Ray does not start, or cannot be reached.
        NotDeployed: Ray Serve does not start the service.
    """
    address = settings.ray_address
    prepare_ray(address)
    with (
        # A replica on another machine cannot share them.
        shared_metrics() if address is None else contextlib.nullcontext(),
        api_keys.shared(workers) as shared,
        ray_cluster(address, workers, quiet=False),
        _deployed(settings, shared, workers) as handle,
    ):
        asyncio.run(_watch(settings, handle))


@contextmanager
def _deployed(settings: Settings, api_keys: ApiKeys, workers: int) -> Iterator[Any]:
    serve: Any = import_module("ray.serve")
    # Its steps do not help a reader of the service's log.
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    try:
        serve.start(
            proxy_location="HeadOnly" if settings.ray_address is None else "EveryNode",
            http_options={"host": settings.host, "port": settings.port},
            logging_config=_QUIET,
        )
        handle = serve.run(
            _application(settings, api_keys, workers),
            name=_APPLICATION,
            route_prefix="/",
            logging_config=_QUIET,
        )
    except Exception as error:
        # RuntimeError, RayError: there is no common class.
        raise NotDeployed(f"Ray Serve does not start the service: {error}") from error
    try:
        yield handle
    finally:
        # Running requests finish first.
        serve.delete(_APPLICATION)
        # The proxies answer late callers before they are killed.
        time.sleep(_FAREWELL_SECONDS)


async def _watch(settings: Settings, handle: Any) -> None:  # noqa: ANN401 - a DeploymentHandle
    """Return once the service was told to stop and has drained."""
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[int] = loop.create_future()
    reloads = set()

    def begin_to_stop(number: int) -> None:
        if stop.done():
            _log.warning("told to stop again: ends at once")
            # Ray's processes end with this one.
            os._exit(128 + number)
        stop.set_result(number)

    def begin_to_reload() -> None:
        async def reload() -> None:
            # A replica may end meanwhile.
            with contextlib.suppress(Exception):
                await handle.handle_hangup.remote()

        reloads.add(loop.create_task(reload()))

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, begin_to_stop, number)
    loop.add_signal_handler(signal.SIGHUP, begin_to_reload)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    _log.info(
        "numeral %s listens on http://%s:%d, with /docs; Ray Serve, workers: %d to %d",
        *(version(), host, settings.port, settings.min_workers, settings.workers or 0),
    )
    told_by = await stop
    with contextlib.suppress(Exception):
        await handle.broadcast("drain").results_async(timeout_s=_SHUTDOWN_SECONDS)
    # A person who presses Ctrl-C does not want to wait.
    if told_by != signal.SIGINT:
        await asyncio.sleep(settings.drain_seconds)


def _application(settings: Settings, api_keys: ApiKeys, workers: int) -> Any:  # noqa: ANN401
    serve: Any = import_module("ray.serve")
    deployment = serve.deployment(
        name="Numeral",
        autoscaling_config={
            "min_replicas": min(settings.min_workers, workers),
            "max_replicas": workers,
            "target_ongoing_requests": settings.target_requests,
        },
        max_ongoing_requests=_NO_LIMIT,
        graceful_shutdown_wait_loop_s=0.2,
        graceful_shutdown_timeout_s=settings.request_timeout + _SHUTDOWN_SECONDS,
        health_check_timeout_s=settings.worker_timeout,
        logging_config=_QUIET,
        ray_actor_options={"num_cpus": 1},
    )
    return deployment(serve.ingress()(Replica)).bind(settings, api_keys)


class Replica:
    """The service in a process of Ray Serve, which calls its methods in its event loop."""

    def __init__(self, settings: Settings, api_keys: ApiKeys) -> None:
        from service.app import create_app  # only replicas need it

        configure_logging(settings.log_format, settings.log_level)
        self._id = uuid4().hex
        self._lifecycle = Lifecycle(reload=self.reload_everywhere)
        # Other replicas answer while it loads the models.
        app = create_app(settings, api_keys, self._lifecycle, load_first=True)
        self._hosted = Hosted(app, self._lifecycle)

    def __serve_build_asgi_app__(self) -> ASGIApp:
        _log.info("worker %d serves", os.getpid())
        return self._hosted

    async def drain(self) -> None:
        """Stop being ready."""
        self._lifecycle.draining = True

    async def reload(self, leader: str) -> None:
        """Reload the models in this replica, unless it is the `leader`, which has."""
        if leader != self._id:
            await self._hosted.state["registry"].reload()

    async def handle_hangup(self) -> None:
        """Reload the models in every replica; what fails is logged."""
        with contextlib.suppress(ReloadFailed, ReloadInProgress):
            await self.reload_everywhere()

    async def reload_everywhere(self) -> Reload:
        """Reload the models here, and then in the other replicas if they can be used here.

        Raises:
            ReloadInProgress: another reload is running.
            ReloadFailed: the models cannot be used, and nothing has changed; or another replica
                failed, and serves the old ones.
        """
        served: Reload = await self._hosted.state["registry"].reload()
        serve: Any = import_module("ray.serve")
        context = serve.get_replica_context()
        handle = serve.get_deployment_handle(context.deployment, context.app_name)
        try:
            answers = handle.broadcast("reload", self._id)
            workers = len(await answers.results_async(timeout_s=_RELOAD_SECONDS))
        except ReloadInProgress as error:
            # That replica lets this one reload once more.
            what = "another worker reloads the models; retry when it has finished"
            raise ReloadInProgress(what) from error
        except Exception as error:
            # Whatever Ray makes of it.
            _log.error("reload failed in another worker: %s", error)
            raise ReloadFailed(
                f"workers may serve different models: one of them did not reload: {error}"
            ) from error
        _log.info("reloaded in %d workers: %s", workers, served)
        return served.model_copy(update={"workers": workers})


class Hosted:
    """Runs `app` as a server would: Ray Serve keeps no state and cancels requests.

    Ray Serve cancels a request whose client has disconnected, or fails to deliver its body. Here
    the request learns of the disconnect, and ends in its own way.
    """

    def __init__(self, app: ASGIApp, lifecycle: Lifecycle) -> None:
        self._app = app
        self._lifecycle = lifecycle
        self.state: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the lifespan or a request."""
        if scope["type"] != "http":
            await self._app({**scope, "state": self.state}, receive, send)
            return
        gone = asyncio.Event()

        async def receive_or_disconnect() -> Message:
            waiting = [asyncio.ensure_future(each) for each in (receive(), gone.wait())]
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if waiting[0].done() and not gone.is_set():
                    return cast(Message, waiting[0].result())
            except Exception as error:
                # Ray's proxy, which has the rest of the body, forgets clients that disconnect.
                _log.info("the rest of a body is not available: %r", error)
            finally:
                for each in waiting:
                    each.cancel()
            return {"type": "http.disconnect"}

        async def send_for_proxy(message: Message) -> None:
            if message["type"] == "http.response.start":
                # Ray's proxy adds the id, which the request had when it came here.
                headers = [each for each in message["headers"] if each[0] != b"x-request-id"]
                if self._lifecycle.draining:
                    headers.append((b"connection", b"close"))
                message = {**message, "headers": headers}
            await send(message)

        scope = {**scope, "state": dict(self.state)}
        request = asyncio.ensure_future(self._app(scope, receive_or_disconnect, send_for_proxy))
        try:
            await asyncio.shield(request)
        except asyncio.CancelledError:
            gone.set()
            await asyncio.wait([request])
            raise
