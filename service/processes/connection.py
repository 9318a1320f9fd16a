"""A connection that tells its requests when the client has disconnected."""

from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from service.api.dependencies import State
from service.processes.bad_requests import bad_request
from service.processes.bounded import BoundedConnection
from service.processes.parting import EarlyAnswers, part


class Connection(BoundedConnection):
    """HTTP/1.1 as the server speaks it.

    Its requests are told when their caller has gone: a task for each that waits for it would be
    needed by all of them once the queue is long.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - the server's own
        super().__init__(**options)
        self._running: RequestResponseCycle | None = None
        self._answered_early: RequestResponseCycle | None = None

    def data_received(self, data: bytes) -> None:
        """Hand on what has come."""
        super().data_received(data)
        if self._in_body and not self.refused and self._answered_early is not self.cycle:
            # Most requests are whole by now, and are not concerned.
            self._answered_early = self.cycle
            EarlyAnswers(self, self.transport, self.cycle)

    def send_400_response(self, msg: str) -> None:
        """Say that what came is no request, where that cannot be taken for another one's answer."""
        self.refused = True
        if not self._owes_an_answer():
            self.transport.close()
            return
        self._forsake()
        metrics = cast(State, self.app_state)["metrics"]
        headers = self.server_state.default_headers
        self.transport.write(bad_request(msg, metrics, headers, self._caller))
        part(self, self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller has gone, or was sent away."""
        super().connection_lost(exc)
        self._forsake()

    def _forsake(self) -> None:
        # The server tells only the request that came last, and later ones would still be started.
        self.pipeline.clear()
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:  # noqa: ANN401 - the server's own
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _owes_an_answer(self) -> bool:
        """Whether the next answer is that of the request which is being received."""
        running = self._running
        if running is None:
            return True
        if running.response_complete:
            return not self._in_body
        return self._in_body and running is self.cycle and not running.response_started

    @property
    def _caller(self) -> str | None:
        return self.client[0] if self.client else None


def is_idle(connection: Any) -> bool:  # noqa: ANN401 - the server names no type for all of them
    """Whether no request is on its way over `connection`, not even a part of one."""
    cycle = connection.cycle
    if cycle is None:
        return connection.scope is None
    # A request whose head is still arriving has a scope, but no cycle of its own yet.
    return cycle.response_complete and connection.scope is cycle.scope
