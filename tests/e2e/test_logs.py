"""The log of a running service: a line per request, the same fields on all of them."""

import json

import httpx
import pytest

from tests.e2e.raw import connected
from tests.e2e.running import run_service

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A service that logs JSON."""
    with run_service(tmp_path_factory.mktemp("logs"), log_format="json") as running:
        running.wait_until_ready()
        yield running


def test_a_request_has_a_line_in_json(service, seven):
    response = httpx.post(
        f"{service.url}/predict", content=seven, headers={"X-Request-ID": "order-66"}
    )

    line = _line(service, request_id="order-66")
    assert list(line)[:4] == ["time", "level", "logger", "event"]
    assert line["event"] == "request"
    assert line["level"] == "info"
    assert line["method"] == "POST"
    assert line["path"] == "/predict"
    assert line["status"] == 200
    assert line["milliseconds"] > 0
    assert line["bytes"] == len(response.content)
    assert line["client"] == "127.0.0.1"


def test_the_line_names_the_trace_of_the_caller(service):
    headers = {"X-Request-ID": "traced", "traceparent": f"00-{TRACE}-{SPAN}-01"}
    httpx.head(f"{service.url}/models", headers=headers)

    line = _line(service, request_id="traced")
    assert (line["trace_id"], line["span_id"], line["bytes"]) == (TRACE, SPAN, 0)


@pytest.mark.own_processes("Ray starts the replicas")
def test_a_line_names_the_worker_that_wrote_it(start):
    service = start(log_format="json", workers=2)
    service.wait_until_all_serve(2)
    httpx.get(f"{service.url}/models", headers={"X-Request-ID": "order-66"})

    assert _line(service, request_id="order-66")["process"] in service.worker_ids()
    served = [
        line for line in map(json.loads, service.log.splitlines()) if "serves" in line["event"]
    ]
    assert {line["process"] for line in served} == {service.process.pid}


@pytest.mark.own_processes("Ray's proxy reads HTTP, and logs elsewhere")
def test_what_a_library_logs_looks_the_same(service):
    with connected(service.url) as caller:
        caller.sendall(b"this is not HTTP\r\n\r\n")

    line = _line(service, logger="uvicorn.error")
    assert line["level"] == "warning"
    assert "Invalid HTTP request" in line["event"]


def _line(service, **fields):
    """The one JSON line that has these fields."""

    def found():
        lines = [json.loads(line) for line in service.log.splitlines() if line.endswith("}")]
        return [line for line in lines if fields.items() <= line.items()]

    service.wait_for(found)
    [line] = found()
    return line
