"""Traces, sent to a collector that the test runs."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector(ThreadingHTTPServer):
    """Takes spans over OTLP and HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[ExportTraceServiceRequest] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def resource(self) -> dict[str, str]:
        return _attributes(self.requests[0].resource_spans[0].resource)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with Collector() as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        yield collector
        collector.shutdown()


def test_a_request_is_a_span_in_the_trace_of_its_caller(start, collector):
    service = start(tracing="true", log_format="json")
    service.wait_until_ready()

    httpx.get(
        f"{service.url}/v2/models/nobody?key=1",
        headers={"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-ID": "mine"},
    )

    service.wait_for(lambda: _in_trace(collector))
    [span] = _in_trace(collector)
    attributes = _attributes(span)
    assert span.name == "GET /v2/models/{name}"
    assert span.kind == Span.SPAN_KIND_SERVER
    assert span.parent_span_id.hex() == PARENT
    assert attributes["http.request.method"] == "GET"
    assert attributes["http.route"] == "/v2/models/{name}"
    assert attributes["http.response.status_code"] == "404"
    assert attributes["url.path"] == "/v2/models/nobody"
    assert collector.resource()["service.name"] == "numeral"

    service.wait_for(lambda: '"mine"' in service.log)
    [line] = [line for line in service.log.splitlines() if '"mine"' in line]
    assert json.loads(line)["trace_id"] == TRACE
    assert json.loads(line)["span_id"] == span.span_id.hex()


def test_a_stop_sends_the_last_spans(start, collector, monkeypatch):
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "digits")
    service = start("--tracing")
    httpx.get(f"{service.url}/health/live")
    assert not collector.requests

    service.stop()

    assert "GET /health/live" in {span.name for span in collector.spans()}
    assert collector.resource()["service.name"] == "digits"


def test_spans_are_sent_only_on_request(start, collector):
    service = start()
    httpx.get(f"{service.url}/health/live")
    service.stop()

    assert not collector.requests


def test_a_missing_collector_affects_no_request(start, monkeypatch, seven):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    service = start(tracing="true")
    service.wait_until_ready()

    assert httpx.post(f"{service.url}/predict", content=seven).json()["digit"] == 7
    assert service.stop() == 0
    assert "the last traces could not be sent" in service.log


def _in_trace(collector: Collector) -> list[Span]:
    return [span for span in collector.spans() if span.trace_id.hex() == TRACE]


def _attributes(described) -> dict[str, str]:
    return {
        each.key: each.value.string_value or str(each.value.int_value)
        for each in described.attributes
    }
