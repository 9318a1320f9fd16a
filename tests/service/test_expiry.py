"""What is called back in time, and what is not."""

import asyncio

from service.expiry import Expiry


def test_what_is_not_called_off_is_called_back_in_order():
    called = []

    async def scenario(expiry):
        for name in ("a", "b", "c"):
            expiry.start(lambda name=name: called.append(name))
        await asyncio.sleep(0.1)

    _run(scenario)

    assert called == ["a", "b", "c"]


def test_what_is_called_off_is_not_called_back():
    called = []

    async def scenario(expiry):
        first, _ = (expiry.start(lambda name=name: called.append(name)) for name in ("a", "b"))
        expiry.stop(first)
        await asyncio.sleep(0.1)

    _run(scenario)

    assert called == ["b"]


def test_what_starts_later_is_called_back_later():
    called = []

    async def scenario(expiry):
        expiry.start(lambda: expiry.start(lambda: called.append("second")))
        await asyncio.sleep(0.2)

    _run(scenario)

    assert called == ["second"]


def test_one_that_fails_disturbs_neither_the_others_nor_those_to_come():
    called = []

    async def scenario(expiry):
        asyncio.get_running_loop().set_exception_handler(lambda *_: called.append("failed"))
        expiry.start(lambda: 1 / 0)
        expiry.start(lambda: called.append("beside"))
        await asyncio.sleep(0.1)
        expiry.start(lambda: called.append("after"))
        await asyncio.sleep(0.1)

    _run(scenario)

    assert called == ["failed", "beside", "after"]


def test_to_call_off_what_was_called_back_is_no_mistake():
    async def scenario(expiry):
        key = expiry.start(lambda: None)
        await asyncio.sleep(0.1)
        expiry.stop(key)

    _run(scenario)


def _run(scenario):
    async def main():
        await scenario(Expiry(0.01))

    asyncio.run(main())
