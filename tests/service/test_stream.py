"""A streamed answer in process: errors, disconnects, and the memory that others hold."""

import asyncio
import contextlib
import json

import pytest

from service.api.formats import Item
from service.api.stream import StreamedAnswer, Streams
from service.errors import TooManyBodies
from service.memory import MemoryBudget
from service.settings import Settings

ITEMS = [Item(None, b"x")] * 1000
LINE = b'"' + b"A" * 40 + b'"\n'


def test_a_long_answer_is_sent_in_several_pieces():
    sent = _answer(items=ITEMS)

    assert _indices(sent) == list(range(1000))
    assert len(sent) > 5
    assert not sent[-1]["more_body"]


def test_an_error_after_the_first_lines_is_the_last_line_and_the_body_has_no_end():
    sent = _answer(items=ITEMS, fails_at=640)

    *lines, last = _lines(sent)
    assert [line["index"] for line in lines] == list(range(640))
    assert last.keys() == {"error"}
    assert last["error"]["type"] == "/problems/internal-error"
    assert "1234" not in str(last)
    assert all(message["more_body"] for message in sent[1:])


def test_an_error_before_the_first_line_is_raised():
    with pytest.raises(RuntimeError):
        _answer(items=ITEMS, fails_at=0)


def test_after_a_disconnect_nothing_more_is_read():
    before = [{"type": "http.request", "body": LINE * 10, "more_body": True}] * 20
    streams = Streams(Settings(), MemoryBudget(10**6))

    sent = _answer(body=[*before, {"type": "http.disconnect"}, *before], streams=streams)

    assert len(_lines(sent)) <= len(before) * 10
    assert all(message["more_body"] for message in sent[1:])
    assert streams.memory.total == 0


def test_a_stream_waits_for_the_memory_of_others():
    async def scenario():
        memory = MemoryBudget(10)
        with contextlib.closing(memory.share()) as stream:
            stream.add(1)
            with contextlib.closing(memory.share()) as other:
                other.add(10)
                waiting = asyncio.create_task(stream.wait(30))
                await asyncio.sleep(0)
                assert not waiting.done()
                with pytest.raises(TooManyBodies):
                    await stream.wait(0.01)
            await waiting
            stream.add(100)
            await stream.wait(30)
        return memory.total

    assert asyncio.run(scenario()) == 0


def _answer(*, items=None, body=(), fails_at=None, streams=None):
    """The messages sent to a client that sends `body`, and then waits for the answer."""

    async def answer(chunk, first):
        await asyncio.sleep(0)
        if fails_at is not None and first >= fails_at:
            raise RuntimeError("the password is 1234")
        return b"".join(b'{"index": %d}\n' % (first + place) for place in range(len(chunk)))

    async def main():
        messages, sent = list(body), []

        async def receive():
            if not messages:
                await asyncio.Event().wait()
            return messages.pop(0)

        async def send(message):
            sent.append(message)

        response = StreamedAnswer(
            streams or Streams(Settings(), MemoryBudget(10**6)),
            answer,
            "mine",
            chunk_size=64,
            items=items,
        )
        await asyncio.wait_for(response({"type": "http"}, receive, send), 60)
        return sent

    return asyncio.run(main())


def _indices(sent):
    return [line["index"] for line in _lines(sent)]


def _lines(sent):
    body = b"".join(message["body"] for message in sent[1:])
    return [json.loads(line) for line in body.splitlines()]
