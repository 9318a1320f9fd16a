"""Closing a connection whose caller still sends, so that it sees what it was answered."""

import asyncio
from typing import cast

from starlette.types import Message, Scope
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from service.api.headers import header

# For the caller to notice the answer. Closed at once, a connection on which more arrives is reset,
# and a reset may overtake the answer.
_SECONDS = 2.0
_MOST_BYTES = 32 * 1024 * 1024

# A rest as short as this is taken sooner than a new connection is made.
_SHORT_BODY = 64 * 1024


class Parting(asyncio.Protocol):
    """Takes over a connection on which everything is said, and lets its caller finish for a while.

    The caller sees the end of what it is sent; what it goes on sending is dropped.
    """

    def __init__(self, connection: asyncio.Protocol, transport: asyncio.Transport) -> None:
        self._connection = connection
        self._transport = transport
        self._bytes = 0
        self._timer = asyncio.get_running_loop().call_later(_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        """Drop `data`."""
        self._bytes += len(data)
        if self._bytes > _MOST_BYTES:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the connection end as it would have."""
        self._timer.cancel()
        self._connection.connection_lost(exc)


def part(connection: asyncio.Protocol, transport: asyncio.Transport) -> None:
    """Close `transport`, of `connection`, once its caller has had the time to see what was sent."""
    if transport.is_closing():
        return
    transport.set_protocol(Parting(connection, transport))
    transport.write_eof()
    transport.resume_reading()


class EarlyAnswers:
    """What a request whose body is still arriving is answered through, in its transport's place.

    An error that comes before a long body is there closes the connection, and so does every answer
    that is complete by then: nobody is to send on for nothing.
    """

    def __init__(
        self,
        connection: asyncio.Protocol,
        transport: asyncio.Transport,
        cycle: RequestResponseCycle,
    ) -> None:
        self._connection = connection
        self._transport = transport
        self._cycle = cycle
        self._send = cycle.send
        cycle.transport = self  # type: ignore[assignment]
        cycle.send = self._send_early  # type: ignore[method-assign,assignment]

    def write(self, data: bytes) -> None:
        """Send `data`."""
        self._transport.write(data)

    def is_closing(self) -> bool:
        """Whether the connection closes."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Close the connection, at once if nothing more is to come."""
        if self._cycle.more_body:
            part(self._connection, self._transport)
        else:
            self._transport.close()

    async def _send_early(self, message: Message) -> None:
        is_last = message["type"] == "http.response.body" and not message.get("more_body", False)
        if (is_last or message.get("status", 0) >= 400) and self._is_in_vain():
            self._cycle.keep_alive = False
        await self._send(message)  # type: ignore[arg-type]

    def _is_in_vain(self) -> bool:
        cycle = self._cycle
        if not cycle.more_body:
            return False
        if cycle.waiting_for_100_continue:
            # It may leave out a body that nobody has asked for, or send it nevertheless.
            return True
        announced = header(cast(Scope, cycle.scope), b"content-length")
        return not announced.isdecimal() or int(announced) > _SHORT_BODY
