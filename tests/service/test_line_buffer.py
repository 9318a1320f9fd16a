"""Lines that wait for the client, in memory and in a file."""

import asyncio
import contextlib
import shutil
from types import SimpleNamespace

import pytest

from service.api.line_buffer import RESERVED_BYTES, LineBuffer

MEBIBYTE = 1 << 20
LINE = b"x" * 999 + b"\n"


def test_waiting_lines_come_out_whole_and_in_order():
    lines = [b"%d\n" % index * 300 for index in range(10_000)]

    async def scenario():
        with _buffer(64 * MEBIBYTE) as buffer:
            for line in lines:
                await buffer.put(line)
            await buffer.end()
            return await _all(buffer)

    pieces = _run(scenario())

    assert b"".join(pieces) == b"".join(lines)
    assert all(piece.endswith(b"\n") for piece in pieces)


@pytest.mark.parametrize("max_bytes", [1, 100_000, 64 * MEBIBYTE])
def test_lines_come_out_in_order_while_others_go_in(max_bytes):
    lines = [b"%d\n" % index * 300 for index in range(5_000)]

    async def scenario():
        with _buffer(max_bytes) as buffer:

            async def fill():
                for line in lines:
                    await buffer.put(line)
                await buffer.end()

            _, pieces = await asyncio.gather(fill(), _all(buffer))
            return pieces

    assert b"".join(_run(scenario())) == b"".join(lines)


@pytest.mark.parametrize("folder", [None, "/nowhere"])
def test_no_more_goes_in_than_memory_and_file_may_hold(folder, monkeypatch):
    if folder:
        monkeypatch.setattr("tempfile.tempdir", folder)
    limit = MEBIBYTE + (0 if folder else MEBIBYTE)

    async def scenario():
        with _buffer(MEBIBYTE) as buffer:
            await _fill(buffer)
            waiting = buffer.waiting
            await buffer.end()
            return waiting, sum(map(len, await _all(buffer)))

    waiting, taken = _run(scenario())

    assert waiting == taken
    assert limit - 2 * len(LINE) <= waiting <= limit


def test_the_file_does_not_fill_the_disk(monkeypatch):
    disk = SimpleNamespace(free=RESERVED_BYTES + len(LINE) - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: disk)

    async def scenario():
        with _buffer(MEBIBYTE) as buffer:
            await _fill(buffer)
            return buffer.waiting

    assert _run(scenario()) <= MEBIBYTE


def test_an_error_comes_after_the_lines_before_it():
    async def scenario():
        with _buffer(1) as buffer:
            await buffer.put(LINE)
            await buffer.end(ValueError("over"))
            assert await buffer.take() == LINE
            with pytest.raises(ValueError, match="over"):
                await buffer.take()

    _run(scenario())


def _buffer(max_bytes):
    return contextlib.closing(LineBuffer(max_bytes=max_bytes))


async def _fill(buffer):
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            while buffer.waiting < 10 * MEBIBYTE:
                await buffer.put(LINE)


async def _all(buffer):
    pieces = []
    while piece := await buffer.take():
        pieces.append(piece)
    return pieces


def _run(scenario):
    async def main():
        return await asyncio.wait_for(scenario, 60)

    return asyncio.run(main())
