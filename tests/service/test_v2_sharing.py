"""Tensors go the way of pictures: the same micro-batches, the same backlog."""

import asyncio
from dataclasses import replace

import cv2
import numpy as np
import pytest

from service.api.v2.reading import contents_of
from service.errors import QueueFull
from service.inference.digits import DigitOptions, Preprocess
from service.inference.engine import Engine
from service.inference.registry import Registry
from service.settings import Settings
from tests.service.fakes import RecordingSession, classifier_of, silent_metrics


def test_tensors_and_pictures_share_a_micro_batch():
    session = RecordingSession()

    async def scenario(engine, pipeline):
        await asyncio.gather(
            engine.run(pipeline, _tensor([1, 2])), engine.run(pipeline, [_picture(3)])
        )

    _run(scenario, session)

    assert session.batches == [[1, 2, 3]]


def test_a_large_tensor_is_read_in_order():
    digits = [1 + index % 9 for index in range(100)]

    async def scenario(engine, pipeline):
        return (await engine.run(pipeline, _tensor(digits))).outcomes

    outcomes = _run(scenario, RecordingSession())

    assert [outcome.answer.digit for outcome in outcomes] == digits


def test_a_tensor_of_one_tone_is_blank():
    async def scenario(engine, pipeline):
        return (await engine.run(pipeline, contents_of(np.full((1, 28, 28), 3, np.uint8)))).outcomes

    [outcome] = _run(scenario, RecordingSession())

    assert outcome.answer.digit is None
    assert not outcome.logits.any()


def test_a_tensor_past_the_queue_is_refused_at_once():
    session = RecordingSession()

    async def scenario(engine, pipeline):
        picture = asyncio.create_task(engine.run(pipeline, [_picture(1)]))
        await asyncio.sleep(0)
        with pytest.raises(QueueFull, match="at most 1 images"):
            await engine.run(pipeline, _tensor([2]))
        await picture
        await engine.run(pipeline, _tensor([2]))

    _run(scenario, session, queue_size=1)

    assert session.batches == [[1], [2]]


def _run(scenario, session, **settings):
    async def main():
        given = Settings(**settings)
        registry = Registry(given, silent_metrics())
        await registry.load()
        async with Engine(
            queue_size=given.queue_size, request_timeout=given.request_timeout
        ) as engine:
            pipeline = registry.digits(DigitOptions(preprocess=Preprocess.NONE))
            pipeline = replace(pipeline, classifier=classifier_of(session))
            return await asyncio.wait_for(scenario(engine, pipeline), 60)

    return asyncio.run(main())


def _tensor(digits):
    """What the engine takes of a tensor that a `RecordingSession` reads as `digits`."""
    images = np.zeros((len(digits), 28, 28), np.uint8)
    images[:, 0, 0] = digits
    return contents_of(images)


def _picture(digit):
    pixels = np.zeros((28, 28), np.uint8)
    pixels[0, 0] = digit
    return cv2.imencode(".png", pixels)[1].tobytes()
