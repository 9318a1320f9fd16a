"""From the parts of a stream to its lines, a few parts at once, in order."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from service.api.batch_answer import AnyOutcome, write_lines
from service.api.bodies import run_parser
from service.api.held import Holding
from service.api.stream.outbox import Outbox
from service.api.stream.parts import Part, Parts
from service.errors import InvalidItem
from service.inference.digits import Content

# Reads images in order, as soon as there is room for them.
Read = Callable[[Sequence[Content]], Awaitable[Sequence[AnyOutcome]]]

# Told what was read of some items, the first of which has the index `first`.
Note = Callable[..., None]

# So many parts are in work at once: one is unpacked and decoded while the model sees another.
_MOST_PARTS = 4


class Work:
    """Reads a stream and fills its outbox.

    Attributes:
        more_comes: whether the body that is being received was not complete yet.
    """

    def __init__(
        self,
        read: Read,
        outbox: Outbox,
        holding: Holding,
        request_id: str,
        charge: Callable[[int], None],
        note: Note,
    ) -> None:
        self.more_comes = False
        self._read_contents = read
        self._outbox = outbox
        self._holding = holding
        self._request_id = request_id
        self._charge = charge
        self._note = note
        # What is in work, in order, then how it ended.
        self._window: asyncio.Queue[asyncio.Task[bytes] | Exception | None] = asyncio.Queue(
            _MOST_PARTS - 1
        )
        self._reading: set[asyncio.Task[bytes]] = set()

    async def run(self, parts: Parts, receive: Receive) -> None:
        """Put a line for each image into the outbox and end it; run until the caller goes."""
        emptying = asyncio.create_task(self._empty_window())
        try:
            await self._fill_window(parts, receive)
            while (await receive())["type"] != "http.disconnect":
                pass
            self._outbox.end(ClientDisconnect())
        except ClientDisconnect as error:
            self._outbox.end(error)
        except Exception as error:
            await self._window.put(error)
            await emptying
        finally:
            await cancelled([emptying, *self._reading])

    async def _fill_window(self, parts: Parts, receive: Receive) -> None:
        async def receive_and_note() -> Message:
            message = await receive()
            self.more_comes = message.get("more_body", False)
            return message

        async for part in parts(receive_and_note, self._holding, self._is_busy):
            self._charge(part.images)
            reading = asyncio.create_task(self._read(part))
            self._reading.add(reading)
            reading.add_done_callback(self._end_reading)
            await self._window.put(reading)
        await self._window.put(None)

    async def _empty_window(self) -> None:
        try:
            while reading := await self._window.get():
                if isinstance(reading, Exception):
                    raise reading
                await self._outbox.put(await reading)
        except Exception as error:
            self._outbox.end(error)
        else:
            self._outbox.end()

    async def _read(self, part: Part) -> bytes:
        try:
            items = await run_parser(part.unpack, part.size)
            contents = [item.content for item in items if not isinstance(item.content, InvalidItem)]
            outcomes = await self._read_contents(contents)
            self._note(items, outcomes, first=part.first)
            return await write_lines(items, outcomes, self._request_id, first=part.first)
        finally:
            self._holding.add(-part.size)

    def _end_reading(self, reading: asyncio.Task[bytes]) -> None:
        self._reading.discard(reading)
        if not reading.cancelled():
            # Only the first part that fails is waited for; asyncio would complain of the others.
            reading.exception()

    def _is_busy(self) -> bool:
        return bool(self._reading or self._outbox.waiting)


async def cancelled(tasks: Iterable[asyncio.Task[object]]) -> None:
    """Cancel `tasks` and wait until they have ended, however that is."""
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
