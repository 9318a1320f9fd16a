"""Admission control: a bound for all, a share for streams, and a pace for refusals."""

import asyncio

import pytest

from service.errors import QueueFull
from service.inference.admission import Admission, Pace


def test_turns_are_taken_in_order():
    async def scenario():
        admission, entered = Admission(20), []

        async def enter(images):
            async with admission.in_turn(images):
                entered.append(images)
                await asyncio.sleep(0)

        async with admission.in_turn(8):
            waiting = [asyncio.create_task(enter(images)) for images in (5, 20, 1)]
            await asyncio.sleep(0)
            assert entered == []
        await asyncio.gather(*waiting)
        with admission.now(20):
            return entered

    assert asyncio.run(scenario()) == [5, 20, 1]


def test_neither_turns_nor_other_requests_lock_each_other_out():
    async def scenario():
        admission = Admission(20)
        async with admission.in_turn(10):
            waiting = asyncio.create_task(_enter(admission, 1))
            await asyncio.sleep(0)
            with admission.now(10), pytest.raises(QueueFull), admission.now(1):
                pass
        await waiting
        with admission.now(20):
            await asyncio.wait_for(_enter(admission, 10), 10)

    asyncio.run(scenario())


@pytest.mark.parametrize("called", [False, True])
def test_a_cancelled_wait_takes_no_turn(called):
    async def scenario():
        admission = Admission(20)
        async with admission.in_turn(10):
            first, second = (asyncio.create_task(_enter(admission, 10)) for _ in range(2))
            await asyncio.sleep(0)
            if not called:
                first.cancel()
                await asyncio.sleep(0)
        if called:
            first.cancel()
        await second
        async with admission.in_turn(10):
            return first.cancelled()

    assert asyncio.run(scenario())


def test_a_pace_delays_only_what_exceeds_it():
    pace = Pace(per_second=4, longest=0.6)

    assert [pace.delay(now) for now in (100, 100, 100, 100, 100, 101, 102)] == pytest.approx(
        [0, 0.25, 0.5, 0.6, 0.6, 0, 0]
    )


def test_a_cancelled_delay_ends_without_an_error():
    async def scenario():
        pace = Pace(per_second=0.001, longest=1000)
        await pace.wait()
        delayed = asyncio.create_task(pace.wait())
        await asyncio.sleep(0)
        delayed.cancel()
        await delayed

    asyncio.run(scenario())


async def _enter(admission, images):
    async with admission.in_turn(images):
        pass
