"""The engine without HTTP: micro-batches, turns, bounds, deadlines, cancellation."""

import asyncio
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from models.fields.constraints import Constraints
from service.errors import BatchTooLarge, DeadlineExceeded, InferenceFailed, QueueFull
from service.imaging import PictureTooLarge, UnreadableImage, decode, normalise
from service.inference.decisions import Criteria
from service.inference.digits import DigitPipeline, Preprocess
from service.inference.engine import Engine
from service.inference.fields import LARGEST_FIELD_BATCH, FieldPipeline
from service.inference.sessions import Reader
from service.metrics import Metrics
from tests.imaging.documents import document, from_bytes
from tests.service.fakes import (
    CARD,
    FailingSession,
    RecordingSession,
    SevenSession,
    classifier_of,
    image,
)
from tests.strips import bars_card

OTHER = CARD.model_copy(update={"name": "other"})


@pytest.fixture
def session():
    return RecordingSession()


def test_pictures_are_read_in_order_and_an_unreadable_one_affects_no_other(session):
    [outcomes] = _read(_digits(session), [[image(1), b"no picture", image(2)] * 50])

    assert [outcome.answer.digit for outcome in outcomes[0::3]] == [1] * 50
    assert all(isinstance(outcome, UnreadableImage) for outcome in outcomes[1::3])
    assert [outcome.answer.digit for outcome in outcomes[2::3]] == [2] * 50


def test_nothing_is_read_to_nothing(session):
    assert _read(_digits(session), [[]]) == [[]]


def test_a_blank_picture_does_not_reach_the_model(session):
    [[outcome]] = _read(_digits(session), [[np.zeros((28, 28), np.uint8)]])

    assert outcome.answer.digit is None
    assert session.batches == []


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_small_and_large_pictures_and_documents_come_back_in_their_places(session, draw, suffix):
    pipeline = _digits(session, preprocess=Preprocess.AUTO)
    small, large = draw(7), draw(7, side=2000, suffix=suffix)
    pixels, pdf = decode(large, max_pixels=10**8), document([from_bytes(draw(4))], "PDF")

    [outcomes] = _read(pipeline, [[small, large, b"no picture", pixels, pdf, small, large] * 2])

    expected = [normalise(decode(each, max_pixels=10**8)).image for each in (small, large, pdf)]
    assert all(isinstance(outcome, UnreadableImage) for outcome in outcomes[2::7])
    for place, image_ in ((0, 0), (1, 1), (3, 1), (4, 2), (5, 0), (6, 1)):
        assert all(np.array_equal(each.shown, expected[image_]) for each in outcomes[place::7])


@pytest.mark.parametrize("side", [100, 3000])
def test_a_picture_with_more_pixels_than_allowed_is_refused(session, draw, side):
    pipeline = replace(_digits(session), max_pixels=side * side - 1)

    [[outcome]] = _read(pipeline, [[draw(7, side=side)]])

    assert isinstance(outcome, PictureTooLarge)


@pytest.mark.parametrize(("file_format", "number"), [("PNG", 8), ("PDF", 2)])
def test_a_small_picture_passes_a_large_one_and_a_document(session, draw, file_format, number):
    large = document([from_bytes(draw(7, side=3000))], file_format, resolution=300)

    async def scenario(engine):
        slow = asyncio.create_task(engine.run(_digits(session, Preprocess.AUTO), [large] * number))
        await asyncio.sleep(0.01)
        await engine.run(_digits(session), [image(1)])
        assert not slow.done()
        await slow

    _run(scenario)


def test_a_document_waits_for_no_more_than_one_of_a_batch(session, draw):
    pdf = document([from_bytes(draw(7))], "PDF")

    async def scenario(engine):
        batch = asyncio.create_task(engine.run(_digits(session, Preprocess.AUTO), [pdf] * 3))
        await asyncio.sleep(0)
        await engine.run(_digits(session, Preprocess.AUTO), [pdf])
        assert not batch.done()
        await batch

    _run(scenario)


def test_a_batch_of_more_documents_than_can_be_read_in_time_is_refused(session):
    with pytest.raises(BatchTooLarge, match=r"has 3 PDF.*at most 2 are read within 2 s"):
        _read(_digits(session), [[b"%PDF-"] * 3], request_timeout=2.0)


