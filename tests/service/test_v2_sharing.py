"""Tensors go the way of pictures: the same micro-batches, the same backlog, the same deadline."""

import asyncio
from dataclasses import replace

import cv2
import numpy as np
import pytest

from service.engine import PART_OF_BATCH, DeadlineExceeded, Engine
from service.inference.backlog import QueueFull
from service.pipeline import Preprocess, Wish
from service.settings import Settings
from tests.service.fakes import HeldSession, classifier_of, image


def test_tensors_and_pictures_share_a_micro_batch():
    session = HeldSession(held=True)

    async def scenario(engine, pipeline):
        first = asyncio.create_task(_classify(engine, pipeline, image(1)))
        await asyncio.to_thread(session.running.wait, 60)
        tensor = asyncio.create_task(_classify(engine, pipeline, image(2)))
        picture = asyncio.create_task(engine.read(pipeline, _picture(3)))
        await asyncio.sleep(0.01)
        session.let_go()
        await asyncio.gather(first, tensor, picture)

    _run(scenario, session)

    assert session.batches == [[1], [2, 3]]


def test_a_large_tensor_is_classified_in_parts_and_in_order():
    session = HeldSession()
    images = np.concatenate([image(index % 10) for index in range(2 * PART_OF_BATCH + 1)])

    async def scenario(engine, pipeline):
        return await _classify(engine, pipeline, images)

    scored = _run(scenario, session)

    assert list(map(len, session.batches)) == [PART_OF_BATCH, PART_OF_BATCH, 1]
    assert scored.probabilities.argmax(axis=1).tolist() == [index % 10 for index in range(65)]
    assert scored.logits.shape == (65, 10)


def test_nothing_is_classified_to_nothing():
    async def scenario(engine, pipeline):
        return await _classify(engine, pipeline, np.empty((0, 28, 28), np.uint8))

    assert _run(scenario, HeldSession()).logits.shape == (0, 10)


def test_a_tensor_past_the_queue_is_refused_at_once():
    session = HeldSession(held=True)

    async def scenario(engine, pipeline):
        picture = asyncio.create_task(engine.read(pipeline, _picture(1)))
        await asyncio.to_thread(session.running.wait, 60)
        with pytest.raises(QueueFull, match="limit is 1"):
            await _classify(engine, pipeline, image(2))
        session.let_go()
        await picture
        await _classify(engine, pipeline, image(2))

    _run(scenario, session, queue_size=1)

    assert session.batches == [[1], [2]]


def test_a_tensor_that_takes_too_long_is_given_up():
    session = HeldSession(held=True)

    async def scenario(engine, pipeline):
        with pytest.raises(DeadlineExceeded, match=r"0\.05 s"):
            await _classify(engine, pipeline, image(1))
        session.let_go()

    _run(scenario, session, request_timeout=0.05)


async def _classify(engine, pipeline, images):
    async with engine.admitted(len(images)):
        return await engine.classify(pipeline.classifier, images)


def _run(scenario, session, **settings):
    async def main():
        async with Engine(Settings(**settings)) as engine:
            await engine.load()
            pipeline = engine.pipeline(Wish(preprocess=Preprocess.NONE))
            pipeline = replace(pipeline, classifier=classifier_of(session))
            return await asyncio.wait_for(scenario(engine, pipeline), 60)

    return asyncio.run(main())


def _picture(digit):
    pixels = np.zeros((28, 28), np.uint8)
    pixels[0, 0] = digit
    return cv2.imencode(".png", pixels)[1].tobytes()
