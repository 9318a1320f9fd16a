"""uvicorn's server with an end that loses no request, alone in its process or as a worker."""

import asyncio
import contextlib
import gc
import logging
import math
import os
import signal
import socket
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any, cast

import uvicorn

from service.app import create_app
from service.auth.api_keys import ApiKeys
from service.errors import NumeralError, ReloadFailed, ReloadInProgress
from service.inference.registry import Registry
from service.lifecycle import Lifecycle, Reload
from service.server import system
from service.server.supervisor import Message
from service.server.uvicorn import HttpProtocol
from service.settings import Settings

_log = logging.getLogger(__name__)

_TICK_SECONDS = 0.1
_TICKS_PER_SECOND = 10

# Requests create almost no reference cycles. Collections at the default thresholds cost a tenth of
# the throughput (measured with 64 concurrent requests).
_GC_THRESHOLDS = (20_000, 20, 100)

# For handshakes in progress to complete.
_HANDSHAKE_SECONDS = 0.2

# For cancelled requests to be answered.
_CANCEL_SECONDS = 1.0

# For the word of the supervisor, where every process was signalled.
_SUPERVISOR_SECONDS = 1.0

# What the service itself opens: models, databases, temporary files.
_RESERVED_FILES = 32
_SECONDS_BETWEEN_WARNINGS = 60.0