@pytest.mark.parametrize("content", [b"%PDF-", np.zeros((1000, 1000), np.uint8)])
def test_streams_of_slow_pictures_are_read_however_long_they_take(session, monkeypatch, content):
    monkeypatch.setattr(DigitPipeline, "normalise", lambda *_: time.sleep(0.1) or image(1))
    monkeypatch.setattr(DigitPipeline, "decode", lambda *_: image(1))
    pipeline = _digits(session, Preprocess.AUTO)

    async def scenario(engine):
        streams = (engine.run(pipeline, [content] * 11, wait=True) for _ in range(2))
        return await asyncio.gather(*streams)

    for result in _run(scenario, request_timeout=2.0):
        assert [outcome.answer.digit for outcome in result.outcomes] == [1] * 11


def test_requests_that_wait_for_a_model_share_a_micro_batch(session):
    requests = [[image(digit) for digit in digits] for digits in ([1], [2, 3], [4])]

    outcomes = _read_while_busy(_digits(session), requests)

    assert session.batches == [[1, 2, 3, 4]]
    assert [[each.answer.digit for each in one] for one in outcomes] == [[1], [2, 3], [4]]


def test_a_micro_batch_holds_each_request_to_its_criteria(session):
    strict, lenient = _digits(session), _digits(session, threshold=0.0)

    async def scenario(engine, _):
        return await asyncio.gather(engine.run(strict, [image(1)]), engine.run(lenient, [image(1)]))

    first, second = _while_busy(scenario)

    assert session.batches == [[1, 1]]
    assert first.outcomes[0].answer.decision == "review"
    assert second.outcomes[0].answer.decision == "accept"


def test_a_single_picture_waits_for_no_more_than_one_turn_of_a_batch(session):
    _read_while_busy(_digits(session), [[image(1)] * 500, [image(2)]])

    assert 2 in session.batches[0]


def test_batches_of_equal_size_share_a_micro_batch_alike(session):
    turn = DigitPipeline.turn

    _read_while_busy(_digits(session), [[image(1)] * turn, [image(2)] * turn])

    assert session.batches[0] == [1] * turn + [2] * turn


def test_models_take_turns(session):
    other = RecordingSession()

    async def scenario(engine, _):
        batch = asyncio.create_task(engine.run(_digits(session), [image(1)] * 500))
        await asyncio.sleep(0)
        await engine.run(_digits(other), [image(2)])
        assert not batch.done()
        await batch

    _while_busy(scenario)


def test_a_cancelled_request_is_not_started(session):
    async def scenario(engine, release):
        abandoned = asyncio.create_task(engine.run(_digits(session), [image(1)]))
        patient = asyncio.create_task(engine.run(_digits(session), [image(2)]))
        await asyncio.sleep(0)
        abandoned.cancel()
        await asyncio.sleep(0)
        release()
        await patient

    _while_busy(scenario, releases=True)

    assert session.batches == [[2]]


def test_the_rest_of_a_cancelled_batch_is_not_started(session):
    async def scenario(engine):
        batch = asyncio.create_task(engine.run(_digits(session), [image(1)] * 500))
        while not session.batches:
            await asyncio.sleep(0)
        batch.cancel()
        await asyncio.sleep(0)
        session.may_run.set()
        await engine.run(_digits(session), [image(2)])

    session.may_run.clear()
    _run(scenario)

    assert sum(map(len, session.batches)) < 200


def test_an_expired_request_is_not_started(session):
    async def scenario(engine, release):
        with pytest.raises(DeadlineExceeded, match=r"0\.05 s"):
            await engine.run(_digits(session), [image(1)] * 500)
        release()

    _while_busy(scenario, releases=True, request_timeout=0.05)

    assert session.batches == []


def test_a_failed_run_fails_for_all_its_requests_and_no_others(session):
    failing = _digits(FailingSession(RuntimeError("broken")))

    async def scenario(engine, _):
        return await asyncio.gather(
            engine.run(failing, [image(1)]),
            engine.run(failing, [image(2)] * 100),
            engine.run(_digits(session), [image(3)]),
            return_exceptions=True,
        )

    first, second, third = _while_busy(scenario)

    assert isinstance(first, InferenceFailed)
    assert isinstance(second, InferenceFailed)
    assert first is not second
    assert third.outcomes[0].answer.digit == 3


