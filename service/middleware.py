"""What happens to every request: an id, a limit on its body, a line in the log."""

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.errors import BodyTooLarge
from service.api.problem_answers import REQUEST_ID_HEADER

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

_access_log = logging.getLogger("service.access")


class RequestId:
    """Gives every request an id, the caller's if it is sane, and sends it back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note the id in the scope's state and set the response's header."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        offered = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        request_id = offered if _SANE_REQUEST_ID.fullmatch(offered) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            await send(message)

        await self.app(scope, receive, send_with_id)


class AccessLog:
    """Writes a line per request: who, what, how long; never what was in it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Time the request and log it once it is answered."""
        if scope["type"] != "http" or not _access_log.isEnabledFor(logging.INFO):
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            request_id = scope["state"]["request_id"]
            _access_log.info(
                "%s %s %d %.1f ms %s",
                scope["method"],
                scope["path"],
                status,
                (time.perf_counter() - started) * 1000,
                request_id,
                extra={"request_id": request_id},
            )


class BodyLimit:
    """Stops reading a body once it is, or says that it will be, larger than the limit."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on the body as long as it keeps to the limit."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        received = int(announced) if announced.isdecimal() else 0
        # The announcement stands for the whole body: what then arrives is not counted again.
        counts = not received

        async def receive_within_limit() -> Message:
            nonlocal received
            if received > self.max_bytes:
                raise self._too_large()
            message = await receive()
            if counts:
                received += len(message.get("body", b""))
                if received > self.max_bytes:
                    raise self._too_large()
            return message

        await self.app(scope, receive_within_limit, send)

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(
            f"the body has more than {self.max_bytes} bytes; send a smaller picture or batch"
        )


class HeadAsGet:
    """Answers HEAD like GET, without the body (RFC 9110, section 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on everything, HEAD as GET."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            # The server sees its own scope and leaves the body out.
            scope = {**scope, "method": "GET"}
        await self.app(scope, receive, send)
