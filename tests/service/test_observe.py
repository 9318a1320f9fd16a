"""What is noted of a request, whatever answers it."""

import asyncio

import pytest
from structlog.contextvars import get_contextvars

from service.metrics import Metrics
from service.observe import Observe
from service.paths import PathTemplates

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
BODY = {"type": "http.response.body", "body": b"{}"}
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


async def answers(_scope, _receive, send):
    await send(START)
    await send(BODY)


def test_a_message_that_is_sent_again_and_again_stays_as_it_is():
    first, second = _sent(answers), _sent(answers)

    assert [name for name, _ in START["headers"]] == [b"content-length"]
    assert len(first[0]["headers"]) == len(second[0]["headers"]) > 2


def test_lines_of_a_request_carry_its_id_and_the_trace_of_its_caller():
    seen = {}

    async def app(scope, receive, send):
        seen.update(await asyncio.to_thread(get_contextvars))
        await answers(scope, receive, send)

    traceparent = f"00-{TRACE}-{SPAN}-01".encode()
    _sent(app, headers=[(b"x-request-id", b"mine"), (b"traceparent", traceparent)])

    assert seen == {"request_id": "mine", "trace_id": TRACE, "span_id": SPAN}


def test_a_request_that_fails_unanswered_is_counted_as_a_fault():
    async def app(_scope, _receive, _send):
        raise RuntimeError

    metrics = Metrics()
    with pytest.raises(RuntimeError):
        _sent(app, metrics=metrics)

    metrics.flush()
    labels = {"method": "GET", "route": "/models", "status": "500"}
    assert metrics.registry.get_sample_value("numeral_requests_total", labels) == 1
    assert metrics.registry.get_sample_value("numeral_requests_in_flight") == 0


def test_a_request_in_work_is_in_flight():
    metrics = Metrics()
    in_flight = []

    async def app(scope, receive, send):
        in_flight.append(metrics.in_flight)
        await answers(scope, receive, send)

    _sent(app, metrics=metrics)

    assert in_flight == [1]
    assert metrics.in_flight == 0


def _sent(app, *, headers=(), metrics=None):
    """What `app`, observed, sends in answer to a request."""
    sent = []

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/models", "headers": headers}
    metrics = metrics or Metrics()
    observed = Observe(app, metrics=metrics, paths=PathTemplates(["/models"]))
    asyncio.run(observed(scope, receive, send))
    return sent
