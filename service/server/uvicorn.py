"""uvicorn's HTTP/1.1 protocol with the limits that it lacks."""

import asyncio
import socket
import uuid
from collections.abc import Callable
from typing import Any, cast

import httptools
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from service.api.problems import write_problem
from service.api.security import headers_for
from service.errors import BadRequest
from service.middleware import log_request
from service.settings import Settings

# Browsers send up to about 16 KB of cookies. Without a limit, 100 MB of headers took 2 GB of memory
# (measured).
_MAX_HEAD_BYTES = 64 * 1024
_MAX_LENGTH_DIGITS = 18
_LINE_BREAK = b"\r\n"
_CODED = "Transfer-Encoding may only be chunked; send the body uncompressed."

# Reading the rest of a body up to this size is cheaper for a client than a new connection.
_SHORT_BODY = 64 * 1024

# What a client may still send after an answer that closes the connection. Closing at once resets
# the connection, and the reset may overtake the answer.
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 32 * 1024 * 1024

_PROBE_SECONDS = 1.0

# The method and the path of something that is no request.
_UNKNOWN = "-"

# For a request that was sent before its sender could see that the connection closes.
_QUIET_SECONDS = 0.2


class HttpProtocol(HttpToolsProtocol):
    """HTTP/1.1 that upgrades nothing and bounds what a client can make it hold.

    The parser gets the bytes of one request at a time; whatever follows waits until that request
    is answered. So requests sent ahead take only their own bytes, and an invalid one does not take
    the answer from the valid one before it.

    Args:
        settings: `body_timeout` limits the time of a head, `answer_timeout` that of a client which
            reads nothing of its answers.
        admit: whether a new connection with this file descriptor may stay.
    """

    def __init__(
        self,
        settings: Settings,
        admit: Callable[[int], bool],
        **options: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(**options)
        self._settings = settings
        self._admit = admit
        self._transport: asyncio.Transport = None  # type: ignore[assignment]
        # Received, and parsed up to `_position`.
        self._data = b""
        self._position = 0
        # Of a head, of trailers, or between chunks.
        self._head_bytes = 0
        self._in_body = self._chunked = self._keep_alive = False
        self._remaining = 0
        self._closing = self._half_closed = self._probed = self._stopping = False
        # Since when the client is waited for.
        self._since = self._written = self.loop.time()
        self._unsent = self._dropped = 0

    @property
    def busy(self) -> bool:
        """Whether a request has begun and is not answered."""
        return self._answering or self._in_body or self._head_begun

    @property
    def _head_begun(self) -> bool:
        return self._head_bytes > 0 or self._position < len(self._data)

    @property
    def _is_coded(self) -> bool:
        """Whether the body would have to be decompressed."""
        return any(
            name == b"transfer-encoding" and value.strip().lower() != b"chunked"
            for name, value in self.headers or ()
        )

    @property
    def _answering(self) -> bool:
        """Whether a request has arrived completely and is not answered."""
        return not self._in_body and self.cycle is not None and not self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept the connection, unless too many are open."""
        super().connection_made(transport)
        self._transport = transport
        self.transport = cast(asyncio.Transport, _LingeringTransport(self, transport))
        if not self._admit(transport.get_extra_info("socket").fileno()):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release what the connection holds."""
        super().connection_lost(exc)
        # uvicorn leaves the timer, and with it the connection, where the client sent a reset.
        self._unset_keepalive_if_required()
        self._data = b""

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection open for the answer to a complete request."""
        self._half_closed = True
        self._since = self.loop.time()
        return self._answering and not self._closing

    def data_received(self, data: bytes) -> None:
        """Parse `data`, or keep it until the request before it is answered."""
        self._unset_keepalive_if_required()
        if self._closing:
            self._dropped += len(data)
            if self._dropped > _LINGER_BYTES:
                self._transport.abort()
            return
        if not self.busy:
            self._since = self.loop.time()
        self._data = self._data[self._position :] + data
        self._position = 0
        self._parse()

    def _parse(self) -> None:
        while self._position < len(self._data) and not self._closing:
            if self._answering:
                self.flow.pause_reading()
                return
            piece = self._next_piece()
            if not piece:
                return
            self._position += len(piece)
            if not (self._in_body and not self._chunked):
                self._head_bytes += len(piece)
                if self._head_bytes > _MAX_HEAD_BYTES and not self._in_body:
                    self._refuse(f"The head of the request is longer than {_MAX_HEAD_BYTES} bytes.")
                    return
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade:
                self._parse_without_upgrade()
            except httptools.HttpParserError:
                self._refuse(_CODED if self._is_coded else "Invalid HTTP request received.")
            if self._head_bytes > _MAX_HEAD_BYTES:
                self._refuse(f"The request has over {_MAX_HEAD_BYTES} bytes between its chunks.")

    def _next_piece(self) -> memoryview:
        """Return the next bytes to parse, in which at most one request ends."""
        data, start = self._data, self._position
        if self._in_body and not self._chunked:
            return memoryview(data)[start : start + max(self._remaining, 1)]
        # A head, or a body in chunks, ends with a blank line: a second line break.
        if (self._head_bytes or self._in_body) and data.startswith(_LINE_BREAK, start):
            end = start + len(_LINE_BREAK)
        elif (found := data.find(2 * _LINE_BREAK, start)) >= 0:
            end = found + 2 * len(_LINE_BREAK)
        else:
            # The parser must not see half of a line break: it ends the head there.
            end = len(data) - data.endswith(b"\r")
        return memoryview(data)[start:end]

    def _parse_without_upgrade(self) -> None:
        # The parser takes the message to end with its head, and the body for requests of their own.
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse("CONNECT is not supported.")
            return
        head = [b"%b %b HTTP/%b" % (method, self.url, self.parser.get_http_version().encode())]
        head += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        rest = self._data[self._position :]
        self._data = _LINE_BREAK.join([*head, b"", rest])
        self._position = self._head_bytes = 0
        self.parser = httptools.HttpRequestParser(self)

    def on_headers_complete(self) -> None:
        """Start the request."""
        if self.parser.should_upgrade():
            return
        # A request of HTTP/0.9 ends with its first line.
        if self.parser.get_http_version() not in ("1.0", "1.1"):
            raise ValueError
        headers = dict(self.headers)
        length = headers.get(b"content-length", b"0")
        if len(length) > _MAX_LENGTH_DIGITS:
            raise ValueError
        self._remaining = int(length)
        self._chunked = b"transfer-encoding" in headers
        if self._chunked and self._is_coded:
            raise ValueError
        super().on_headers_complete()
        self._in_body = True
        self._head_bytes = 0
        # Trailers must not become headers of the request.
        self.headers = []
        self._keep_alive = self.cycle.keep_alive
        if self._chunked or self._remaining > _SHORT_BODY or self.expect_100_continue:
            # Do not receive a long body in vain: an answer that comes before it closes the
            # connection. After Expect, a client may send its body or leave it out.
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        super().on_body(body)
        self._remaining -= len(body)
        self._head_bytes = 0

    def on_message_complete(self) -> None:
        """End the request."""
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        self._in_body = False
        self._head_bytes = 0
        if not self.cycle.response_started:
            self.cycle.keep_alive = self._keep_alive

    def on_response_complete(self) -> None:
        """Go on with what the client has sent since."""
        super().on_response_complete()
        self._since = self.loop.time()
        if self._position < len(self._data) and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._parse()
        if self._half_closed and not self._answering:
            self.close()
        elif self._stopping:
            self.shutdown()

    def shutdown(self) -> None:
        """Close the connection after the current request, or the one that may be on its way."""
        self._stopping = True
        self.ask_to_close()
        if not self.busy:
            self.loop.call_later(_QUIET_SECONDS, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if not self.busy:
            self.close()

    def ask_to_close(self) -> None:
        """Close the connection with the answer to the current request, if it has not begun."""
        self._keep_alive = False
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def close(self) -> None:
        """Close the connection; let a client that is still sending read the answer first."""
        if self._closing or self._transport.is_closing():
            return
        if self._in_body or self._position < len(self._data):
            self._linger()
        else:
            self._transport.close()

    def _linger(self) -> None:
        self._closing = True
        self._transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(_LINGER_SECONDS, self._transport.close)

    def is_closing(self) -> bool:
        """Whether the connection takes no more requests."""
        return self._closing or self._transport.is_closing()

    def check_time(self, now: float) -> None:
        """Enforce the time limits; to be called once a second."""
        unsent = self._transport.get_write_buffer_size()
        if not unsent or unsent < self._unsent:
            self._written = now
        self._unsent = unsent
        waited = now - self._since
        if now - self._written > self._settings.answer_timeout:
            self._transport.abort()
        elif self.is_closing():
            return
        elif self._answering:
            if self._half_closed:
                self._probe(waited)
        elif waited > (seconds := self._settings.body_timeout):
            if self._head_begun and not self._in_body:
                self._refuse(f"The head of the request was not complete after {seconds:g} s.")
            elif self.cycle is None or (self._in_body and self.cycle.response_complete):
                self._transport.close()

    def _probe(self, waited: float) -> None:
        """Abort the connection if a client that sends no more has closed it.

        A closed and a half-closed connection look the same until something is sent: only the
        closed one is then reset.
        """
        socket_ = self._transport.get_extra_info("socket")
        if socket_.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._transport.abort()
        elif waited > _PROBE_SECONDS and not (self._probed or self.cycle.response_started):
            self._probed = True
            if self.cycle.scope["http_version"] != "1.0":
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _refuse(self, reason: str) -> None:
        """Answer 400, if what was received is not part of a request that has an answer."""
        if self._closing:
            return
        self.logger.warning(reason)
        if self._in_body:
            # It belongs to a request whose answer may have begun.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self._closing = True
                self._transport.close()
                return
        self._transport.write(self._problem(BadRequest(reason)))
        self._linger()

    def _problem(self, error: BadRequest) -> bytes:
        """Return the response to something that is no request; count and log it."""
        request_id = uuid.uuid4().hex
        response = write_problem(_UNKNOWN, error, request_id)
        self.app_state["metrics"].rejected.labels(error.slug).inc()
        scope: Scope = {"method": _UNKNOWN, "path": _UNKNOWN, "client": self.client}
        scope["state"] = {"log_fields": {"request_id": request_id}}
        log_request(scope, response.status_code, 0.0, len(response.body))
        headers = [
            *self.server_state.default_headers,
            *response.raw_headers,
            *headers_for(_UNKNOWN),
            (b"x-request-id", request_id.encode()),
        ]
        head = b"".join(b"%b: %b\r\n" % header for header in headers)
        return b"%b%b\r\n%b" % (STATUS_LINE[response.status_code], head, bytes(response.body))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401
        if cycle.scope["http_version"] == "1.0":
            app = _without_chunks(app, cycle)
        super()._start_asgi_task(cycle, app)


class _LingeringTransport:
    """The transport as uvicorn sees it: it closes so that the client can read the answer."""

    def __init__(self, protocol: HttpProtocol, transport: asyncio.Transport) -> None:
        self.write = transport.write
        self.close = protocol.close
        self.is_closing = protocol.is_closing


def _without_chunks(app: ASGIApp, cycle: RequestResponseCycle) -> ASGIApp:
    """Send an answer of unknown length as HTTP/1.0 does: up to the end of the connection."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        unknown_length = False

        async def send_without_chunks(message: Message) -> None:
            nonlocal unknown_length
            if message["type"] == "http.response.start":
                unknown_length = b"content-length" not in dict(message["headers"])
                if unknown_length:
                    cycle.chunked_encoding = False
            elif unknown_length:
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await app(scope, receive, send_without_chunks)

    return run
