"""Batches of any length: read and answered line by line, in bounded memory.

A task receives the body and starts to read its images, chunk by chunk; the request itself sends the
answers in order. A client that takes no answers is not read any more.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, NamedTuple

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from service.api.bodies import run_parser
from service.api.formats import Item, Line, LineSplitter, parse_line
from service.api.negotiation import NDJSON
from service.api.problems import known
from service.api.responses import error_line
from service.errors import BodyTooSlow, InternalError, Stopping, TooManyStreams
from service.memory import MemoryBudget, MemoryShare
from service.settings import Settings

# Chunks that are read at once: one is parsed and decoded while the model reads another.
_MAX_CHUNKS = 4
# A chunk of long lines is read before it has all the images that it may have.
_CHUNK_BYTES = 256 * 1024

# After an error the rest of the body is received for so long: closing at once could reset the
# connection before the client has read the last lines.
_LINGER_SECONDS = 2.0

_log = logging.getLogger(__name__)


class Chunk(NamedTuple):
    """Images of a stream that are read together: items, or lines that hold `size` bytes."""

    first: int
    images: Sequence[Item | Line]
    size: int


# Reads the images of a chunk, given the index of the first, and returns their answers as NDJSON.
Answer = Callable[[Sequence[Item], int], Awaitable[bytes]]


class Streams:
    """The open streams of the process, and the limits of each."""

    def __init__(self, settings: Settings, memory: MemoryBudget) -> None:
        self.settings = settings
        self.memory = memory  # of the bodies of all requests
        self._open = 0

    @contextlib.contextmanager
    def open(self) -> Iterator[MemoryShare]:
        """Count one stream, and what it holds, while the block lasts.

        Raises:
            TooManyStreams: the limit is reached.
        """
        if self._open >= self.settings.max_streams:
            raise TooManyStreams(f"{self._open} streams are open, which is the limit; retry later")
        self._open += 1
        try:
            with contextlib.closing(self.memory.share()) as share:
                yield share
        finally:
            self._open -= 1


class StreamedAnswer(Response):
    """A line for each image, in order, as NDJSON.

    An error before the first line is raised. A later one is the last line, and the response has no
    regular end, so that the HTTP client notices that it is incomplete.
    """

    def __init__(
        self,
        streams: Streams,
        answer: Answer,
        request_id: str,
        *,
        chunk_size: int,
        items: Sequence[Item] | None = None,
        charge: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Answer `items`, or the lines of the body, up to `chunk_size` at once.

        `charge` is called with the number of images in a chunk before they are read.
        """
        super().__init__(media_type=NDJSON)
        del self.headers["content-length"]
        self._streams = streams
        self._answer = answer
        self._request_id = request_id
        self._chunk_size = chunk_size
        self._items = items
        self._charge = charge
        self._started = self._more_body = False
        # Tasks that return the answers to the chunks, in order, then None.
        self._answers: asyncio.Queue[asyncio.Task[bytes] | None] = asyncio.Queue()
        self._reading = 0  # chunks
        self._waiting = 0  # bytes of answers that were not sent
        self._has_space = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request.

        Raises:
            TooManyStreams: too many streams are open.
            Exception: what went wrong before the first line.
        """
        with self._streams.open() as memory:
            producing = asyncio.create_task(self._produce(receive, memory))
            try:
                await self._send_all(producing, memory, send)
            except asyncio.CancelledError:
                if not self._started:
                    raise
                # The server's task ends with this line, so the cancellation may end here.
                await self._send_error(
                    Stopping("the service is stopping; send the rest again"), send
                )
            except Exception as error:
                if not self._started:
                    raise
                await _cancel(producing)
                await self._send_error(error, send)
                if self._more_body and not isinstance(error, ClientDisconnect):
                    await _discard_body(receive)
            finally:
                await _cancel(producing)
                while not self._answers.empty():
                    if reading := self._answers.get_nowait():
                        await _cancel(reading)

    async def _produce(self, receive: Receive, memory: MemoryShare) -> None:
        """Read the chunks one after the other, as long as answers do not wait for the client."""
        try:
            async for chunk in self._chunks(receive, memory):
                self._charge(len(chunk.images))
                await self._wait_for_space()
                self._reading += 1
                self._answers.put_nowait(asyncio.create_task(self._read(chunk, memory)))
        finally:
            self._answers.put_nowait(None)

    async def _wait_for_space(self) -> None:
        # Most HTTP clients send the whole body before they read the answer. If the service stopped
        # reading as soon as an answer is not taken, both would wait for each other forever.
        most = self._streams.settings.max_waiting_bytes
        while self._reading == _MAX_CHUNKS or self._waiting >= most:
            self._has_space.clear()
            await self._has_space.wait()

    async def _chunks(self, receive: Receive, memory: MemoryShare) -> AsyncIterator[Chunk]:
        if self._items is not None:
            for first in range(0, len(self._items), self._chunk_size):
                yield Chunk(first, self._items[first : first + self._chunk_size], 0)
            return
        settings = self._streams.settings
        splitter = LineSplitter(max_bytes=settings.max_body_bytes)
        first, self._more_body = 0, True
        while self._more_body:
            await memory.wait(settings.body_timeout)
            message = await self._receive(receive, settings.body_timeout)
            self._more_body = message.get("more_body", False)
            unfinished = splitter.unfinished
            complete = splitter.feed(message.get("body", b""))
            if not self._more_body:
                complete += splitter.end()
            memory.add(splitter.unfinished - unfinished)
            for images, size in _split(complete, self._chunk_size):
                memory.add(size)
                yield Chunk(first, images, size)
                first += len(images)

    async def _receive(self, receive: Receive, timeout: float) -> Message:
        while True:
            try:
                async with asyncio.timeout(timeout):
                    message = await receive()
            except TimeoutError as error:
                if self._reading or self._waiting:
                    continue  # The client may be waiting for an answer itself.
                raise BodyTooSlow(
                    f"nothing arrived for {timeout:g} s, and the body was not complete; send"
                    " without pauses, or in several requests"
                ) from error
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            return message

    async def _read(self, chunk: Chunk, memory: MemoryShare) -> bytes:
        try:
            items = await run_parser(lambda: list(map(_item, chunk.images)), chunk.size)
            lines = await self._answer(items, chunk.first)
        finally:
            self._reading -= 1
            self._has_space.set()
            memory.add(-chunk.size)
        self._waiting += len(lines)
        memory.add(len(lines))
        return lines

    async def _send_all(
        self, producing: asyncio.Task[None], memory: MemoryShare, send: Send
    ) -> None:
        while reading := await self._answers.get():
            lines = await reading
            self._waiting -= len(lines)
            memory.add(-len(lines))
            self._has_space.set()
            await self._start(send)
            await self._send(lines, send)
        await producing  # raises the error that ended the stream
        await self._start(send)
        await self._send(b"", send, more=False)

    async def _start(self, send: Send) -> None:
        if not self._started:
            self._started = True
            headers = self.raw_headers
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": headers}
            )

    async def _send(self, piece: bytes, send: Send, *, more: bool = True) -> None:
        # It waits for a client that takes no answers; the server closes the connection then.
        await send({"type": "http.response.body", "body": piece, "more_body": more})

    async def _send_error(self, error: Exception, send: Send) -> None:
        unexpected = isinstance(known(error), InternalError)
        _log.warning("stream cut short: %r", error, exc_info=error if unexpected else None)
        if not isinstance(error, ClientDisconnect):
            await self._send(error_line(error, self._request_id), send)


def _split(lines: Sequence[Line], most: int) -> Iterator[tuple[Sequence[Line], int]]:
    """Parts of up to `most` lines, and the bytes of each."""
    part: list[Line] = []
    size = 0
    for line in lines:
        part.append(line)
        size += len(line) if isinstance(line, bytes) else 0
        if len(part) == most or size >= _CHUNK_BYTES:
            yield part, size
            part, size = [], 0
    if part:
        yield part, size


def _item(image: Item | Line) -> Item:
    return image if isinstance(image, Item) else parse_line(image)


async def _discard_body(receive: Receive) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while (await receive()).get("more_body"):
                pass


async def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
