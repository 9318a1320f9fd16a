"""What a full queue answers at the door: the same that it answers further in, only sooner."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPResponse
from urllib.parse import urlsplit

import httpx
import pytest

# The framework takes its time for a page's request, and the door leaves it to that.
FURTHER_IN = {"Origin": "https://forms.example"}


@pytest.fixture(scope="module")
def long_work(draw):
    picture = draw(1, side=1500)
    return [("files", (f"{index}.png", picture)) for index in range(50)]


@pytest.fixture
def busy(start, long_work):
    """A service with room for one image, for as long as it reads fifty."""
    service = start(queue_size=1, log_level="info")
    service.wait_until_ready()
    with ThreadPoolExecutor(1) as pool:
        url = f"{service.url}/predict/batch"
        work = pool.submit(httpx.post, url, files=long_work, timeout=60)
        service.wait_for(lambda: _queue(service) == len(long_work))
        yield service
        assert work.result().status_code == 200


def test_a_refusal_at_the_door_is_the_same_as_further_in(busy, seven):
    at_the_door, further_in = (_refused(busy, seven, more) for more in ({}, FURTHER_IN))

    for answer in (at_the_door, further_in):
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    assert _without_ids(at_the_door.json()) == _without_ids(further_in.json())
    one, other = (
        {name: value for name, value in answer.headers.items() if name != "date"}
        for answer in (at_the_door, further_in)
    )
    assert one.pop("x-request-id") != other.pop("x-request-id")
    assert one == other


def test_a_refusal_carries_the_callers_own_id_and_is_logged(busy, seven):
    answer = _refused(busy, seven, {"X-Request-ID": "Mine.1"})

    assert answer.headers["X-Request-ID"] == answer.json()["request_id"] == "Mine.1"
    busy.wait_for(lambda: "Mine.1" in busy.log)
    [line] = [line for line in busy.log.splitlines() if "Mine.1" in line]
    assert "status=503" in line
    assert "path=/predict" in line


def test_refusals_are_counted(busy, seven):
    for _ in range(3):
        _refused(busy, seven)

    text = httpx.get(f"{busy.url}/metrics").text
    assert 'numeral_rejected_total{reason="queue-full"} 3.0' in text


def test_a_connection_serves_on_after_refusals(busy, seven):
    with _caller(busy) as caller:
        for pieces in ([_request(seven)], [_request(seven)[:99], _request(seven)[99:]]):
            for piece in pieces:
                caller.sendall(piece)
            assert _status(caller) == 503
        caller.sendall(b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n")
        assert _status(caller) == 200


def _refused(service, picture, headers=()):
    answer = httpx.post(f"{service.url}/predict", content=picture, headers=dict(headers))
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    return answer


def _without_ids(problem):
    return {name: value for name, value in problem.items() if name != "request_id"}


def _request(picture):
    return b"POST /predict HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n%b" % (
        len(picture),
        picture,
    )


@contextmanager
def _caller(service):
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as caller:
        yield caller


def _status(caller):
    answer = HTTPResponse(caller)
    answer.begin()
    json.loads(answer.read())
    return answer.status


def _queue(service):
    for line in httpx.get(f"{service.url}/metrics").text.splitlines():
        if line.startswith("numeral_queue_images "):
            return float(line.split()[-1])
    return 0
