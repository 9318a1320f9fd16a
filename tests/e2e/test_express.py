"""What plain requests for a picture are answered: the same as others, only sooner."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from urllib.parse import urlsplit

import httpx
import pytest

# A page's request is not plain, and goes the framework's way.
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
    with _caller(busy.url) as caller:
        for pieces in ([_request(seven)], [_request(seven)[:99], _request(seven)[99:]]):
            for piece in pieces:
                caller.sendall(piece)
            assert _read(caller)[0] == 503
        caller.sendall(b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n")
        assert _read(caller)[0] == 200


@pytest.mark.parametrize("query", ["", "?model=cnn&max_error=0.01"])
@pytest.mark.parametrize("kind", ["digit", "blank", "cut"])
def test_the_express_answers_as_the_framework_does(server, seven, blank, kind, query):
    picture = {"digit": seven, "blank": blank, "cut": seven[:-30] + b"x" * 30}[kind]
    with _caller(server) as caller:
        answers = []
        for lines in (b"", b"Origin: https://forms.example\r\n"):
            caller.sendall(_request(picture, query, lines))
            answers.append(_read(caller))

    (status, headers, answer), (other_status, other_headers, other_answer) = answers
    assert status == other_status
    assert _without_ids(answer) == _without_ids(other_answer)
    assert headers.keys() == other_headers.keys()
    own = {"x-request-id", "date"}
    assert {n: v for n, v in headers.items() if n not in own} == {
        n: v for n, v in other_headers.items() if n not in own
    }


def test_answers_come_in_the_order_of_their_requests(server, seven, blank):
    live = b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n"
    with _caller(server) as caller:
        for _ in range(30):
            for data in (_request(seven), live, _request(blank), _request(seven) + live):
                caller.sendall(data)
            answers = [_read(caller)[2] for _ in range(5)]
            assert [answer.get("digit", "live") for answer in answers] == [
                7,
                "live",
                None,
                7,
                "live",
            ]


def test_a_request_in_pieces_is_read_too(server, seven):
    data = _request(seven)
    with _caller(server) as caller:
        for cut in (5, 30, len(data) - len(seven), len(data) - 1):
            for piece in (data[:cut], data[cut:]):
                caller.sendall(piece)
                time.sleep(0.02)
            assert _read(caller)[2]["digit"] == 7


def _refused(service, picture, headers=()):
    answer = httpx.post(f"{service.url}/predict", content=picture, headers=dict(headers))
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    return answer


def _without_ids(problem):
    return {name: value for name, value in problem.items() if name != "request_id"}


def _request(picture, query="", lines=b""):
    start = b"POST /predict%b HTTP/1.1\r\nHost: test\r\n" % query.encode()
    return b"%b%bContent-Length: %d\r\n\r\n%b" % (start, lines, len(picture), picture)


@contextmanager
def _caller(url):
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as caller:
        yield SimpleNamespace(sendall=caller.sendall, file=caller.makefile("rb"))


def _read(caller):
    status = int(caller.file.readline().split()[1])
    lines = iter(lambda: caller.file.readline().decode().strip(), "")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return status, headers, json.loads(caller.file.read(int(headers["content-length"])))


def _queue(service):
    for line in httpx.get(f"{service.url}/metrics").text.splitlines():
        if line.startswith("numeral_queue_images "):
            return float(line.split()[-1])
    return 0