class DrainingServer(uvicorn.Server):
    """A server that stops in steps, so that every request is answered.

    1. For `drain_seconds` it continues, but is not ready, and every response asks the client to
       close its connection.
    2. It accepts the connections that wait on the listener, and closes the listener.
    3. It answers the requests that have begun, and closes the connections.
    """

    owns_listener = True  # no other process accepts connections on its listener

    def __init__(
        self,
        settings: Settings,
        api_keys: ApiKeys,
        lifecycle: Lifecycle,
        *,
        load_first: bool = False,
    ) -> None:
        config = uvicorn.Config(
            create_app(settings, api_keys, lifecycle, load_first=load_first),
            http=self._protocol,  # type: ignore[arg-type]
            log_config=None,
            ws="none",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # nothing here depends on who calls through which proxy
            timeout_graceful_shutdown=math.ceil(settings.request_timeout),
        )
        super().__init__(config)
        self._lifecycle = lifecycle
        self._drain_seconds = settings.drain_seconds
        self._signal: signal.Signals | None = None
        self._settings = settings
        self._next_warning = 0.0
        self._terminal = system.Terminal()
        self._reload_requested = False

    @property
    def registry(self) -> Registry:
        """The models; available once the server has started."""
        return cast(Registry, self.lifespan.state["registry"])

    async def reload(self) -> Reload:
        """Reload the models wherever they are served.

        Raises:
            ReloadInProgress: another reload is running.
            ReloadFailed: the models cannot be used.
        """
        return await self.registry.reload()

    def drain(self, seconds: float) -> None:
        """Begin to stop; continue for `seconds` before."""
        if not self.should_exit:
            self._drain_seconds = seconds
            self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second signal ends the process at once."""
        if self.should_exit:
            _log.warning("second signal: the service ends at once")
            # The signal itself has no effect on the first process of a container.
            os._exit(128 + sig)
        self._signal = signal.Signals(sig)
        # A person who presses Ctrl-C does not want to wait.
        self.drain(0 if sig == signal.SIGINT else self._drain_seconds)

    def _handle_hangup(self, _signal: int, _frame: FrameType | None) -> None:
        if self._terminal.is_closed:
            self.drain(0)
        else:
            self._reload_requested = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and exclude what was created so far from garbage collections."""
        await super().startup(sockets)
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, self._handle_hangup)
        # The imported code lives as long as the process. Examining it in every collection took a
        # quarter of the time of a request (measured with 32 concurrent requests).
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)

    async def on_tick(self, counter: int) -> bool:
        """Do what is due ten times a second."""
        if self._reload_requested:
            self._reload_requested = False
            self._reloading = asyncio.create_task(self._reload_and_log())
        if counter % _TICKS_PER_SECOND == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self._connections):
                connection.check_time(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop in steps."""
        if self._signal:
            _log.info("%s: draining for %g s", self._signal.name, self._drain_seconds)
        self._lifecycle.draining = True
        self.config.encoded_headers.append((b"connection", b"close"))
        for connection in self._connections:
            connection.ask_to_close()
        for counter in range(1 + math.ceil(self._drain_seconds / _TICK_SECONDS)):
            await self.on_tick(counter)
            await asyncio.sleep(_TICK_SECONDS if self._drain_seconds else 0)
        if self.owns_listener:
            await self._accept_waiting(sockets or [])
        # Closes the listeners, and the connections by `HttpProtocol.shutdown`.
        await super().shutdown(sockets)
        # Those that had to be cancelled.
        if tasks := set(self.server_state.tasks):
            await asyncio.wait(tasks, timeout=_CANCEL_SECONDS)
            await asyncio.sleep(_TICK_SECONDS)

    async def _accept_waiting(self, listeners: list[socket.socket]) -> None:
        for listener in listeners:
            system.refuse_new_connections(listener)
        await asyncio.sleep(_HANDSHAKE_SECONDS)
        loop = asyncio.get_running_loop()
        for connection in [each for one in listeners for each in system.accept_waiting(one)]:
            await loop.connect_accepted_socket(self._accepted, connection)

    @property
    def _connections(self) -> set[HttpProtocol]:
        return cast(set[HttpProtocol], self.server_state.connections)

    def _protocol(self, **options: Any) -> HttpProtocol:  # noqa: ANN401 - uvicorn's own
        return HttpProtocol(self._settings, self._admit, **options)

    def _accepted(self) -> HttpProtocol:
        return self._protocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    def _admit(self, file: int) -> bool:
        # The system gives out the lowest free number.
        if file < system.open_files_limit() - _RESERVED_FILES:
            return True
        now = asyncio.get_running_loop().time()
        if now >= self._next_warning:
            self._next_warning = now + _SECONDS_BETWEEN_WARNINGS
            _log.error(
                "new connections are closed: the limit of open files (ulimit -n) is reached with"
                " %d connections",
                len(self._connections),
            )
        return False

    async def _reload_and_log(self) -> None:
        with contextlib.suppress(ReloadFailed):
            try:
                await self.reload()
            except ReloadInProgress as error:
                _log.warning("%s", error)


class WorkerServer(DrainingServer):
    """A server beside others, under a supervisor.

    A second signal does not end it at once: a service manager or a terminal signals every process,
    and the supervisor tells it to stop too. Signalled alone, it leaves the listener to its
    successor.
    """

    owns_listener = False

    def __init__(self, settings: Settings, api_keys: ApiKeys, supervisor: Connection) -> None:
        # Load before listening: the other workers answer meanwhile.
        super().__init__(settings, api_keys, Lifecycle(reload=self.reload), load_first=True)
        self._supervisor = supervisor
        self._told_to_stop = asyncio.Event()
        self._reloaded: asyncio.Future[int | NumeralError] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop, however often it is signalled."""
        self.drain(0 if sig == signal.SIGINT else self._drain_seconds)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and report to the supervisor from then on."""
        await super().startup(sockets)
        asyncio.get_running_loop().add_reader(self._supervisor.fileno(), self._receive)
        self._report_task = asyncio.create_task(self._report())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop in steps, as the supervisor says if it stops too."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._told_to_stop.wait(), _SUPERVISOR_SECONDS)
        await super().shutdown(sockets)

    async def reload(self) -> Reload:
        """Reload the models here and then, as they can be used, in the other workers.

        Raises:
            ReloadInProgress: another reload is running.
            ReloadFailed: the models cannot be used, or another worker failed to load them.
        """
        if self._reloaded:
            raise ReloadInProgress("the models are being loaded again already; ask when it is done")
        self._reloaded = asyncio.get_running_loop().create_future()
        try:
            self._send(Message.RELOAD)
            outcome = await self._reloaded
        finally:
            self._reloaded = None
        if isinstance(outcome, NumeralError):
            raise outcome
        return self._served.model_copy(update={"workers": outcome})

    async def _reload_here(self) -> None:
        failure = None
        try:
            self._served = await self.registry.reload()
        except (ReloadFailed, ReloadInProgress) as error:
            failure = str(error)
        self._send(Message.RELOADED, failure)

    async def _report(self) -> None:
        # From the event loop, so that the supervisor notices if that hangs.
        while True:
            self._send(Message.RUNNING)
            await asyncio.sleep(1)

    def _send(self, message: Message, value: object = None) -> None:
        try:
            self._supervisor.send((message, value))
        except OSError:
            self._stop(0)

    def _receive(self) -> None:
        try:
            message, value = self._supervisor.recv()
        except (EOFError, OSError):
            # The supervisor has been killed.
            message, value = Message.STOP, 0
        match message:
            case Message.STOP:
                self._stop(value)
            case Message.RELOAD:
                self._reload_requested = True
            case Message.RELOAD_HERE:
                self._reloading = asyncio.create_task(self._reload_here())
            case Message.RELOADED if self._reloaded:
                self._reloaded.set_result(value)

    def _stop(self, seconds: float) -> None:
        asyncio.get_running_loop().remove_reader(self._supervisor.fileno())
        self.owns_listener = True
        self._told_to_stop.set()
        self.drain(seconds)
