"""Errors before the body has arrived: the client sees the answer and can stop sending."""

from http.client import HTTPResponse

import pytest

from service.auth.api_keys import Role, new_key
from tests.e2e.raw import connected

pytestmark = pytest.mark.own_processes("Ray's proxy reads HTTP, and reads on after an answer")

MEBIBYTE = 1024 * 1024

HEADS = {
    "too large": ("POST /predict", 413),
    "no such path": ("POST /nowhere", 404),
    "no such method": ("PUT /predict", 405),
    "no such type": ("POST /predict", 415),
}


@pytest.mark.parametrize(("line", "status"), HEADS.values(), ids=HEADS.keys())
def test_a_client_that_is_still_sending_sees_the_answer(server, line, status):
    with connected(server) as client:
        _begin(client, line, 10 * MEBIBYTE if status != 413 else 20 * MEBIBYTE)
        answer = _answer(client)

        # The connection is not reset while the answer may be in transit.
        for _ in range(10):
            client.sendall(bytes(64 * 1024))
        assert answer.status == status
        assert answer.headers["Connection"] == "close"
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.read()
        assert client.recv(1) == b""


def test_a_client_that_never_stops_sending_is_cut_off(server):
    def send_for_ever(client):
        while True:
            client.sendall(bytes(MEBIBYTE))

    with connected(server) as client:
        _begin(client, "POST /nowhere", 1 << 40)

        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            send_for_ever(client)


def test_chunks_past_the_limit_are_refused(server):
    with connected(server) as client:
        client.sendall(
            b"POST /predict HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(17):
            client.sendall(b"%x\r\n%b\r\n" % (MEBIBYTE, bytes(MEBIBYTE)))
        answer = _answer(client)

        assert answer.status == 413
        assert answer.headers["Connection"] == "close"


def test_the_connection_survives_a_short_body_that_was_not_read(server, seven):
    with connected(server) as client:
        for _ in range(2):
            _begin(client, "POST /nowhere", len(seven))
            answer = _answer(client)
            assert answer.status == 404
            assert answer.headers["Connection"] is None
            answer.read()
            client.sendall(seven)
        _begin(client, "POST /predict", len(seven))
        client.sendall(seven)
        assert _answer(client).status == 200


def test_a_client_that_waits_for_100_continue_is_refused(server):
    with connected(server) as client:
        _begin(client, "POST /nowhere", 10, "Expect: 100-continue\r\n")
        answer = _answer(client)

        assert answer.status == 404
        assert answer.headers["Connection"] == "close"


def test_a_missing_key_is_answered_before_the_body(start, tmp_path):
    _, line = new_key("teller", Role.PREDICT)
    file = tmp_path / "keys.jsonl"
    file.write_text(line.model_dump_json())
    service = start(api_keys_file=file)

    with connected(service.url) as client:
        _begin(client, "POST /predict", 10 * MEBIBYTE)
        answer = _answer(client)

        assert answer.status == 401
        assert answer.headers["Connection"] == "close"


def _begin(client, line, length, more=""):
    """Send a head without its body."""
    media_type = "text/plain" if length == 10 * MEBIBYTE else "image/png"
    head = f"Host: test\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n{more}"
    client.sendall(f"{line} HTTP/1.1\r\n{head}\r\n".encode())


def _answer(client):
    answer = HTTPResponse(client)
    answer.begin()
    return answer
