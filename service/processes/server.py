"""An HTTP server that loses no request when it is told to stop."""

import asyncio
import contextlib
import gc
import math
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, cast

import uvicorn

from service.app import create_app
from service.auth.api_keys import ApiKeys
from service.inference.registry import Registry
from service.lifecycle import Lifecycle
from service.processes.connection import Connection, is_idle
from service.processes.listening import accept_waiting, refuse_newcomers
from service.processes.terminal import Terminal
from service.settings import Settings

_CLOSE = (b"connection", b"close")
_TICK_SECONDS = 0.1

# Requests leave next to no cycles behind. Looked for as often as by default, they cost a tenth of
# the throughput (measured with 64 requests at a time).
_COLLECTOR_THRESHOLDS = (20_000, 20, 100)

# For a handshake that has begun to be completed, and for a request that its sender has sent before
# it could see that the connection closes.
_QUIET_SECONDS = 0.2

# For those that were given up to be told so.
_FAREWELL_SECONDS = 1.0


class DrainingServer(uvicorn.Server):
    """Stops in steps, so that what was sent is answered.

    1. For some seconds all goes on, but readiness says no, and every response asks the caller to
       close its connection.
    2. The listeners are closed; before, whoever waits there is let in.
    3. Requests are answered. A connection without one is closed after a moment, as its caller may
       have sent one already.

    How it differs where it runs alone and beside others is for its subclasses to say.

    Attributes:
        alone: when it stops, no other process goes on listening on its socket.
    """

    def __init__(
        self,
        settings: Settings,
        access: ApiKeys,
        lifecycle: Lifecycle,
        *,
        load_first: bool = False,
    ) -> None:
        config = uvicorn.Config(
            create_app(settings, access, lifecycle, load_first=load_first),
            http=self._connection,  # type: ignore[arg-type]
            log_config=None,
            # What is known of a connection below is known of HTTP's.
            ws="none",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # nothing here depends on who calls through which proxy
            timeout_graceful_shutdown=math.ceil(settings.request_timeout),
        )
        super().__init__(config)
        self._lifecycle = lifecycle
        self._drain_seconds = settings.drain_seconds
        self._body_timeout = settings.body_timeout
        self._terminal = Terminal()
        self._told_to_reload = False
        self.alone = True

    def signalled_again(self, number: int) -> None:
        """A signal to stop has come while it stops."""

    def reload_signalled(self) -> None:
        """SIGHUP has come."""
        raise NotImplementedError

    @property
    def registry(self) -> Registry:
        """The models; available once the server has started."""
        return cast(Registry, self.lifespan.state["registry"])

    def drain(self, seconds: float) -> None:
        """Begin to stop, after `seconds` of going on, not ready."""
        if not self.should_exit:
            self._drain_seconds = seconds
            self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Listen to signals while the block runs; unlike the server's own, end with no signal."""
        handlers: dict[signal.Signals, Callable[[int, FrameType | None], None]] = {
            signal.SIGINT: self.handle_exit,
            signal.SIGTERM: self.handle_exit,
        }
        if hasattr(signal, "SIGHUP"):
            handlers[signal.SIGHUP] = self._handle_hangup
        before = {number: signal.signal(number, each) for number, each in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop: at SIGINT, which a person sends, without going on for a while."""
        if self.should_exit:
            self.signalled_again(sig)
        self.drain(0 if sig == signal.SIGINT else self._drain_seconds)

    def _handle_hangup(self, _signal: int, _frame: FrameType | None) -> None:
        if self._terminal.is_gone:
            self.drain(0)
        else:
            self._told_to_reload = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, with all that was made so far kept out of the garbage collector's way."""
        await super().startup(sockets)
        _spare_the_collector()

    async def on_tick(self, counter: int) -> bool:
        """What is done ten times a second."""
        if self._told_to_reload:
            self._told_to_reload = False
            self.reload_signalled()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop in steps."""
        self._lifecycle.draining = True
        await self._ask_to_close()
        for counter in range(math.ceil(self._drain_seconds / _TICK_SECONDS)):
            await asyncio.sleep(_TICK_SECONDS)
            await self.on_tick(counter)
        await self._close_listeners(sockets or [])
        try:
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                await self._answer_the_rest()
        except TimeoutError:
            await self._give_up_the_rest()
        await self.lifespan.shutdown()

    async def _ask_to_close(self) -> None:
        self.config.encoded_headers.append(_CLOSE)
        await self.on_tick(0)
        for connection in self._connections:
            cycle = connection.cycle
            # Where an answer has begun, its caller cannot be told any more; the next answer will.
            if cycle and not cycle.response_started:
                cycle.keep_alive = False

    async def _close_listeners(self, sockets: list[socket.socket]) -> None:
        waiting: list[socket.socket] = []
        if self.alone:
            for listener in sockets:
                refuse_newcomers(listener)
            await asyncio.sleep(_QUIET_SECONDS)
            waiting = [connection for each in sockets for connection in accept_waiting(each)]
        for server in self.servers:
            server.close()
        for listener in sockets:
            listener.close()
        loop = asyncio.get_running_loop()
        for connection in waiting:
            await loop.connect_accepted_socket(self._protocol, connection)

    @property
    def _connections(self) -> set[Any]:
        # The server's own type is of every protocol; ours is HTTP alone.
        return cast(set[Any], self.server_state.connections)

    def _protocol(self) -> asyncio.Protocol:
        return self._connection(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    def _connection(self, **options: Any) -> Connection:  # noqa: ANN401 - the server's own
        return Connection(seconds=self._body_timeout, **options)

    async def _answer_the_rest(self) -> None:
        loop = asyncio.get_running_loop()
        idle_since: dict[Any, float] = {}
        while self._connections:
            now = loop.time()
            idle = filter(is_idle, self._connections)
            idle_since = {each: idle_since.get(each, now) for each in idle}
            for connection, since in idle_since.items():
                if now - since > _QUIET_SECONDS:
                    connection.transport.close()
            await asyncio.sleep(_QUIET_SECONDS / 10)
        await _all_of(self.server_state.tasks)

    async def _give_up_the_rest(self) -> None:
        tasks = set(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await _all_of(tasks)
                for connection in list(self._connections):
                    connection.shutdown()
                while self._connections:
                    await asyncio.sleep(_QUIET_SECONDS / 10)


async def _all_of(tasks: set[asyncio.Task[None]]) -> None:
    if tasks:
        await asyncio.wait(tasks)


def _spare_the_collector() -> None:
    # What the imports made lives as long as the process. Looking through it for garbage again and
    # again took a quarter of the time of a request (measured with 32 requests at a time).
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)
