"""Micro-batching: what waits is taken together, in fair turns, and nobody waits for company."""

import asyncio
import time

import pytest

from service.errors import DeadlineExceeded, InferenceFailed
from service.imaging import UnreadableImage
from service.inference.batcher import TURN, Batcher, Job
from service.inference.decisions import Criteria
from service.inference.digits import DigitPipeline, Preprocess
from service.inference.preparing import Times
from tests.service.fakes import (
    FailingSession,
    RecordingSession,
    classifier_of,
    image,
    silent_metrics,
)

MINUTE_NS = 60 * 10**9


@pytest.fixture
def session():
    return RecordingSession()


def test_a_single_image_is_run_at_once(session):
    [digits] = _run(session, [[7]])

    assert session.batches == [[7]]
    assert digits == [7]


def test_what_comes_together_is_run_together(session):
    digits = _run(session, [[1], [2, 3], [4]])

    assert session.batches == [[1, 2, 3, 4]]
    assert digits == [[1], [2, 3], [4]]


def test_a_micro_batch_keeps_to_its_cap(session):
    _run(session, [[1], [2], [3], [4], [5]], largest=2)

    assert session.batches == [[1, 2], [3, 4], [5]]


def test_a_job_larger_than_a_micro_batch_comes_back_in_order(session):
    [digits] = _run(session, [[1, 2, 3, 4, 5]], largest=2)

    assert session.batches == [[1, 2], [3, 4], [5]]
    assert digits == [1, 2, 3, 4, 5]


def test_a_single_image_waits_for_no_more_than_one_turn_of_a_batch(session):
    _run(session, [[1] * 10 * TURN, [2]], largest=2 * TURN)

    assert 2 in session.batches[0]


def test_jobs_of_equal_size_share_a_micro_batch_alike(session):
    _run(session, [[1] * 2 * TURN, [2] * 2 * TURN], largest=2 * TURN)

    assert [sorted(batch) for batch in session.batches] == [[1] * TURN + [2] * TURN] * 2


def test_models_take_turns(session):
    other = RecordingSession()
    order = []

    async def scenario(batcher):
        busy = _pipeline(session, largest=1)
        jobs = [_job(busy, [digit]) for digit in (1, 2, 3)]
        jobs.append(_job(_pipeline(other, largest=1), [9]))
        for job in jobs:
            job.done.add_done_callback(lambda _, job=job: order.append(_digits(job)))
        await asyncio.gather(*map(batcher.submit, jobs))

    _in_loop(scenario)

    assert order == [[1], [9], [2], [3]]


def test_a_caller_who_gave_up_is_not_computed(session):
    async def scenario(batcher):
        pipeline = _pipeline(session)
        abandoned = batcher.submit(_job(pipeline, [1]))
        patient = batcher.submit(_job(pipeline, [2]))
        await asyncio.sleep(0)
        abandoned.cancel()
        await patient

    _in_loop(scenario)

    assert session.batches == [[2]]


def test_a_job_past_its_deadline_is_not_computed(session):
    async def scenario(batcher):
        late = _job(_pipeline(session), [1], deadline=time.perf_counter_ns() - 1)
        with pytest.raises(DeadlineExceeded):
            await batcher.submit(late)

    _in_loop(scenario)

    assert session.batches == []


def test_a_picture_that_cannot_be_read_does_not_disturb_its_neighbours(session):
    async def scenario(batcher):
        job = _job(_pipeline(session), [1])
        job.contents = [image(1), b"no picture", image(2)]
        await batcher.submit(job)
        return job.outcomes

    first, second, third = _in_loop(scenario)

    assert [first.answer.digit, third.answer.digit] == [1, 2]
    assert isinstance(second, UnreadableImage)


def test_a_failed_run_fails_for_all_its_callers_and_no_others(session):
    async def scenario(batcher):
        failing = _pipeline(FailingSession(RuntimeError("broken")))
        jobs = [_job(failing, [1]), _job(failing, [2] * 100), _job(_pipeline(session), [3])]
        return await asyncio.gather(*map(batcher.submit, jobs), return_exceptions=True)

    first, second, third = _in_loop(scenario)

    assert isinstance(first, InferenceFailed)
    assert isinstance(second, InferenceFailed)
    assert first is not second
    assert third is None
    assert session.batches == [[3]]


def test_a_fault_with_one_picture_costs_nobody_else_an_answer(session, monkeypatch):
    def prepare(_pipeline, content, *_):
        if content is None:
            raise RuntimeError("unforeseen")
        return content

    monkeypatch.setattr("service.inference.batcher.prepare", prepare)

    async def scenario(batcher):
        pipeline = _pipeline(session)
        faulty, sound, later = (_job(pipeline, [digit]) for digit in (1, 2, 3))
        faulty.contents = [image(1), None, image(1)]
        ended = await asyncio.gather(*map(batcher.submit, (faulty, sound)), return_exceptions=True)
        await batcher.submit(later)
        return [*ended, *map(_digits, (sound, later))]

    fault, *others = _in_loop(scenario)

    assert isinstance(fault, RuntimeError)
    assert others == [None, [2], [3]]


def test_those_who_come_one_by_one_do_not_put_it_off(session):
    async def scenario(batcher):
        pipeline, jobs = _pipeline(session), []
        while not session.batches:
            jobs.append(_job(pipeline, [1]))
            batcher.submit(jobs[-1])
            await asyncio.sleep(0)
        await asyncio.gather(*(job.done for job in jobs))

    _in_loop(scenario)

    assert len(session.batches[0]) <= 64


def test_others_run_between_the_micro_batches_of_a_large_job(session):
    async def scenario(batcher):
        job = batcher.submit(_job(_pipeline(session, largest=1), [1] * 100))
        while not session.batches:
            await asyncio.sleep(0)
        assert not job.done()
        await job

    _in_loop(scenario)

    assert len(session.batches) == 100


def test_the_times_of_a_job_add_up(session):
    async def scenario(batcher):
        job = _job(_pipeline(session, largest=1), [1, 2, 3])
        await batcher.submit(job)
        return job.times

    times = _in_loop(scenario)

    busy = times.decoding + times.normalising + times.inferring
    assert times.inferring > 0
    assert times.finished - times.submitted == busy + times.waiting


def _run(session, jobs, *, largest=64):
    """The digits read for each of `jobs`, lists of digits that come at once."""

    async def scenario(batcher):
        pipeline = _pipeline(session, largest=largest)
        made = [_job(pipeline, digits) for digits in jobs]
        await asyncio.gather(*map(batcher.submit, made))
        return list(map(_digits, made))

    return _in_loop(scenario)


def _in_loop(scenario):
    async def main():
        return await asyncio.wait_for(scenario(Batcher(silent_metrics())), 60)

    return asyncio.run(main())


def _pipeline(session, *, largest=64):
    classifier = classifier_of(session, largest=largest)
    return DigitPipeline(classifier, Criteria(0.5, 1.0), Preprocess.NONE, 10**6)


def _job(pipeline, digits, *, deadline=None):
    if deadline is None:
        deadline = time.perf_counter_ns() + MINUTE_NS
    done = asyncio.get_running_loop().create_future()
    return Job(pipeline, list(map(image, digits)), deadline, done, Times())


def _digits(job):
    return [outcome.answer.digit for outcome in job.outcomes]
