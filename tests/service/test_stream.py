"""The parts of a stream's way: what waits in the queue, in memory, and for its caller."""

import asyncio
import contextlib

import pytest

from service.api.held import HeldBytes
from service.api.stream.outbox import Outbox
from service.errors import TooManyBodies

MEBIBYTE = 1 << 20
LINE = b"x" * 999 + b"\n"


def test_lines_that_wait_come_out_whole_and_in_order():
    lines = [b"%d\n" % index * 300 for index in range(10_000)]

    async def scenario():
        outbox = Outbox(max_bytes=64 * MEBIBYTE)
        for line in lines:
            await outbox.put(line)
        outbox.end()
        return await _all(outbox)

    pieces = _run(scenario())

    assert b"".join(pieces) == b"".join(lines)
    assert all(piece.endswith(b"\n") for piece in pieces)


@pytest.mark.parametrize("max_bytes", [1, 100_000, 64 * MEBIBYTE])
def test_lines_come_out_in_order_while_others_go_in(max_bytes):
    lines = [b"%d\n" % index * 300 for index in range(5_000)]

    async def scenario():
        outbox = Outbox(max_bytes=max_bytes)

        async def fill():
            for line in lines:
                await outbox.put(line)
            outbox.end()

        _, pieces = await asyncio.gather(fill(), _all(outbox))
        return pieces

    assert b"".join(_run(scenario())) == b"".join(lines)


@pytest.mark.parametrize("folder", [None, "/nowhere"])
def test_no_more_goes_in_than_memory_and_file_may_hold(folder, monkeypatch):
    if folder:
        monkeypatch.setattr("tempfile.tempdir", folder)
    limit = MEBIBYTE + (0 if folder else MEBIBYTE)

    async def scenario():
        outbox = Outbox(max_bytes=MEBIBYTE)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while outbox.waiting < 10 * MEBIBYTE:
                    await outbox.put(LINE)
        waiting = outbox.waiting
        outbox.end()
        return waiting, sum(map(len, await _all(outbox)))

    waiting, taken = _run(scenario())

    assert waiting == taken
    assert limit - 2 * len(LINE) <= waiting <= limit


def test_an_error_comes_after_the_lines_before_it():
    async def scenario():
        outbox = Outbox(max_bytes=1)
        await outbox.put(LINE)
        outbox.end(ValueError("over"))
        assert await outbox.take() == LINE
        with pytest.raises(ValueError, match="over"):
            await outbox.take()

    _run(scenario())


def test_a_stream_waits_for_the_bytes_of_others_to_be_given_back():
    async def scenario():
        everyone = HeldBytes(10)
        with everyone.holding() as stream:
            stream.add(1)
            with everyone.holding() as other:
                other.add(10)
                waiting = asyncio.create_task(stream.room(30))
                await asyncio.sleep(0)
                assert not waiting.done()
                with pytest.raises(TooManyBodies):
                    await stream.room(0.01)
            await waiting
            stream.add(100)
            await stream.room(30)
        return everyone.total

    assert _run(scenario()) == 0


async def _all(outbox):
    try:
        return [piece async for piece in _pieces(outbox)]
    finally:
        outbox.close()


async def _pieces(outbox):
    while piece := await outbox.take():
        yield piece


def _run(scenario):
    async def main():
        return await asyncio.wait_for(scenario, 60)

    return asyncio.run(main())
