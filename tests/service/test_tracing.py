"""Traces: which one a log line names, and what has a span."""

import asyncio

import pytest

from service.tracing import Tracing, trace_fields

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "header",
    [f"00-{TRACE}-{SPAN}-01", f" 00-{TRACE}-{SPAN}-00 ", f"42-{TRACE}-{SPAN}-01-what-comes-later"],
)
def test_a_valid_header_names_the_trace_and_the_span(header):
    assert trace_fields(header) == {"trace_id": TRACE, "span_id": SPAN}


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01\nforged",
    ],
)
def test_any_other_header_is_ignored(header):
    assert trace_fields(header) == {}


@pytest.mark.parametrize("odd", [{}, {"query_string": b"\xff"}, {"headers": [(b"x", b"\xff\\N")]}])
def test_every_request_is_handled_and_those_that_can_be_described_have_a_span(odd):
    pytest.importorskip("opentelemetry.instrumentation.asgi")
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    spans, handled = InMemorySpanExporter(), []

    async def app(scope, _receive, _send):
        handled.append(scope["path"])

    tracing = Tracing(spans)
    scope = {"type": "http", "method": "GET", "path": "/x", "query_string": b"", "headers": []}
    asyncio.run(tracing.middleware(app, lambda path: path)({**scope, **odd}, None, None))
    tracing.close()

    assert handled == ["/x"]
    assert [span.name for span in spans.get_finished_spans()] == ([] if odd else ["GET /x"])
