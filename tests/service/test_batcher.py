"""Micro-batching: what waits is taken together, and nobody waits for company."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from service.inference.batcher import Batcher
from tests.service.fakes import FailingSession, HeldSession, classifier_of, image


def test_a_single_image_is_run_at_once():
    session = HeldSession()

    async def scenario(batcher):
        return await batcher.classify(classifier_of(session), image(7))

    scored = _run(scenario)

    assert session.batches == [[7]]
    assert scored.probabilities.argmax(axis=1).tolist() == [7]


def test_what_waits_for_a_busy_worker_is_run_together():
    session = HeldSession(held=True)
    classifier = classifier_of(session)

    async def scenario(batcher):
        first = await _occupy(batcher, session, classifier)
        rest = [_submit(batcher, classifier, image(digit)) for digit in (1, 2, 3)]
        await _settle()
        session.let_go()
        return await asyncio.gather(first, *rest)

    answers = _run(scenario)

    assert session.batches == [[0], [1, 2, 3]]
    assert [answer.probabilities.argmax() for answer in answers] == [0, 1, 2, 3]


def test_a_micro_batch_keeps_to_its_cap():
    session = HeldSession(held=True)
    classifier = classifier_of(session)

    async def scenario(batcher):
        first = await _occupy(batcher, session, classifier)
        rest = [_submit(batcher, classifier, image(digit)) for digit in (1, 2, 3, 4, 5)]
        await _settle()
        session.let_go()
        await asyncio.gather(first, *rest)

    _run(scenario, largest=2)

    assert session.batches == [[0], [1, 2], [3, 4], [5]]


def test_the_images_of_a_caller_stay_together():
    session = HeldSession(held=True)
    classifier = classifier_of(session)
    pair, triple = (np.concatenate([image(d) for d in digits]) for digits in ((1, 2), (3, 4, 5)))

    async def scenario(batcher):
        first = await _occupy(batcher, session, classifier)
        rest = [_submit(batcher, classifier, images) for images in (pair, triple)]
        await _settle()
        session.let_go()
        return await asyncio.gather(first, *rest)

    answers = _run(scenario, largest=4)

    assert session.batches == [[0], [1, 2], [3, 4, 5]]
    assert answers[2].probabilities.argmax(axis=1).tolist() == [3, 4, 5]


def test_models_take_turns():
    busy, other = HeldSession(held=True), HeldSession()
    busy_classifier, other_classifier = classifier_of(busy), classifier_of(other)
    order = []

    async def scenario(batcher):
        first = await _occupy(batcher, busy, busy_classifier)
        rest = [_submit(batcher, busy_classifier, image(digit)) for digit in (1, 2, 3)]
        rest.append(_submit(batcher, other_classifier, image(9)))
        for digit, task in zip((1, 2, 3, 9), rest, strict=True):
            task.add_done_callback(lambda _, digit=digit: order.append(digit))
        await _settle()
        busy.let_go()
        await asyncio.gather(first, *rest)

    _run(scenario, largest=1)

    assert order == [1, 9, 2, 3]


def test_a_caller_who_gave_up_is_not_computed():
    session = HeldSession(held=True)
    classifier = classifier_of(session)

    async def scenario(batcher):
        first = await _occupy(batcher, session, classifier)
        abandoned = _submit(batcher, classifier, image(1))
        patient = _submit(batcher, classifier, image(2))
        await _settle()
        abandoned.cancel()
        session.let_go()
        await asyncio.gather(first, patient)

    _run(scenario)

    assert session.batches == [[0], [2]]


def test_a_caller_who_gives_up_during_the_run_does_not_disturb_the_others():
    session = HeldSession(held=True)
    classifier = classifier_of(session)

    async def scenario(batcher):
        first = await _occupy(batcher, session, classifier)
        first.cancel()
        patient = _submit(batcher, classifier, image(2))
        await _settle()
        session.let_go()
        return await patient

    assert _run(scenario).probabilities.argmax() == 2


def test_a_failed_run_fails_for_all_its_callers_and_no_others():
    failing, sound = classifier_of(FailingSession(RuntimeError("broken"))), HeldSession()

    async def scenario(batcher):
        tasks = [_submit(batcher, failing, image(digit)) for digit in (1, 2)]
        tasks.append(_submit(batcher, classifier_of(sound), image(3)))
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, second, third = _run(scenario)

    assert isinstance(first, RuntimeError)
    assert isinstance(second, RuntimeError)
    assert third.probabilities.argmax() == 3


def _run(scenario, *, largest=64):
    async def main():
        with ThreadPoolExecutor(1) as executor:
            return await asyncio.wait_for(scenario(Batcher(executor, largest=largest)), 60)

    return asyncio.run(main())


def _submit(batcher, classifier, images):
    return asyncio.create_task(batcher.classify(classifier, images))


async def _occupy(batcher, session, classifier):
    """Let the worker run image 0 until the session is let go."""
    task = _submit(batcher, classifier, image(0))
    await asyncio.to_thread(session.running.wait, 60)
    return task


async def _settle():
    """Let every task that was created run up to where it waits."""
    for _ in range(3):
        await asyncio.sleep(0)
