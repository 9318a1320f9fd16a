"""What all requests share: ids, disconnects, encodings, parameters."""

import gzip
import json
import socket

import httpx
import pytest


@pytest.mark.parametrize("sent", ["order-66", "a" * 128, "1.2_3-x"])
def test_a_valid_request_id_is_returned(server, sent):
    response = httpx.get(f"{server}/health/live", headers={"X-Request-ID": sent})

    assert response.headers["X-Request-ID"] == sent


@pytest.mark.own_processes("Ray's proxy passes on any X-Request-ID")
@pytest.mark.parametrize("sent", ["", "a" * 129, "two words", "<script>", "a\tb"])
def test_any_other_request_id_is_replaced(server, sent):
    response = httpx.get(f"{server}/health/live", headers={"X-Request-ID": sent})

    assert response.headers["X-Request-ID"] != sent
    assert len(response.headers["X-Request-ID"]) == 32


def test_two_requests_have_different_ids(server):
    first, second = (httpx.get(f"{server}/health/live") for _ in range(2))

    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


def test_an_error_carries_the_request_id_too(server):
    response = httpx.get(f"{server}/nowhere", headers={"X-Request-ID": "lost"})

    assert response.headers["X-Request-ID"] == response.json()["request_id"] == "lost"


def test_a_disconnect_cancels_the_request(start, draw):
    service = start("--log-format", "json")
    service.wait_until_ready()
    # Reading them takes many times as long as noticing that a silent client has closed.
    pictures = 200 * [("files", ("1.png", draw(1, side=4000)))]
    request = httpx.Request("POST", f"{service.url}/predict/batch", files=pictures)
    request.read()

    with socket.create_connection((request.url.host, request.url.port)) as caller:
        head = "POST /predict/batch HTTP/1.1\r\nHost: test\r\nX-Request-ID: gone\r\n"
        head += f"Content-Type: {request.headers['content-type']}\r\n"
        head += f"Content-Length: {len(request.content)}\r\n\r\n"
        caller.sendall(head.encode() + request.content)

    service.wait_for(lambda: "gone" in service.log)
    [line] = [line for line in service.log.splitlines() if '"request_id": "gone"' in line]
    noted = json.loads(line)
    assert (noted["method"], noted["path"], noted["status"]) == ("POST", "/predict/batch", 499)
    assert httpx.post(f"{service.url}/predict", content=draw(1)).json()["digit"] == 1


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip"])
def test_a_compressed_body_is_refused(server, seven, path, encoding):
    response = httpx.post(
        f"{server}{path}",
        content=gzip.compress(seven),
        headers={"Content-Type": "image/png", "Content-Encoding": encoding},
    )

    assert response.status_code == 415
    assert f"Content-Encoding is {encoding};" in response.json()["detail"]


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
def test_an_identity_encoding_is_accepted(server, seven, encoding):
    response = httpx.post(
        f"{server}/predict", content=seven, headers={"Content-Encoding": encoding}
    )

    assert response.json()["digit"] == 7


@pytest.mark.parametrize("count", [2, 17, 100])
def test_several_files_for_one_prediction_are_referred_to_the_batch(server, seven, count):
    files = [("file", (f"{index}.png", seven)) for index in range(count)]

    response = httpx.post(f"{server}/predict", files=files)

    assert response.status_code == 422
    assert response.json()["type"] == "/problems/invalid-request"
    assert "/predict/batch" in response.json()["detail"]


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_the_error_for_an_unknown_parameter_lists_the_known_ones(server, seven, path):
    response = httpx.post(f"{server}{path}", params={"maxerror": 0.1}, content=seven)

    assert response.status_code == 422
    [fault] = response.json()["errors"]
    assert fault["where"] == "maxerror"
    assert "model, max_error, preprocess" in fault["what"]


@pytest.mark.parametrize("path", ["/models", "/health/live", "/openapi.json"])
def test_a_path_that_allows_get_allows_head(server, path):
    refused = httpx.delete(f"{server}{path}")

    assert refused.status_code == 405
    assert set(refused.headers["Allow"].split(", ")) == {"GET", "HEAD"}
    assert httpx.head(f"{server}{path}").status_code == 200
