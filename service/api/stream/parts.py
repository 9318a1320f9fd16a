"""What comes in a stream, a part at a time: no more is taken than is read."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from service.api.formats import Item, Line, LineSplitter, parse_line
from service.api.held import Holding
from service.errors import BodyTooSlow

# What is worth waiting for where lines are long.
_MANY_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """A few images of a stream.

    Attributes:
        first: the index of the first.
        images: how many there are.
        size: bytes that are held for it.
        unpack: gives the images.
    """

    first: int
    images: int
    size: int
    unpack: Callable[[], Sequence[Item]]


# What comes, while a function says whether the caller is waiting for an answer.
Parts = Callable[[Receive, Holding, Callable[[], bool]], AsyncIterator[Part]]


def parts_of(items: Sequence[Item], *, most: int) -> Parts:
    """The parts of a batch that is there, each of up to `most` images."""

    async def parts(_receive: Receive, _holding: Holding, _busy: object) -> AsyncIterator[Part]:
        for first in range(0, len(items), most):
            part = items[first : first + most]
            yield Part(first, len(part), 0, partial(list, part))

    return parts


def parts_of_body(*, most: int, max_line: int, seconds: float) -> Parts:
    """The parts of an NDJSON body of any length, each of up to `most` images.

    A line has up to `max_line` bytes, and the next piece may take so many `seconds`; where the
    caller may be waiting for an answer itself, its time does not count.

    The parts raise:
        BodyTooSlow: nothing came for too long.
        TooManyBodies: the bodies of all requests hold too much for too long.
        ClientDisconnect: the caller has gone.
    """

    async def parts(
        receive: Receive, holding: Holding, busy: Callable[[], bool]
    ) -> AsyncIterator[Part]:
        lines = LineSplitter(max_bytes=max_line)
        first, more = 0, True
        while more:
            await holding.room(seconds)
            chunk, more = await _next_piece(receive, seconds, busy)
            unfinished = lines.unfinished
            ended = lines.feed(chunk)
            if not more:
                ended += lines.end()
            holding.add(lines.unfinished - unfinished)
            for part in _cut(ended, most):
                size = sum(len(line) for line in part if isinstance(line, bytes))
                holding.add(size)
                yield Part(first, len(part), size, partial(_items, part))
                first += len(part)

    return parts


async def _next_piece(
    receive: Receive, seconds: float, busy: Callable[[], bool]
) -> tuple[bytes, bool]:
    while True:
        try:
            async with asyncio.timeout(seconds):
                message = await receive()
        except TimeoutError as error:
            if busy():
                continue
            raise BodyTooSlow(
                f"nothing came for {seconds:g} s, and the body was not complete; send without"
                " pauses, or in several requests"
            ) from error
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        return message.get("body", b""), message.get("more_body", False)


def _cut(lines: Sequence[Line], most: int) -> Iterator[Sequence[Line]]:
    part: list[Line] = []
    size = 0
    for line in lines:
        part.append(line)
        size += len(line) if isinstance(line, bytes) else 0
        if len(part) == most or size >= _MANY_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def _items(lines: Sequence[Line]) -> list[Item]:
    return [parse_line(line) for line in lines]
