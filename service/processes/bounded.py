"""One connection to the HTTP server, which waits neither for ever nor for endless heads."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Of a head, of the trailers or of what stands between chunks. Browsers send up to some 16 KB of
# cookies; without a limit, 100 MB of headers took 2 GB of memory (measured).
_MOST_BYTES = 64 * 1024


class BoundedConnection(HttpToolsProtocol):
    """Closed where its caller sends too much that is no body, or takes too long for a head.

    `service.exchange` bounds the body itself, and its time.

    Attributes:
        refused: nothing more is read from it.
    """

    def __init__(self, *arguments: Any, seconds: float, **options: Any) -> None:  # noqa: ANN401 - the server's
        super().__init__(*arguments, **options)
        self._seconds = seconds
        self._has_come_on = self._in_body = False
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self.refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self.stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take `data`, or refuse the connection if that leads nowhere."""
        self._has_come_on = False
        super().data_received(data)
        if self._has_come_on:
            self._bytes = 0
            if self._timer is not None:
                self.stop_timer()
            return
        self._bytes += len(data)
        if self._bytes > _MOST_BYTES:
            self._refuse(f"The head of the request is longer than {_MOST_BYTES} bytes.")
        elif self._timer is None and not self._in_body:
            self._start_timer()

    def on_headers_complete(self) -> None:
        """A head is there."""
        self._has_come_on = True
        super().on_headers_complete()
        self._in_body = True

    def on_body(self, body: bytes) -> None:
        """Some of a body is there."""
        self._has_come_on = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of a body is there, if there is any."""
        self._has_come_on = True
        self._in_body = False
        super().on_message_complete()

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(self._seconds, self._give_up)

    def stop_timer(self) -> None:
        """Wait for a head no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self._bytes:
            self._refuse(f"The head of the request was not complete after {self._seconds:g} s.")
        else:
            self.transport.close()

    def _refuse(self, why: str) -> None:
        if not (self.refused or self.transport.is_closing()):
            self.logger.warning(why)
            self.send_400_response(why)