@pytest.mark.parametrize("pixels", [28, 3000])
def test_a_fault_with_one_picture_fails_no_other_request(session, monkeypatch, pixels):
    faulty = np.zeros((pixels, pixels), np.uint8)
    normalised = DigitPipeline.normalise

    def fails(self, picture):
        if picture is faulty:
            raise RuntimeError("unforeseen")
        return normalised(self, picture)

    monkeypatch.setattr(DigitPipeline, "normalise", fails)

    async def scenario(engine):
        return await asyncio.gather(
            engine.run(_digits(session), [image(1), faulty, image(1)]),
            engine.run(_digits(session), [image(2)]),
            return_exceptions=True,
        )

    fault, sound = _run(scenario)

    assert isinstance(fault, InferenceFailed)
    assert sound.outcomes[0].answer.digit == 2


@pytest.mark.parametrize(("side", "times"), [(28, 1), (1000, 1), (None, 0)])
def test_a_picture_is_prepared_once_and_a_tensor_never(session, side, times):
    content = image(1) if side is None else np.full((side, side), 255, np.uint8)
    pipeline, metrics = _digits(session, Preprocess.AUTO), Metrics()

    _run(lambda engine: engine.run(pipeline, [content]), metrics=metrics)

    metrics.flush()
    for step in ("decode", "normalise"):
        name = f"numeral_{step}_duration_seconds_count"
        assert metrics.registry.get_sample_value(name) == times


def test_a_request_past_the_queue_is_refused_at_once(session):
    async def scenario(engine, release):
        waiting = asyncio.create_task(engine.run(_digits(session), [image(1)] * 99))
        await asyncio.sleep(0)
        with pytest.raises(QueueFull, match="at most 100 images"):
            await engine.run(_digits(session), [image(2)])
        release()
        await waiting
        return await engine.run(_digits(session), [image(2)])

    assert _while_busy(scenario, releases=True, queue_size=100).outcomes


def test_a_batch_larger_than_the_queue_is_read_when_nothing_else_is_there(session):
    [outcomes] = _read(_digits(session), [[image(1)] * 100], queue_size=1)

    assert len(outcomes) == 100


def test_the_event_loop_runs_beside_the_model(session):
    async def scenario(engine):
        reading = asyncio.create_task(engine.run(_digits(session), [image(1)]))
        while not session.batches:
            await asyncio.sleep(0)
        assert not reading.done()
        session.may_run.set()
        await reading

    session.may_run.clear()
    _run(scenario)


def test_what_the_model_sees_can_be_shown(session, seven):
    pipeline = _digits(session, preprocess=Preprocess.AUTO)

    async def scenario(engine):
        with pytest.raises(UnreadableImage):
            await engine.prepare(pipeline, b"no picture")
        return await engine.prepare(pipeline, seven)

    shown = _run(scenario)

    assert np.array_equal(shown.image, normalise(decode(seven, max_pixels=10**6)).image)
    assert session.batches == []


def test_the_times_of_a_request_add_up(session, seven):
    async def scenario(engine):
        return (await engine.run(_digits(session, Preprocess.AUTO), [seven] * 3)).times

    times = _run(scenario)

    busy = times.decoding + times.normalising + times.inferring
    assert min(times.decoding, times.normalising, times.inferring) > 0
    assert times.finished - times.submitted == busy + times.waiting


def test_strips_of_about_a_width_are_read_together_and_others_apart():
    session = SevenSession()

    [outcomes] = _read(_fields(session), [[_strip(width) for width in (100, 300, 101, 301)]])

    assert [outcome.answer.text for outcome in outcomes] == ["7"] * 4
    assert sorted(shape[0] for shape in session.shapes) == [2, 2]


def test_a_single_field_passes_a_batch():
    session = SevenSession()

    async def scenario(engine):
        batch = asyncio.create_task(engine.run(_fields(session), [_strip(100)] * 100))
        while not session.shapes:
            await asyncio.sleep(0)
        await engine.run(_fields(session), [_strip(300)])
        assert not batch.done()
        await batch

    _run(scenario)

    assert max(shape[0] for shape in session.shapes) <= LARGEST_FIELD_BATCH


