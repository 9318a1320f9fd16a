"""A worker as Ray Serve runs it: the application, and what others ask of it."""

import logging
import os

from service.app import create_app
from service.auth.api_keys import ApiKeys
from service.errors import ReloadFailed, ReloadInProgress
from service.inference.registry import Registry
from service.lifecycle import Lifecycle, Served
from service.logs import configure_logging
from service.ray_serve.hosted import Hosted
from service.ray_serve.reloads import Outcome, Rounds, reload_everywhere
from service.settings import Settings

_log = logging.getLogger(__name__)


class Replica:
    """Holds the application. Its methods are called through Ray, in its event loop."""

    def __init__(self, settings: Settings, access: ApiKeys) -> None:
        configure_logging(settings.log_format, settings.log_level)
        self._settings = settings
        self._access = access
        self._lifecycle = Lifecycle(reload=self._reload_everywhere)
        self._rounds = Rounds()

    def __serve_build_asgi_app__(self) -> Hosted:
        # Ray Serve calls it once, and sends no request before the application has started. Another
        # replica answers meanwhile.
        app = create_app(self._settings, self._access, self._lifecycle, load_first=True)
        self._hosted = Hosted(app, self._lifecycle)
        return self._hosted

    @property
    def _registry(self) -> Registry:
        registry: Registry = self._hosted.state["registry"]
        return registry

    async def check_health(self) -> None:
        """Ray Serve replaces a replica whose event loop does not come to answer this."""

    async def announce(self) -> int:
        """The id of its process, which is logged."""
        _log.info("worker %d serves", os.getpid())
        return os.getpid()

    async def drain(self) -> None:
        """Be not ready any more."""
        self._lifecycle.draining = True

    async def prepare(self, round_id: str) -> Outcome:
        """Load the models again beside those that are served; one round at a time."""
        try:
            self._rounds.begin(round_id)
            return await self._registry.prepare()
        except (ReloadFailed, ReloadInProgress) as error:
            return error

    async def adopt(self, round_id: str) -> None:
        """Serve what was prepared in this round."""
        if self._rounds.end(round_id):
            self._registry.adopt()

    async def discard(self, round_id: str) -> None:
        """Forget what was prepared in this round."""
        if self._rounds.end(round_id):
            self._registry.discard()

    async def _reload_everywhere(self) -> Served:
        from ray import serve  # noqa: PLC0415 - the extra scale

        context = serve.get_replica_context()
        return await reload_everywhere(
            serve.get_deployment_handle(context.deployment, context.app_name)
        )
