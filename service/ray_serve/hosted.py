"""The application in a replica of Ray Serve, which is no HTTP server."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.departure import offer_departure
from service.lifecycle import Lifecycle

_log = logging.getLogger(__name__)

_CLOSE = (b"connection", b"close")


class Hosted:
    """Does for `app` what its own server does and Ray Serve does not.

    Requests find what the lifespan handed over. A cancellation, or an error of Ray's in the middle
    of the body, is what Ray Serve makes of a caller who has gone: the request is told so, and ends
    in its own way. While the service drains, answers ask the caller to close the connection.
    """

    def __init__(self, app: ASGIApp, lifecycle: Lifecycle) -> None:
        self._app = app
        self._lifecycle = lifecycle
        self.state: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on the lifespan, or a request."""
        if scope["type"] != "http":
            await self._app({**scope, "state": self.state}, receive, send)
            return
        departure = _Departure()
        scope = {**scope, "state": dict(self.state)}
        offer_departure(scope, departure.tell)
        request = asyncio.ensure_future(
            self._app(scope, _until_gone(receive), self._farewell(send))
        )
        try:
            await asyncio.shield(request)
        except asyncio.CancelledError:
            departure.happen()
            await asyncio.wait([request])
            raise

    def _farewell(self, send: Send) -> Send:
        async def send_and_close(message: Message) -> None:
            if message["type"] == "http.response.start" and self._lifecycle.draining:
                message = {**message, "headers": [*message.get("headers", ()), _CLOSE]}
            await send(message)

        return send_and_close


def _until_gone(receive: Receive) -> Receive:
    async def receive_or_learn() -> Message:
        try:
            return await receive()
        except Exception as error:
            # The proxy, which had the rest of the body, forgets those who have gone. Which error
            # of Ray's that is depends on what the proxy was doing.
            _log.info("the rest of a body cannot be had: %r", error)
            return {"type": "http.disconnect"}

    return receive_or_learn


class _Departure:
    def __init__(self) -> None:
        self._callbacks: list[Callable[[], object]] = []
        self._happened = False

    def tell(self, callback: Callable[[], object]) -> None:
        if self._happened:
            callback()
        else:
            self._callbacks.append(callback)

    def happen(self) -> None:
        self._happened = True
        for callback in self._callbacks:
            callback()
