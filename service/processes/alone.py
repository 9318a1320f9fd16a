"""The one process that answers, where there is no other."""

import asyncio
import contextlib
import logging
import os
import socket
from typing import NoReturn

from service.auth.api_keys import ApiKeys
from service.errors import ReloadFailed, ReloadInProgress
from service.lifecycle import Lifecycle
from service.processes.server import DrainingServer
from service.settings import Settings

_log = logging.getLogger(__name__)


def serve_alone(settings: Settings, access: ApiKeys, listener: socket.socket) -> None:
    """Serve on `listener` in this process until it is told to stop."""
    _Alone(settings, access, Lifecycle()).run(sockets=[listener])


class _Alone(DrainingServer):
    """Reloads by itself, and ends at once when it is told to stop twice."""

    _reloading: asyncio.Task[None] | None = None

    def signalled_again(self, number: int) -> NoReturn:
        _log.warning("told to stop again: ends at once")
        # Not by the signal itself, which does nothing to the first process of a container.
        os._exit(128 + number)

    def reload_signalled(self) -> None:
        self._reloading = asyncio.create_task(self._reload())

    async def _reload(self) -> None:
        # Whatever comes of it, the log has it.
        with contextlib.suppress(ReloadFailed):
            try:
                await self.registry.reload()
            except ReloadInProgress as error:
                _log.warning("%s", error)
