"""ASGI middleware around every request: its context, its API key, the limits of its body."""

import asyncio
import logging
import re
from collections.abc import Callable
from random import getrandbits
from time import perf_counter
from typing import cast
from urllib.parse import quote

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from service.api.problems import problem_response
from service.api.security import headers_for, role_for
from service.auth.api_keys import ApiKeys, Authenticator, Role, key_from
from service.errors import (
    BodyTooLarge,
    BodyTooSlow,
    KeyRequired,
    NumeralError,
    RoleRequired,
    Stopping,
)
from service.logs import ACCESS_LOGGER
from service.memory import MemoryBudget
from service.metrics import Metrics
from service.tracing import trace_fields

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_REQUEST_ID_HEADER = b"x-request-id"

_access_level = logging.getLogger(ACCESS_LOGGER)
_access_log = structlog.get_logger()

# Few requests run longer; only for those it is worth watching whether the client is still there.
_WATCH_AFTER_SECONDS = 0.05

# More digits than any length has. `int` refuses a few thousand of them.
_MAX_LENGTH_DIGITS = 18


class RequestContext:
    """Give a request its id, its log line, its metrics and the headers of its response.

    The id is the caller's if it is well-formed. Every log line of the request carries it, with the
    trace that the caller or the service started.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, route_of: Callable[[str], str]) -> None:
        self.app = app
        self.metrics = metrics
        self.route_of = route_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request, then count and log it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        metrics = self.metrics
        metrics.in_flight += 1
        given = traceparent = b""
        for name, value in scope["headers"]:
            if name == _REQUEST_ID_HEADER:
                given = value
            elif name == b"traceparent":
                traceparent = value
        request_id = given.decode() if _REQUEST_ID.fullmatch(given) else f"{getrandbits(128):032x}"
        bind_contextvars(request_id=request_id, **trace_fields(traceparent.decode("latin-1")))
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["metrics"] = metrics
        state["response_started"] = False
        added = ((_REQUEST_ID_HEADER, request_id.encode()), *headers_for(scope["path"]))
        status, size = 500, 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                state["response_started"] = True
                # A copy: the sender may send the same message again.
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            else:
                size += len(message.get("body", b""))
            await send(message)

        # HEAD is answered like GET; the server, which sees its own scope, omits the body.
        is_head = scope["method"] == "HEAD"
        try:
            await self.app(
                {**scope, "method": "GET"} if is_head else scope, receive, send_with_headers
            )
        finally:
            seconds = perf_counter() - started
            metrics.in_flight -= 1
            metrics.request(scope["method"], self.route_of(scope["path"]), status, seconds)
            if _access_level.isEnabledFor(logging.INFO):
                log_request(scope, status, seconds, 0 if is_head else size)


def log_request(scope: Scope, status: int, seconds: float, size: int) -> None:
    """Write the log line of an answered request."""
    client = scope.get("client")
    _access_log.info(
        "request",
        logger=ACCESS_LOGGER,
        method=scope["method"],
        # Quoted, as a decoded path may hold line breaks and so forge log lines.
        path=quote(scope["path"]),
        status=status,
        milliseconds=round(seconds * 1000, 3),
        bytes=size,
        client=client[0] if client else None,
        **scope["state"].get("log_fields", {}),
    )


class Authentication:
    """Require an API key with the role of the path, before the body is read.

    The caller is in `scope["state"]["caller"]` from then on. Its quota is charged for one image;
    `service.api.dependencies.charge` charges the others.
    """

    def __init__(self, app: ASGIApp, *, api_keys: ApiKeys) -> None:
        self.app = app
        self._authenticator = Authenticator(api_keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on an authorised request, or answer with what is missing."""
        if scope["type"] == "http" and (role := role_for(scope["path"])):
            try:
                self._authenticate(scope, role)
            except NumeralError as error:
                await _send_problem(scope, receive, send, error)
                return
        await self.app(scope, receive, send)

    def _authenticate(self, scope: Scope, role: Role) -> None:
        key = key_from(scope["headers"])
        if key is None:
            raise KeyRequired(
                "send an API key, as Authorization: Bearer <key> or as X-API-Key: <key>"
            )
        caller = self._authenticator.find(key)
        if caller is None:
            raise KeyRequired("unknown API key; check it, or ask the service's operator for one")
        state = scope["state"]
        state["caller"] = caller
        state["log_fields"] = {"caller": caller.name}
        if not caller.has(role):
            raise RoleRequired(
                f"key {caller.name!r} lacks the role {role}; ask the service's operator for a key"
                " that has it"
            )
        if caller.meter is not None:
            caller.meter.charge(1)
            state["prepaid_images"] = 1


