"""What happens to every request: an id, a line in the log, an answer even in the end."""

import logging
import re
import time
import uuid
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                scope["state"]["answering"] = True
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            if _access_log.isEnabledFor(logging.INFO):
                _log_request(scope, status, time.perf_counter() - started)


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


def _log_request(scope: Scope, status: int, seconds: float) -> None:
    request_id = scope["state"]["request_id"]
    _access_log.info(
        "%s %s %d %.1f ms %s",
        scope["method"],
        # Decoded, a path may hold line breaks, and with them lines that no one logged.
        quote(scope["path"]),
        status,
        seconds * 1000,
        request_id,
        extra={"request_id": request_id},
    )
