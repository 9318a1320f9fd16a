"""What is noted of every request: its id and trace, a count, a time, a line in the log."""

import logging
import re
from random import getrandbits
from time import perf_counter
from urllib.parse import quote

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from service.api.security_headers import headers_for
from service.logs import ACCESS_LOGGER
from service.metrics import Metrics
from service.paths import PathTemplates
from service.tracing import trace_fields

_HEADER = b"x-request-id"
_SANE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")

# Its level says whether requests are logged; the lines themselves take structlog's short way.
_access_level = logging.getLogger(ACCESS_LOGGER)
_access_log = structlog.get_logger()


class Observe:
    """Gives a request its id, counts and times it, and writes a line: never what was in it.

    The id is the caller's, if it is sane, and goes back with the answer. Every line that is
    written in the course of the request carries it, and the trace that the request belongs to.
    Every answer leaves with the security headers of its path.
    """

    def __init__(
        self, app: ASGIApp, *, metrics: Metrics, paths: PathTemplates, traced: bool = False
    ) -> None:
        self.app = app
        self.metrics = metrics
        self.paths = paths
        self.traced = traced

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on the request, then note what became of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        metrics = self.metrics
        metrics.in_flight += 1
        offered = traceparent = b""
        for name, value in scope["headers"]:
            if name == _HEADER:
                offered = value
            elif name == b"traceparent":
                traceparent = value
        if _SANE_REQUEST_ID.fullmatch(offered):
            request_id = offered.decode()
        else:
            request_id = f"{getrandbits(128):032x}"
        header = (_HEADER, request_id.encode())
        bind_contextvars(request_id=request_id)
        if self.traced or traceparent:
            bind_contextvars(**trace_fields(traceparent.decode("latin-1")))
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["metrics"] = metrics
        added = (header, *headers_for(scope["path"]))
        status, size = 500, 0

        async def send_and_note(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                state["answering"] = True
                # A copy: whoever sends it may send it again.
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            seconds = perf_counter() - started
            metrics.in_flight -= 1
            metrics.request(scope["method"], self.paths.of(scope["path"]), status, seconds)
            if _access_level.isEnabledFor(logging.INFO):
                write_line(scope, status, seconds, size)


def write_line(scope: Scope, status: int, seconds: float, size: int) -> None:
    """Write the line of a request that was answered."""
    client = scope.get("client")
    _access_log.info(
        "request",
        logger=ACCESS_LOGGER,
        method=scope["method"],
        # Decoded, a path may hold line breaks, and with them lines that no one logged.
        path=quote(scope["path"]),
        status=status,
        milliseconds=round(seconds * 1000, 3),
        # The server leaves the body out.
        bytes=0 if scope["method"] == "HEAD" else size,
        client=client[0] if client else None,
        **scope["state"].get("log_fields", {}),
    )