class BodyLimit:
    """Bound the body of each request in size and time, and of all requests in bytes.

    A body is read as a whole when it is first asked for, and counts until the response is sent. A
    stream has no end: `service.api.stream` bounds its lines. A request whose client disconnects is
    cancelled; one that the server cancels, or that fails, is answered with a problem.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_bytes: int,
        memory: MemoryBudget,
        seconds: float,
        is_streamed: Callable[[Scope], bool],
    ) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.memory = memory
        self.seconds = seconds
        self.is_streamed = is_streamed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request with its body within the limits."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(self, scope, receive)
        error: Exception
        try:
            await self.app(scope, receive if self.is_streamed(scope) else body.receive, send)
        except asyncio.CancelledError:
            if body.client_gone:
                body.task.uncancel()
                error = ClientDisconnect()
            elif scope["state"]["response_started"]:
                raise
            else:
                # The server's task ends with this response, so the cancellation may end here.
                error = Stopping("the service is stopping and gave the request up; send it again")
        except Exception as failure:
            if scope["state"]["response_started"]:
                raise
            error = failure
        else:
            return
        finally:
            body.close()
        await _send_problem(scope, receive, send, error)


class _Body:
    """The body of one request, and whether its client is still there."""

    def __init__(self, limits: BodyLimit, scope: Scope, receive: Receive) -> None:
        self.client_gone = False
        self.task = cast("asyncio.Task[object]", asyncio.current_task())
        self._limits = limits
        self._scope = scope
        self._receive = receive
        self._read = False
        self._share = limits.memory.share()
        self._timer: asyncio.TimerHandle | None = None
        self._watch: asyncio.Task[None] | None = None

    async def receive(self) -> Message:
        """Return the whole body as one message, then whatever the server sends."""
        if self._read:
            return await self._receive()
        self._check_announced()
        try:
            async with asyncio.timeout(self._limits.seconds):
                body = await self._read_all()
        except TimeoutError as error:
            raise BodyTooSlow(
                f"the body was not complete after {self._limits.seconds:g} s; send it faster, or in"
                " smaller batches"
            ) from error
        self._read = True
        self._timer = asyncio.get_running_loop().call_later(_WATCH_AFTER_SECONDS, self._start_watch)
        return {"type": "http.request", "body": body, "more_body": False}

    def close(self) -> None:
        """Release the body and stop watching the client."""
        self._share.close()
        if self._timer:
            self._timer.cancel()
        if self._watch:
            self._watch.cancel()

    async def _read_all(self) -> bytes:
        chunks = []
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunk = message.get("body", b"")
            self._share.add(len(chunk))
            if self._share.size > self._limits.max_bytes:
                raise self._too_large()
            self._share.check()
            chunks.append(chunk)
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _check_announced(self) -> None:
        announced = dict(self._scope["headers"]).get(b"content-length", b"")
        if announced.isdigit() and (
            len(announced) > _MAX_LENGTH_DIGITS or int(announced) > self._limits.max_bytes
        ):
            raise self._too_large()

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(
            f"the body has more than {self._limits.max_bytes} bytes; send a smaller picture or"
            " batch"
        )

    def _start_watch(self) -> None:
        self._watch = self.task.get_loop().create_task(self._wait_for_disconnect())

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self._scope["state"]["response_started"]:
            self.client_gone = True
            self.task.cancel()


async def _send_problem(scope: Scope, receive: Receive, send: Send, error: Exception) -> None:
    response = await problem_response(Request(scope), error)
    await response(scope, receive, send)
