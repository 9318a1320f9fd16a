"""What a caller may ask of the service: bodies within bounds, and no work once it has gone."""

import asyncio
from typing import cast

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.headers import header
from service.api.held import HeldBytes, Holding
from service.api.negotiation import is_streamed
from service.api.problems import problem_response
from service.departure import on_departure_of
from service.errors import BodyTooLarge, BodyTooSlow, Stopping
from service.expiry import Expiry

# Most requests are answered sooner; only of the others is it worth knowing who still waits.
_PATIENCE_SECONDS = 0.05


class Exchanges:
    """Bounds request bodies: the size of each, the time it takes, and what all of them hold.

    A body counts from its first byte until its request is answered. A stream of images may go on
    for ever: it is bounded piece by piece where it is read, by `service.api.stream`. A request is
    given up when its caller closes the connection before the answer begins, and answered with a
    problem when the service stops before that.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, held: HeldBytes, seconds: float) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.held = held
        self.seconds = seconds
        self.patience = Expiry(min(_PATIENCE_SECONDS, seconds))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on the request with what it may receive."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(self, scope, receive)
        try:
            await self.app(scope, exchange.receive, send)
        except asyncio.CancelledError:
            # The server's task ends with this answer, so nobody misses a cancellation.
            await exchange.give_up(send)
        finally:
            exchange.end()


class _Exchange:
    """One request, as far as it has come.

    Attributes:
        receive: its messages, if the body keeps to the limits.
    """

    __slots__ = (
        *("_announced", "_complete", "_gone", "_impatient", "_key", "_late", "_limits"),
        *("_receive", "_receiving", "_held", "_scope", "_streamed", "_task", "_timer", "_watch"),
    )

    def __init__(self, limits: Exchanges, scope: Scope, receive: Receive) -> None:
        announced = header(scope, b"content-length")
        self._announced = int(announced) if announced.isdecimal() else 0
        self._limits = limits
        self._scope = scope
        self._receive = receive
        self._held = Holding(limits.held)
        self._receiving = self._late = self._impatient = self._gone = False
        self._complete = False
        self._streamed = is_streamed(scope)
        self._task = cast("asyncio.Task[object]", asyncio.current_task())
        self._timer: asyncio.TimerHandle | None = None
        self._watch: asyncio.Task[None] | None = None
        self._key = limits.patience.start(self._lose_patience)

    async def receive(self) -> Message:
        """The next message.

        Raises:
            BodyTooLarge, BodyTooSlow, TooManyBodies: the body breaks a limit.
        """
        if self._complete or self._streamed:
            # What follows a body is the caller's leaving, which has all the time there is.
            return await self._receive()
        self._check_size(self._announced)
        message = await self._receive_in_time()
        self._held.add(len(message.get("body", b"")))
        self._check_size(self._held.size)
        self._held.check()
        if not message.get("more_body", False):
            self._complete = True
            if self._impatient:
                self._watch_caller()
        return message

    async def give_up(self, send: Send) -> None:
        """Answer in place of what was cancelled, if an answer can still be given.

        Raises:
            CancelledError: it cannot.
        """
        error: Exception
        if self._gone:
            self._task.uncancel()
            error = ClientDisconnect()
        elif self._scope["state"].get("answering"):
            raise asyncio.CancelledError
        else:
            error = Stopping("the service stops and gave the request up; send it again")
        response = await problem_response(Request(self._scope), error)
        await response(self._scope, self._receive, send)

    def end(self) -> None:
        """The request is answered."""
        self._limits.patience.stop(self._key)
        self._held.close()
        if self._timer:
            self._timer.cancel()
        if self._watch:
            self._watch.cancel()

    async def _receive_in_time(self) -> Message:
        self._receiving = True
        try:
            if not self._late:
                return await self._receive()
        except asyncio.CancelledError:
            if not self._late or self._task.uncancel():
                raise
        finally:
            self._receiving = False
        raise BodyTooSlow(
            f"the body was not complete after {self._limits.seconds:g} s; send it faster, or in"
            " smaller batches"
        )

    def _lose_patience(self) -> None:
        if self._streamed:
            return
        self._impatient = True
        if self._complete:
            self._watch_caller()
        else:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._limits.seconds, self._stop_receiving)

    def _stop_receiving(self) -> None:
        self._late = True
        if self._receiving:
            self._task.cancel()

    def _watch_caller(self) -> None:
        if on_departure := on_departure_of(self._scope):
            on_departure(self._caller_has_gone)
        else:
            self._watch = asyncio.get_running_loop().create_task(self._wait_for_disconnect())

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._caller_has_gone()

    def _caller_has_gone(self) -> None:
        if not self._scope["state"].get("answering"):
            self._gone = True
            self._task.cancel()

    def _check_size(self, size: int) -> None:
        if size > self._limits.max_bytes:
            raise BodyTooLarge(
                f"the body has more than {self._limits.max_bytes} bytes; send a smaller picture or"
                " batch"
            )
