"""The application in a replica of Ray Serve, which is no HTTP server."""

import asyncio
import logging
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
        gone = asyncio.Event()
        scope = {**scope, "state": dict(self.state)}
        request = asyncio.ensure_future(
            self._app(scope, _until_gone(receive, gone), self._farewell(send))
        )
        try:
            await asyncio.shield(request)
        except asyncio.CancelledError:
            gone.set()
            await asyncio.wait([request])
            raise

    def _farewell(self, send: Send) -> Send:
        async def send_and_close(message: Message) -> None:
            if message["type"] == "http.response.start" and self._lifecycle.draining:
                message = {**message, "headers": [*message.get("headers", ()), _CLOSE]}
            await send(message)

        return send_and_close


def _until_gone(receive: Receive, gone: asyncio.Event) -> Receive:
    async def receive_or_disconnect() -> Message:
        leaving = asyncio.ensure_future(gone.wait())
        receiving = asyncio.ensure_future(receive())
        try:
            await asyncio.wait([leaving, receiving], return_when=asyncio.FIRST_COMPLETED)
            if receiving.done() and not gone.is_set():
                return receiving.result()
        except Exception as error:
            # The proxy, which has the rest of the body, forgets clients that disconnect. Which
            # error of Ray's that is depends on what the proxy was doing.
            _log.info("the rest of a body is not available: %r", error)
        finally:
            leaving.cancel()
            receiving.cancel()
        return {"type": "http.disconnect"}

    return receive_or_disconnect
