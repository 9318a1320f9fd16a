"""The engine without HTTP: reading, bounds, deadlines, readiness."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import cv2
import numpy as np
import pytest

from service.errors import DeadlineExceeded, NotReady, QueueFull
from service.imaging import UnreadableImage, decode, normalise
from service.inference.decisions import Reason
from service.inference.digits import DigitOptions, Preprocess
from service.inference.engine import Engine
from service.inference.registry import Registry
from service.settings import Settings
from tests.service.fakes import CARD, RecordingSession, classifier_of, silent_metrics


def test_a_picture_is_read(seven):
    async def scenario(engine, registry):
        return await _read(engine, registry.digits(DigitOptions(model=CARD.name)), seven)

    reading = _run(scenario)

    assert reading.answer.digit == 7
    assert reading.card == CARD


def test_a_large_picture_is_read(draw):
    async def scenario(engine, registry):
        return await _read(
            engine, registry.digits(DigitOptions(model=CARD.name)), draw(7, side=2000)
        )

    assert _run(scenario).answer.digit == 7


def test_an_unreadable_picture_is_an_error():
    async def scenario(engine, registry):
        return await _read(engine, registry.digits(DigitOptions()), b"no picture")

    with pytest.raises(UnreadableImage):
        _run(scenario)


def test_many_pictures_are_read_in_order(draw, blank):
    files = [draw(7), b"no picture", blank] * 50

    async def scenario(engine, registry):
        return await _read_many(engine, registry.digits(DigitOptions(model=CARD.name)), files)

    outcomes = _run(scenario)

    assert len(outcomes) == len(files)
    assert {outcome.answer.digit for outcome in outcomes[0::3]} == {7}
    assert all(isinstance(outcome, UnreadableImage) for outcome in outcomes[1::3])
    assert {outcome.answer.reasons for outcome in outcomes[2::3]} == {(Reason.BLANK,)}


def test_nothing_is_read_to_nothing():
    async def scenario(engine, registry):
        return await _read_many(engine, registry.digits(DigitOptions()), [])

    assert _run(scenario) == []


def test_a_blank_picture_does_not_reach_the_model():
    session = RecordingSession()

    async def scenario(engine, registry):
        return await _read(engine, _recorded(registry, session), _picture(0))

    assert _run(scenario).answer.digit is None
    assert session.batches == []


def test_pictures_that_need_a_thread_come_back_in_their_places(draw):
    files = [draw(7), draw(7, side=400), b"no picture", draw(7, suffix=".jpg"), draw(7)]

    async def scenario(engine, registry):
        return await _read_many(engine, registry.digits(DigitOptions(model=CARD.name)), files)

    first, second, third, *others = _run(scenario)

    assert {outcome.answer.digit for outcome in (first, second, *others)} == {7}
    assert isinstance(third, UnreadableImage)


def test_what_the_model_is_shown_can_be_seen(seven):
    async def scenario(engine, registry):
        return await engine.prepare(registry.digits(DigitOptions()), seven)

    shown = _run(scenario)

    assert np.array_equal(shown.image, normalise(decode(seven, max_pixels=10**6)).image)


def test_what_is_to_be_shown_is_bounded_as_what_is_to_be_read(seven):
    async def scenario(engine, registry):
        pipeline = registry.digits(DigitOptions())
        with pytest.raises(UnreadableImage):
            await engine.prepare(pipeline, b"no picture")
        first = asyncio.create_task(engine.prepare(pipeline, seven))
        await asyncio.sleep(0)
        with pytest.raises(QueueFull):
            await engine.prepare(pipeline, seven)
        await first

    _run(scenario, queue_size=1)


def test_what_is_not_shown_in_time_is_given_up(draw):
    async def scenario(engine, registry):
        await engine.prepare(registry.digits(DigitOptions()), draw(7, side=2000))

    with pytest.raises(DeadlineExceeded):
        _run(scenario, request_timeout=1e-6)


def test_pixels_are_read_as_their_file_is(seven):
    pixels = cv2.imdecode(np.frombuffer(seven, np.uint8), cv2.IMREAD_GRAYSCALE)

    async def scenario(engine, registry):
        return await _read_many(engine, registry.digits(DigitOptions()), [seven, pixels])

    of_file, of_pixels = _run(scenario)

    assert np.array_equal(of_file.logits, of_pixels.logits)


def test_a_request_past_the_queue_is_refused_at_once():
    async def scenario(engine, registry):
        pipeline = _recorded(registry, RecordingSession())
        waiting = [
            asyncio.create_task(_read(engine, pipeline, _picture(digit))) for digit in (1, 2)
        ]
        await asyncio.sleep(0)
        with pytest.raises(QueueFull, match="at most 2 images"):
            await _read(engine, pipeline, _picture(3))
        answered = await asyncio.gather(*waiting)
        return [*answered, await _read(engine, pipeline, _picture(3))]

    readings = _run(scenario, queue_size=2)

    assert [reading.answer.digit for reading in readings] == [1, 2, 3]


def test_a_batch_takes_as_much_of_the_queue_as_it_has_pictures():
    async def scenario(engine, registry):
        pipeline = _recorded(registry, RecordingSession())
        batch = asyncio.create_task(_read_many(engine, pipeline, [_picture(1)] * 100))
        await asyncio.sleep(0)
        with pytest.raises(QueueFull, match="at most 199 images may be in work"):
            await _read_many(engine, pipeline, [_picture(1)] * 100)
        return await batch

    assert len(_run(scenario, queue_size=199)) == 100


def test_a_batch_larger_than_the_queue_is_read_when_nothing_else_is_there():
    async def scenario(engine, registry):
        pipeline = _recorded(registry, RecordingSession())
        return await _read_many(engine, pipeline, [_picture(1)] * 100)

    assert len(_run(scenario, queue_size=1)) == 100


def test_single_pictures_pass_a_batch():
    session = RecordingSession()

    async def scenario(engine, registry):
        pipeline = _recorded(registry, session)
        batch = asyncio.create_task(_read_many(engine, pipeline, [_picture(1)] * 500))
        while not session.batches:
            await asyncio.sleep(0)
        await _read(engine, pipeline, _picture(2))
        assert not batch.done()
        await batch

    _run(scenario)


@pytest.mark.parametrize("side", [28, 2000])
def test_a_request_that_takes_too_long_is_given_up(draw, side):
    async def scenario(engine, registry):
        with pytest.raises(DeadlineExceeded, match=r"1e-09 s"):
            await _read(engine, registry.digits(DigitOptions()), draw(7, side=side))

    _run(scenario, request_timeout=1e-9)


def test_before_loading_there_is_no_pipeline():
    with pytest.raises(NotReady, match="being loaded"):
        Registry(Settings(), silent_metrics()).digits(DigitOptions())


def test_without_models_there_is_no_pipeline_and_the_error_says_why(tmp_path):
    async def scenario(engine, registry):
        registry.digits(DigitOptions())

    with pytest.raises(NotReady, match=str(tmp_path)):
        _run(scenario, models_dir=tmp_path)


@asynccontextmanager
async def _loaded(**settings):
    given = Settings(**settings)
    registry = Registry(given, silent_metrics())
    await registry.load()
    async with Engine(queue_size=given.queue_size, request_timeout=given.request_timeout) as engine:
        yield engine, registry


async def _read_many(engine, pipeline, pictures):
    return (await engine.run(pipeline, pictures)).outcomes


async def _read(engine, pipeline, picture):
    [outcome] = await _read_many(engine, pipeline, [picture])
    if isinstance(outcome, UnreadableImage):
        raise outcome
    return outcome


def _run(scenario, **settings):
    async def main():
        async with _loaded(**settings) as (engine, registry):
            return await asyncio.wait_for(scenario(engine, registry), 60)

    return asyncio.run(main())


def _recorded(registry, session):
    pipeline = registry.digits(DigitOptions(preprocess=Preprocess.NONE))
    return replace(pipeline, classifier=classifier_of(session))


def _picture(digit):
    pixels = np.zeros((28, 28), np.uint8)
    pixels[0, 0] = digit
    return cv2.imencode(".png", pixels)[1].tobytes()
