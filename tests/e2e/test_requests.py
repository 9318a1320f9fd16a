"""What holds for every request: ids, and callers who go away."""

import json
import socket

import httpx
import pytest


@pytest.mark.parametrize("sent", ["order-66", "a" * 128, "1.2_3-x"])
def test_a_sane_request_id_comes_back(server, sent):
    response = httpx.get(f"{server}/health/live", headers={"X-Request-ID": sent})

    assert response.headers["X-Request-ID"] == sent


@pytest.mark.parametrize("sent", ["", "a" * 129, "two words", "<script>", "a\tb"])
def test_any_other_request_id_is_replaced(server, sent):
    response = httpx.get(f"{server}/health/live", headers={"X-Request-ID": sent})

    assert response.headers["X-Request-ID"] != sent
    assert len(response.headers["X-Request-ID"]) == 32


def test_two_requests_have_two_ids(server):
    first, second = (httpx.get(f"{server}/health/live") for _ in range(2))

    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


def test_an_error_carries_the_request_id_too(server):
    response = httpx.get(f"{server}/nowhere", headers={"X-Request-ID": "lost"})

    assert response.headers["X-Request-ID"] == response.json()["request_id"] == "lost"


def test_work_for_a_caller_who_has_gone_is_given_up(start, draw):
    service = start("--log-format", "json")
    service.wait_until_ready()
    pictures = [("files", ("1.png", draw(1, side=1500))) for _ in range(200)]
    request = httpx.Request("POST", f"{service.url}/predict/batch", files=pictures)
    request.read()

    with socket.create_connection((request.url.host, request.url.port)) as caller:
        head = "POST /predict/batch HTTP/1.1\r\nHost: test\r\nX-Request-ID: gone\r\n"
        head += f"Content-Type: {request.headers['content-type']}\r\n"
        head += f"Content-Length: {len(request.content)}\r\n\r\n"
        caller.sendall(head.encode() + request.content)

    service.wait_for(lambda: "gone" in service.log)
    [line] = [line for line in service.log.splitlines() if '"request_id": "gone"' in line]
    assert json.loads(line)["message"].startswith("POST /predict/batch 499 ")
    assert httpx.post(f"{service.url}/predict", content=draw(1)).json()["digit"] == 1
