"""Micro-batching of fields: strips of a width together, in fair turns, off the event loop."""

import asyncio
import threading
import time

import cv2
import numpy as np
import pytest

from models.fields.constraints import Constraints
from models.strips import CLASSES, STRIDE
from service.errors import DeadlineExceeded, InferenceFailed, QueueFull
from service.imaging import UnreadableImage
from service.inference.engine import Engine
from service.inference.field_batcher import LARGEST_MICRO_BATCH
from service.inference.fields import FieldPipeline
from service.inference.sessions import Reader
from tests.strips import bars_card

CARD = bars_card()


class SaysSeven:
    """Says a seven at its first step; notes what it was shown, and waits for `may_run`."""

    def __init__(self, error: Exception | None = None, *, seconds: float = 0.0) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self.threads: set[str] = set()
        self.may_run = threading.Event()
        self.may_run.set()
        self._error = error
        self._seconds = seconds

    def run(self, _outputs, inputs):
        assert self.may_run.wait(60)
        if self._error:
            raise self._error
        image = inputs["image"]
        self.shapes.append(image.shape)
        time.sleep(len(image) * self._seconds)
        self.threads.add(threading.current_thread().name)
        said = np.full((len(image), image.shape[2] // STRIDE, CLASSES), -30.0, np.float32)
        said[:, :, 0] = 0.0
        said[:, 0] = -30.0
        said[:, 0, 8] = 0.0
        return [said]


def strip(width: int) -> np.ndarray:
    picture = np.full((40, width), 230, np.uint8)
    picture[4:36, 8:16] = 20
    return picture


def test_a_field_is_read_in_a_thread():
    session = SaysSeven()

    reading = _run(session, lambda fields, pipeline: _read_one(fields, pipeline, strip(100)))

    assert reading.answer.text == "7"
    assert threading.current_thread().name not in session.threads


def test_strips_of_a_width_are_shown_together_and_others_apart():
    session = SaysSeven()
    contents = [strip(width) for width in (100, 300, 101, 301)]

    outcomes = _run(session, lambda fields, pipeline: _read_many(fields, pipeline, contents))

    assert [outcome.answer.text for outcome in outcomes] == ["7"] * 4
    assert sorted(shape[0] for shape in session.shapes) == [2, 2]


def test_a_single_field_passes_a_batch():
    session = SaysSeven()

    async def scenario(fields, pipeline):
        batch = asyncio.create_task(_read_many(fields, pipeline, [strip(100)] * 100))
        while not session.shapes:
            await asyncio.sleep(0)
        await _read_one(fields, pipeline, strip(300))
        assert not batch.done()
        return await batch

    assert len(_run(session, scenario)) == 100
    assert max(shape[0] for shape in session.shapes) <= LARGEST_MICRO_BATCH


def test_fields_that_take_long_are_read_one_by_one():
    session = SaysSeven(seconds=0.08)

    _run(session, lambda fields, pipeline: _read_many(fields, pipeline, [strip(100)] * 8))

    first, *others = (shape[0] for shape in session.shapes)
    assert others == [1] * (8 - first)


def test_what_cannot_be_read_does_not_disturb_its_neighbours():
    contents = [strip(100), b"no picture", strip(100)]

    first, second, third = _run(
        SaysSeven(), lambda fields, pipeline: _read_many(fields, pipeline, contents)
    )

    assert first.answer.text == third.answer.text == "7"
    assert isinstance(second, UnreadableImage)


def test_a_large_picture_is_read_too():
    page = np.full((3000, 3000), 230, np.uint8)
    page[1000:1400, 1000:1100] = 20
    data = cv2.imencode(".jpg", page)[1].tobytes()

    reading = _run(SaysSeven(), lambda fields, pipeline: _read_one(fields, pipeline, data))

    assert reading.answer.text == "7"


def test_a_failed_run_fails_and_the_next_does_not():
    session = SaysSeven(RuntimeError("broken"))

    async def scenario(fields, pipeline):
        with pytest.raises(InferenceFailed, match="broken"):
            await _read_one(fields, pipeline, strip(100))
        session._error = None
        return await _read_one(fields, pipeline, strip(100))

    assert _run(session, scenario).answer.text == "7"


def test_a_request_past_the_queue_is_refused():
    async def scenario(fields, pipeline):
        waiting = asyncio.create_task(_read_many(fields, pipeline, [strip(100)] * 2))
        await asyncio.sleep(0)
        with pytest.raises(QueueFull):
            await _read_one(fields, pipeline, strip(100))
        await waiting

    _run(SaysSeven(), scenario, queue_size=2)


def test_a_request_that_takes_too_long_is_given_up_and_not_computed():
    session = SaysSeven()
    session.may_run.clear()

    async def scenario(fields, pipeline):
        with pytest.raises(DeadlineExceeded, match=r"0\.05 s"):
            await _read_many(fields, pipeline, [strip(100)] * 100)
        session.may_run.set()

    _run(session, scenario, request_timeout=0.05)

    assert sum(shape[0] for shape in session.shapes) <= LARGEST_MICRO_BATCH


def test_nothing_is_read_to_nothing():
    assert _run(SaysSeven(), lambda fields, pipeline: _read_many(fields, pipeline, [])) == []


async def _read_many(engine, pipeline, pictures):
    return (await engine.run(pipeline, pictures)).outcomes


async def _read_one(engine, pipeline, picture):
    return (await _read_many(engine, pipeline, [picture]))[0]


def _run(session, scenario, *, queue_size=256, request_timeout=30.0):
    async def main():
        async with Engine(queue_size=queue_size, request_timeout=request_timeout) as engine:
            pipeline = FieldPipeline(Reader(CARD, session), 0.9, Constraints(), 10**8)
            return await asyncio.wait_for(scenario(engine, pipeline), 60)

    return asyncio.run(main())
