"""Bounds on request bodies: the size of each, the time it takes, and what all of them hold."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.errors import BodyTooLarge, BodyTooSlow, TooManyBodies


class BodyLimits:
    """Stops receiving a body that is too large, too slow, or too much beside all the others.

    A body counts from its first byte until its request is answered. One that is alone is received
    whatever `max_total_bytes` says, as it would never fit.
    """

    def __init__(
        self, app: ASGIApp, *, max_bytes: int, max_total_bytes: int, seconds: float
    ) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.max_total_bytes = max_total_bytes
        self.seconds = seconds
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on the body as long as it keeps to the limits."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        expected = int(announced) if announced.isdecimal() else 0
        deadline = asyncio.get_running_loop().time() + self.seconds
        received, complete = 0, False

        async def receive_within_limits() -> Message:
            nonlocal received, complete
            if complete:
                # What follows a body is the caller's leaving, which has all the time there is.
                return await receive()
            self._check_size(expected)
            message = await self._receive_until(deadline, receive)
            complete = not message.get("more_body", False)
            size = len(message.get("body", b""))
            received += size
            self._held += size
            self._check_size(received)
            self._check_total(received)
            return message

        try:
            await self.app(scope, receive_within_limits, send)
        finally:
            self._held -= received

    async def _receive_until(self, deadline: float, receive: Receive) -> Message:
        try:
            async with asyncio.timeout_at(deadline):
                return await receive()
        except TimeoutError as error:
            raise BodyTooSlow(
                f"the body was not complete after {self.seconds:g} s; send it faster, or in"
                " smaller batches"
            ) from error

    def _check_size(self, size: int) -> None:
        if size > self.max_bytes:
            raise BodyTooLarge(
                f"the body has more than {self.max_bytes} bytes; send a smaller picture or batch"
            )

    def _check_total(self, size: int) -> None:
        if self._held > max(size, self.max_total_bytes):
            raise TooManyBodies(
                f"the requests in work hold more than {self.max_total_bytes} bytes; send it again"
                " in a moment"
            )
