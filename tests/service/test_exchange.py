"""One request and its answer: bounds on the body, a caller who leaves, a service that stops."""

import asyncio

import pytest
from starlette.responses import PlainTextResponse

from service.api.held import HeldBytes
from service.errors import BodyTooLarge, BodyTooSlow, TooManyBodies
from service.exchange import Exchanges
from tests.service.fakes import silent_metrics

MOST = 10
DISCONNECT = {"type": "http.disconnect"}


def test_a_body_within_its_bounds_is_handed_on():
    assert _run(_takes_all, [_part(b"12345", more=True), _part(b"67890")]) == [b"1234567890"]


def test_a_body_that_announces_too_much_is_not_received():
    received = []

    async def app(_scope, receive, _send):
        with pytest.raises(BodyTooLarge):
            received.append(await receive())

    _run(app, [_part(b"")], headers=[(b"content-length", b"11")])

    assert received == []


def test_a_body_that_grows_too_large_is_received_no_further():
    async def app(_scope, receive, _send):
        await receive()
        with pytest.raises(BodyTooLarge):
            await receive()

    _run(app, [_part(b"12345", more=True), _part(b"678901", more=True)])


def test_a_body_that_does_not_end_in_time_is_given_up():
    async def app(_scope, receive, _send):
        await receive()
        with pytest.raises(BodyTooSlow):
            await receive()

    _run(app, [_part(b"1", more=True), asyncio.Event], seconds=0.01)


def test_a_body_that_others_leave_no_room_for_is_refused():
    held = HeldBytes(MOST)
    held.total = MOST

    async def app(_scope, receive, _send):
        with pytest.raises(TooManyBodies):
            await receive()

    _run(app, [_part(b"1")], held=held)

    assert held.total == MOST


def test_what_a_body_held_is_given_back_whatever_happens():
    held = HeldBytes(MOST)

    async def app(_scope, receive, _send):
        await receive()
        assert held.total == 5
        raise RuntimeError

    with pytest.raises(RuntimeError):
        _run(app, [_part(b"12345")], held=held)

    assert held.total == 0


def test_work_for_a_caller_who_has_gone_is_given_up():
    worked = []

    async def app(_scope, receive, _send):
        await receive()
        await asyncio.sleep(60)
        worked.append("in vain")

    sent = _run(app, [_part(b"1"), DISCONNECT], seconds=0.01)

    assert worked == []
    assert sent[0] == 499


def test_an_answer_that_has_begun_is_finished_though_its_caller_has_gone():
    async def app(scope, receive, send):
        await receive()
        scope["state"]["answering"] = True
        await asyncio.sleep(0.1)
        await PlainTextResponse("done")(scope, receive, send)

    assert _run(app, [_part(b"1"), DISCONNECT], seconds=0.01) == [200, b"done"]


def test_a_request_that_is_not_answered_when_the_service_stops_is_told_so():
    async def app(_scope, _receive, _send):
        raise asyncio.CancelledError

    status, body = _run(app, [])

    assert status == 503
    assert b"/problems/stopping" in body


def test_an_answer_that_has_begun_when_the_service_stops_is_cut_off():
    async def app(scope, _receive, _send):
        scope["state"]["answering"] = True
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        _run(app, [])


async def _takes_all(_scope, receive, send):
    body, more = b"", True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    await send({"type": "http.response.body", "body": body})


def _part(body, *, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


def _run(app, messages, *, headers=(), seconds=60.0, held=None):
    """What `app` sends, statuses and bodies, for a request that brings `messages`."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/predict",
        "headers": list(headers),
        "state": {"request_id": "mine", "metrics": silent_metrics()},
    }
    coming, sent = iter(messages), []

    async def receive():
        message = next(coming, asyncio.Event)
        if message is asyncio.Event:
            await asyncio.Event().wait()
        return message

    async def send(message):
        sent.append(message.get("status", message.get("body")))

    async def main():
        limits = held or HeldBytes(100)
        exchanges = Exchanges(app, max_bytes=MOST, held=limits, seconds=seconds)
        await exchanges(scope, receive, send)

    asyncio.run(main())
    return sent
