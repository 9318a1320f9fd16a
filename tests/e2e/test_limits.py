"""Limits that need a socket or real work, and stops in the middle of work."""

import base64
import contextlib
import json
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes

import httpx
import pytest

from tests.e2e.raw import connected
from tests.e2e.running import run_service

LONG_WORK_PICTURES = 50


@pytest.fixture(scope="module")
def long_work(draw):
    """Form fields that keep a service busy for some seconds."""
    picture = draw(1, side=1500)
    return [("files", (f"{index}.png", picture)) for index in range(LONG_WORK_PICTURES)]


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """A service whose queue holds one picture."""
    with run_service(tmp_path_factory.mktemp("narrow"), queue_size=1) as service:
        service.wait_until_ready()
        yield service


def test_a_request_beyond_the_queue(narrow, seven, long_work):
    with _in_work(narrow, seven, long_work) as (work, refused):
        problem = _expect(refused, 503, "queue-full")
        assert "at most 1 images" in problem["detail"]
        assert int(refused.headers["Retry-After"]) > 0
        assert work.result().status_code == 200
    assert _predict(narrow, seven).status_code == 200


def test_a_stop_lets_a_request_in_work_finish(narrow, seven, long_work):
    """The last test of this service."""
    with _in_work(narrow, seven, long_work) as (work, _):
        status = narrow.stop()
        response = work.result()

    assert status == 0
    assert response.status_code == 200
    assert len(response.json()["predictions"]) == LONG_WORK_PICTURES


def test_a_request_beyond_its_deadline(app_client, seven, long_work):
    client = app_client(request_timeout=0.2)

    response = client.post("/predict/batch", files=long_work)
    data = [base64.b64encode(picture).decode() for _, (_, picture) in long_work]
    tensor = {"name": "image_bytes", "shape": [len(data)], "datatype": "BYTES", "data": data}
    protocol = client.post("/v2/models/resnet/infer", json={"inputs": [tensor]})

    assert "0.2 s" in _expect(response, 504, "deadline-exceeded")["detail"]
    assert (protocol.status_code, "0.2 s" in protocol.json()["error"]) == (504, True)
    assert client.post("/predict", content=seven).status_code == 200


def test_a_body_beyond_its_deadline(start_ready):
    service = start_ready(body_timeout=0.5)

    with _upload(service, announced=1000) as caller:
        began = time.monotonic()
        while time.monotonic() < began + 30 and not _has_answer(caller):
            caller.send(b"x")
        response = _response(caller)

    _expect(response, 408, "body-too-slow")
    assert response.headers["Connection"] == "close"


def test_bodies_beyond_the_memory_budget(start_ready, seven):
    service = start_ready(max_total_body_bytes=len(seven))

    with _upload(service, announced=1000, sent=b"x"):
        # Beside the byte of the other connection, as soon as that has arrived.
        service.wait_for(lambda: _predict(service, seven).status_code != 200)
        refused = _predict(service, seven)
        _expect(refused, 503, "too-many-bodies")
        assert int(refused.headers["Retry-After"]) > 0
    # Neither an answered request nor a disconnected client holds anything.
    service.wait_for(lambda: _predict(service, seven).status_code == 200)


@pytest.mark.own_processes("Ray ends it itself, which is answered with 500")
def test_a_stop_gives_up_an_upload_that_hangs(start_ready):
    service = start_ready(request_timeout=1)

    with _upload(service, announced=1000, sent=b"x") as caller:
        service.process.terminate()
        response = _response(caller)

    _expect(response, 503, "stopping")
    assert service.process.wait(30) == 0
    assert "Traceback" not in service.log


def test_a_plain_run_logs_requests_without_a_warning_and_ends_with_success(start_ready):
    service = start_ready()

    httpx.get(f"{service.url}/x%0AERROR%20forged%0D%1B[2J")

    service.wait_for(lambda: "forged" in service.log)
    [line] = [line for line in service.log.splitlines() if "forged" in line]
    assert "[info     ] request" in line
    assert "method=GET" in line
    assert "path=/x%0AERROR%20forged%0D%1B%5B2J" in line
    assert "[warning" not in service.log
    assert service.stop() == 0


def test_settings_without_a_use_are_named_in_the_log(start_ready):
    rates = {"max_error": 1e-9, "field_max_error": 1e-9}
    log = start_ready(queue_sise=1, data="/nowhere", workers=2, **rates).log

    assert "[warning  ] NUMERAL_QUEUE_SISE sets nothing" in log
    assert log.count("sets nothing") == 1
    assert "[warning  ] every picture will be sent to review" in log
    assert "[warning  ] every field will be sent to review" in log


def _predict(service, picture):
    return httpx.post(f"{service.url}/predict", content=picture, timeout=60)


@contextlib.contextmanager
def _in_work(service, picture, long_work):
    """Start a long request and have another refused; the queue holds one."""

    def persist():
        while True:
            answer = httpx.post(f"{service.url}/predict/batch", files=long_work, timeout=60)
            # The other request may have taken the place first.
            if answer.status_code != 503:
                return answer

    with ThreadPoolExecutor(1) as caller:
        work = caller.submit(persist)
        while (response := _predict(service, picture)).status_code == 200:
            assert not work.done()
        yield work, response


@contextlib.contextmanager
def _upload(service, *, announced, sent=b""):
    """Open a connection over which the service receives a body, `sent` of it so far."""
    head = (
        "POST /predict HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\n"
        f"Content-Length: {announced}\r\n\r\n"
    )
    with connected(service.url) as caller:
        caller.sendall(head.encode())
        assert b"100 Continue" in caller.recv(1000)
        caller.sendall(sent)
        yield caller


def _has_answer(caller):
    caller.settimeout(0.1)
    with contextlib.suppress(TimeoutError):
        return bool(caller.recv(1, socket.MSG_PEEK))
    return False


def _response(caller):
    """Return what the service answers before it closes the connection."""
    caller.settimeout(30)
    answer = b"".join(iter(lambda: caller.recv(65536), b""))
    start_line, rest = answer.split(b"\r\n", 1)
    head, content = rest.split(b"\r\n\r\n", 1)
    status = int(re.fullmatch(rb"HTTP/1\.1 (\d+) .*", start_line)[1])
    return httpx.Response(status, headers=message_from_bytes(head).items(), content=content)


def _expect(response, status, slug):
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = json.loads(response.content)
    assert problem["type"] == f"/problems/{slug}"
    assert problem["request_id"] == response.headers["X-Request-ID"]
    return problem
