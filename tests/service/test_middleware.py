"""What surrounds every request: its context, its API key, the limits of its body."""

import asyncio

import pytest
from starlette.responses import PlainTextResponse
from structlog.contextvars import get_contextvars

from service.api.security import role_for
from service.auth.api_keys import Role
from service.errors import BodyTooLarge, BodyTooSlow, TooManyBodies
from service.memory import MemoryBudget
from service.metrics import Metrics
from service.middleware import BodyLimit, RequestContext

MAX_BYTES = 10
DISCONNECT = {"type": "http.disconnect"}
NOTHING_MORE = asyncio.Event
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
BODY = {"type": "http.response.body", "body": b"{}"}
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


async def answer(_scope, _receive, send):
    await send(START)
    await send(BODY)


async def receive_all(_scope, receive, send):
    message = await receive()
    await send({"type": "http.response.body", "body": message["body"]})
    assert not message["more_body"]


def test_a_message_that_is_sent_twice_stays_as_it_is():
    first, second = _run_context(answer), _run_context(answer)

    assert [name for name, _ in START["headers"]] == [b"content-length"]
    assert len(first[0]["headers"]) == len(second[0]["headers"]) > 2


def test_log_lines_of_a_request_carry_its_id_and_the_trace_of_its_caller():
    seen = {}

    async def app(scope, receive, send):
        seen.update(await asyncio.to_thread(get_contextvars))
        await answer(scope, receive, send)

    traceparent = f"00-{TRACE}-{SPAN}-01".encode()
    _run_context(app, headers=[(b"x-request-id", b"mine"), (b"traceparent", traceparent)])

    assert seen == {"request_id": "mine", "trace_id": TRACE, "span_id": SPAN}


def test_a_request_that_fails_without_a_response_is_counted_as_an_internal_error():
    async def app(_scope, _receive, _send):
        raise RuntimeError

    metrics = Metrics()
    with pytest.raises(RuntimeError):
        _run_context(app, metrics=metrics)

    metrics.flush()
    labels = {"method": "GET", "route": "/models", "status": "500"}
    assert metrics.registry.get_sample_value("numeral_requests_total", labels) == 1
    assert metrics.registry.get_sample_value("numeral_requests_in_flight") == 0


def test_a_running_request_is_in_flight():
    metrics = Metrics()
    in_flight = []

    async def app(scope, receive, send):
        in_flight.append(metrics.in_flight)
        await answer(scope, receive, send)

    _run_context(app, metrics=metrics)

    assert in_flight == [1]
    assert metrics.in_flight == 0


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/page/scripts/main.js",
        "/docs",
        "/redoc",
        "/openapi.json",
        "/health/live",
        "/problems",
        "/v2/health/ready",
    ],
)
def test_monitoring_and_documentation_require_no_key(path):
    assert role_for(path) is None


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("/predict", Role.PREDICT),
        ("/models", Role.PREDICT),
        ("/v2", Role.PREDICT),
        ("/v2/models/cnn/infer", Role.PREDICT),
        ("/metrics", Role.METRICS),
        ("/admin/reload", Role.ADMIN),
        ("/reviews", Role.ADMIN),
        *((path, Role.PREDICT) for path in ("", "/new", "//health/live", "/healthy", "/docs/")),
        *((path, Role.PREDICT) for path in ("/page", "/v2/healthy")),
    ],
)
def test_every_other_path_requires_a_key(path, role):
    assert role_for(path) is role


def test_a_body_within_its_limits_arrives_as_one_message():
    assert _run(receive_all, [_part(b"12345", more=True), _part(b"67890")]) == [b"1234567890"]


@pytest.mark.parametrize("announced", [b"11", b"9" * 4300])
def test_a_body_that_announces_too_much_is_not_received(announced):
    async def app(_scope, receive, _send):
        with pytest.raises(BodyTooLarge):
            await receive()

    _run(app, [], headers=[(b"content-length", announced)])


def test_a_body_that_grows_too_large_is_not_received_further():
    received = []

    async def app(_scope, receive, _send):
        with pytest.raises(BodyTooLarge):
            received.append(await receive())

    messages = iter([_part(b"12345", more=True), _part(b"678901", more=True), _part(b"")])
    _run(app, messages)

    assert received == []
    assert len(list(messages)) == 1


def test_a_body_that_is_not_complete_in_time_is_refused():
    async def app(_scope, receive, _send):
        with pytest.raises(BodyTooSlow):
            await receive()

    _run(app, [_part(b"1", more=True), NOTHING_MORE], seconds=0.01)


def test_a_body_that_does_not_fit_beside_others_is_refused():
    memory = MemoryBudget(MAX_BYTES)
    memory.total = MAX_BYTES

    async def app(_scope, receive, _send):
        with pytest.raises(TooManyBodies):
            await receive()

    _run(app, [_part(b"1")], memory=memory)

    assert memory.total == MAX_BYTES


def test_the_memory_of_a_body_is_released_when_its_request_fails():
    memory = MemoryBudget(MAX_BYTES)

    async def app(_scope, receive, _send):
        await receive()
        assert memory.total == 5
        raise RuntimeError

    assert _run(app, [_part(b"12345")], memory=memory)[0] == 500
    assert memory.total == 0


def test_work_for_a_client_that_disconnected_is_cancelled():
    worked = []

    async def app(_scope, receive, _send):
        await receive()
        await asyncio.sleep(60)
        worked.append("in vain")

    assert _run(app, [_part(b"1"), DISCONNECT])[0] == 499
    assert worked == []


def test_a_response_that_has_started_is_finished_though_its_client_disconnected():
    async def app(scope, receive, send):
        await receive()
        scope["state"]["response_started"] = True
        await asyncio.sleep(0.2)
        await PlainTextResponse("done")(scope, receive, send)

    assert _run(app, [_part(b"1"), DISCONNECT]) == [200, b"done"]


def test_a_request_that_the_stopping_server_cancels_is_answered():
    async def app(_scope, _receive, _send):
        raise asyncio.CancelledError

    status, body = _run(app, [])

    assert status == 503
    assert b"/problems/stopping" in body


def test_a_response_that_has_started_when_the_server_stops_is_cut_off():
    async def app(scope, _receive, _send):
        scope["state"]["response_started"] = True
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        _run(app, [])


def _part(body, *, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


def _run_context(app, *, headers=(), metrics=None):
    """Run `app` in a `RequestContext`; return what it sends."""
    sent = []

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/models", "headers": headers}
    context = RequestContext(app, metrics=metrics or Metrics(), route_of=lambda path: path)
    asyncio.run(context(scope, receive, send))
    return sent


def _run(app, messages, *, headers=(), seconds=60.0, memory=None):
    """Run `app` in a `BodyLimit`; return the statuses and bodies that it sends."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/predict",
        "headers": list(headers),
        "state": {"request_id": "mine", "metrics": Metrics(), "response_started": False},
    }
    coming, sent = iter(messages), []

    async def receive():
        message = next(coming, NOTHING_MORE)
        if message is NOTHING_MORE:
            await asyncio.Event().wait()
        return message

    async def send(message):
        sent.append(message.get("status", message.get("body")))

    async def main():
        limit = BodyLimit(
            app,
            max_bytes=MAX_BYTES,
            memory=memory or MemoryBudget(100),
            seconds=seconds,
            is_streamed=lambda _: False,
        )
        await limit(scope, receive, send)

    asyncio.run(main())
    return sent
