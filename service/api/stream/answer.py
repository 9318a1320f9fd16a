"""The answer to a stream: each line is sent when it is there, and the last says what went wrong."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.api.batch_answer import write_end
from service.api.held import HeldBytes
from service.api.negotiation import NDJSON
from service.api.problems import known
from service.api.stream.limits import Streams
from service.api.stream.outbox import Outbox
from service.api.stream.parts import Parts
from service.api.stream.work import Note, Read, Work, cancelled
from service.errors import InternalError, Stopping

# After a failure the rest of the body is let in for so long. If the connection were closed at once,
# the caller's system could drop the last lines unread.
_LINGER_SECONDS = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """What all streams of the process share.

    Attributes:
        streams: those that are being answered.
        held: what all bodies hold.
        max_waiting: most bytes of a stream's answers that wait for its caller.
        seconds: that a caller may take none of them.
    """

    streams: Streams
    held: HeldBytes
    max_waiting: int
    seconds: float


class StreamedAnswer(Response):
    """A line for each image, in order, as NDJSON.

    One that is cut short has a last line that says why, and no end that HTTP knows of, so that the
    caller's client sees that it is not whole.
    """

    def __init__(
        self,
        desk: Desk,
        read: Read,
        parts: Parts,
        request_id: str,
        *,
        charge: Callable[[int], None] = lambda _: None,
        note: Note = lambda *_, **__: None,
    ) -> None:
        """Answer `parts`, each of which is charged with its number of images before it is read.

        What was read of it is told to `note`.
        """
        super().__init__(media_type=NDJSON)
        del self.headers["content-length"]
        self._desk = desk
        self._read = read
        self._parts = parts
        self._request_id = request_id
        self._charge = charge
        self._note_read = note

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer. What goes wrong before the first line is raised, later it is the last line.

        Raises:
            TooManyStreams: there is no room for another.
            Exception: whatever the parts or the engine raise.
        """
        desk, way_out = self._desk, _WayOut(self, send, self._desk.seconds)
        with contextlib.ExitStack() as stack:
            stack.enter_context(desk.streams.one())
            holding = stack.enter_context(desk.held.holding())
            outbox = stack.enter_context(contextlib.closing(Outbox(max_bytes=desk.max_waiting)))
            work = Work(
                self._read, outbox, holding, self._request_id, self._charge, self._note_read
            )
            working = asyncio.create_task(work.run(self._parts, receive))
            try:
                await way_out.send_all(outbox)
            except asyncio.CancelledError:
                working.cancel()
                if not way_out.begun:
                    raise
                # The server's task ends with this line, so nobody misses the cancellation. It goes
                # at once: the event loop that stops waits for nothing else.
                stopping = Stopping("the service stops; send the rest again")
                self._note(stopping)
                await way_out.send(write_end(stopping, self._request_id))
            except Exception as error:
                await cancelled([working])
                if not way_out.begun:
                    raise
                self._note(error)
                if not isinstance(error, ClientDisconnect | _NothingTaken):
                    await way_out.send(write_end(error, self._request_id))
                    if work.more_comes:
                        await _let_in_the_rest(receive)
            else:
                await cancelled([working])

    def _note(self, error: Exception) -> None:
        foreseen = isinstance(error, _NothingTaken) or not isinstance(known(error), InternalError)
        _log.warning(
            "request %s: its stream was cut short: %r",
            self._request_id,
            error,
            exc_info=None if foreseen else error,
        )


async def _let_in_the_rest(receive: Receive) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while (await receive()).get("more_body"):
                pass


class _NothingTaken(Exception):
    """The caller takes no answers."""


class _WayOut:
    """Sends lines; with the first of them the response begins."""

    def __init__(self, response: Response, send: Send, seconds: float) -> None:
        self.begun = False
        self._response = response
        self._send = send
        self._seconds = seconds

    async def send_all(self, outbox: Outbox) -> None:
        lines = await outbox.take()
        self.begun = True
        await self._send(
            {
                "type": "http.response.start",
                "status": self._response.status_code,
                "headers": self._response.raw_headers,
            }
        )
        while lines:
            await self.send(lines)
            lines = await outbox.take()
        await self.send(b"", more=False)

    async def send(self, lines: bytes, *, more: bool = True) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await self._send({"type": "http.response.body", "body": lines, "more_body": more})
        except TimeoutError as error:
            raise _NothingTaken(f"no answer was taken for {self._seconds:g} s") from error