def test_fields_that_take_long_are_read_one_by_one():
    session = SevenSession(seconds=0.08)

    _read(_fields(session), [[_strip(100)] * 8])

    first, *others = (shape[0] for shape in session.shapes)
    assert others == [1] * (8 - first)


def test_steps_of_pages_run_one_at_a_time_beside_the_event_loop():
    running, most = 0, 0

    def step():
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.01)
        running -= 1
        return threading.current_thread() is threading.main_thread()

    async def both():
        async with Engine(queue_size=2, request_timeout=10) as engine:
            return await asyncio.gather(*(engine.work(step) for _ in range(2)))

    assert asyncio.run(both()) == [False, False]
    assert most == 1


def test_a_page_past_its_deadline_is_given_up_and_its_next_step_is_not_started():
    release, started = threading.Event(), []

    async def late():
        async with Engine(queue_size=2, request_timeout=0.05) as engine:
            first = asyncio.create_task(engine.work(release.wait))
            await asyncio.sleep(0)
            try:
                with pytest.raises(DeadlineExceeded):
                    async with engine.deadline():
                        await engine.work(lambda: started.append(1))
            finally:
                release.set()
            await first

    asyncio.run(late())

    assert started == []


def test_a_hanging_model_does_not_keep_the_process_from_exiting():
    program = """
import asyncio, threading
from service.inference.engine import Engine
from service.inference.digits import DigitPipeline, Preprocess
from service.inference.decisions import Criteria
from tests.service.fakes import RecordingSession, classifier_of, image

async def main():
    session = RecordingSession()
    session.may_run.clear()
    pipeline = DigitPipeline(classifier_of(session), Criteria(0.5, 1.0), Preprocess.NONE, 10**6)
    async with Engine(queue_size=10, request_timeout=0.1) as engine:
        await engine.run(pipeline, [image(1)])

asyncio.run(main())
"""
    began = time.monotonic()

    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert "DeadlineExceeded" in finished.stderr
    assert time.monotonic() - began < 50


def test_threads_end_with_the_engine(session):
    before = threading.active_count()

    _read(_digits(session), [[image(1)]])

    assert threading.active_count() <= before


def _read(pipeline, requests, **settings):
    """The outcomes of requests that arrive together."""

    async def scenario(engine):
        results = await asyncio.gather(*(engine.run(pipeline, each) for each in requests))
        return [result.outcomes for result in results]

    return _run(scenario, **settings)


def _read_while_busy(pipeline, requests):
    async def scenario(engine, _):
        results = await asyncio.gather(*(engine.run(pipeline, each) for each in requests))
        return [result.outcomes for result in results]

    return _while_busy(scenario)


def _while_busy(scenario, *, releases=False, **settings):
    """Run `scenario` while the thread is busy with another model, until all of it waits.

    Args:
        scenario: called with the engine, and with what makes that model finish.
        releases: whether the scenario makes it finish.
    """
    other = RecordingSession()
    other.may_run.clear()

    async def busy(engine):
        first = asyncio.create_task(engine.run(_digits(other, card=OTHER), [image(9)]))
        while not other.batches:
            await asyncio.sleep(0)
        rest = asyncio.create_task(scenario(engine, other.may_run.set))
        await asyncio.sleep(0.01)
        if not releases:
            other.may_run.set()
        ended = await rest
        await asyncio.gather(first, return_exceptions=True)
        return ended

    return _run(busy, **settings)


def _run(scenario, *, queue_size=1000, request_timeout=60.0, metrics=None):
    settings = {"queue_size": queue_size, "request_timeout": request_timeout}

    async def main():
        async with Engine(**settings, metrics=metrics) as engine:
            return await asyncio.wait_for(scenario(engine), 60)

    return asyncio.run(main())


def _digits(session, preprocess=Preprocess.NONE, *, threshold=None, card=CARD):
    # All pipelines of a session have the same model.
    session.model = getattr(session, "model", None) or classifier_of(session, card)
    return DigitPipeline(session.model, Criteria(threshold, 1.0), preprocess, 10**8)


def _fields(session):
    return FieldPipeline(Reader(bars_card(), session), 0.9, Constraints(), 10**8)


def _strip(width: int) -> np.ndarray:
    picture = np.full((40, width), 230, np.uint8)
    picture[4:36, 8:16] = 20
    return picture
