"""The answer to a stream where something fails on the way, without a server."""

import asyncio
import json
from dataclasses import replace

import numpy as np
import pytest

from service.api.formats import Item
from service.api.held import HeldBytes
from service.api.stream.answer import Desk, StreamedAnswer
from service.api.stream.limits import Streams
from service.api.stream.parts import parts_of, parts_of_body
from service.errors import InferenceFailed
from service.inference.digits import DigitOptions, Preprocess
from service.inference.engine import Engine
from service.inference.registry import Registry
from service.settings import Settings
from tests.service.fakes import RecordingSession, classifier_of, silent_metrics

MANY = 1000


class FailsLater(RecordingSession):
    """Raises an error from the run on that follows `runs` good ones."""

    def __init__(self, runs):
        super().__init__()
        self._runs = runs

    def run(self, outputs, inputs):
        if len(self.batches) == self._runs:
            raise RuntimeError("the password is 1234")
        return super().run(outputs, inputs)


def test_a_fault_after_the_first_lines_is_the_last_line_and_the_body_has_no_end():
    _, sent = _answer(FailsLater(10), parts_of(_items(MANY), most=64))

    *lines, last = _lines(sent)
    assert [line["index"] for line in lines] == list(range(len(lines)))
    assert 0 < len(lines) < MANY
    assert last.keys() == {"error"}
    assert last["error"]["type"] == "/problems/internal-error"
    assert "1234" not in str(last)
    assert all(message["more_body"] for message in sent[1:])


def test_a_fault_before_the_first_line_is_raised():
    with pytest.raises(InferenceFailed):
        _answer(FailsLater(0), parts_of(_items(MANY), most=64))


def test_for_a_caller_who_has_gone_nothing_more_is_read():
    session = RecordingSession()
    line = b'"' + b"A" * 40 + b'"\n'
    before = [{"type": "http.request", "body": line * 10, "more_body": True}] * 20
    after = [{"type": "http.disconnect"}, *before]

    desk, sent = _answer(
        session, parts_of_body(most=64, max_line=1000, seconds=30), [*before, *after]
    )

    assert len(_lines(sent)) <= len(before) * 10
    assert all(message["more_body"] for message in sent[1:])
    assert desk.held.total == 0


def test_a_long_answer_goes_out_in_several_pieces():
    _, sent = _answer(RecordingSession(), parts_of(_items(MANY), most=64), ends=True)

    assert [line["index"] for line in _lines(sent)] == list(range(MANY))
    assert len(sent) > 5
    assert not sent[-1]["more_body"]


def _answer(session, parts, body=(), *, ends=False):
    """The desk and the messages sent, for a caller who sends `body` and then leaves, or waits."""

    async def main():
        given = Settings()
        registry = Registry(given, silent_metrics())
        await registry.load()
        async with Engine(
            queue_size=given.queue_size, request_timeout=given.request_timeout
        ) as engine:
            pipeline = registry.digits(DigitOptions(preprocess=Preprocess.NONE))
            pipeline = replace(pipeline, classifier=classifier_of(session))
            desk = Desk(Streams(1), HeldBytes(10**6), 10**6, 30.0)
            messages, sent = list(body), []

            async def receive():
                if messages:
                    return messages.pop(0)
                if ends or not body:
                    await asyncio.Event().wait()
                return {"type": "http.disconnect"}

            async def send(message):
                sent.append(message)

            async def read(contents):
                return (await engine.run(pipeline, contents, wait=True)).outcomes

            answer = StreamedAnswer(desk, read, parts, "mine")
            await asyncio.wait_for(answer({"type": "http"}, receive, send), 60)
            return desk, sent

    return asyncio.run(main())


def _items(count):
    picture = np.zeros((28, 28), np.uint8)
    picture[0, 0] = 7
    return [Item(None, picture)] * count


def _lines(sent):
    body = b"".join(message["body"] for message in sent[1:])
    return [json.loads(line) for line in body.splitlines()]
