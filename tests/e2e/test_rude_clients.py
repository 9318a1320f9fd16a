"""Clients that send invalid HTTP or disconnect: the service answers the next request."""

import contextlib
import json
import re
import socket
import struct
from email import message_from_bytes

import httpx
import pytest

from tests.e2e.raw import connected
from tests.e2e.running import run_service

POST = b"POST /predict HTTP/1.1\r\nHost: test\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
GET = b"GET /health/live HTTP/1.1\r\nHost: test\r\n"

# What a client has sent when its connection breaks.
STATES = {
    "nothing": b"",
    "half a request line": b"POST /pre",
    "half a header": POST + b"Content-Le",
    "a head but its end": POST,
    "a head": POST + b"Content-Length: 1000\r\n\r\n",
    "a head that expects to continue": POST
    + b"Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n",
    "half a body": POST + b"Content-Length: 1000\r\n\r\n" + bytes(500),
    "half a chunk's size": CHUNKED + b"1",
    "a chunk's size": CHUNKED + b"100\r\n",
    "half a chunk": CHUNKED + b"100\r\n" + bytes(100),
    "a chunk": CHUNKED + b"4\r\nabcd\r\n",
    "all but the last line break": CHUNKED + b"4\r\nabcd\r\n0\r\n",
    "half a stream": CHUNKED.replace(
        b"/predict HTTP/1.1\r\n",
        b"/predict/batch HTTP/1.1\r\nContent-Type: application/x-ndjson\r\n",
    )
    + b'6\r\n"eA=="\r\n',
    "a request and a half": GET + b"\r\n" + POST,
}

# Invalid requests.
NONSENSE = {
    "no words": b"\r\n\r\n\r\n\x00\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/9": b"GET / HTTP/9.9\r\n\r\n",
    "an unknown method": b"BREW /predict HTTP/1.1\r\nHost: test\r\n\r\n",
    "a raw byte in the path": b"GET /\xff HTTP/1.1\r\nHost: test\r\n\r\n",
    "a line break in a name": GET + b"a\r\nb: c\r\n\r\n",
    "a zero byte in a value": GET + b"a: \x00\r\n\r\n",
    "a space before the colon": GET + b"a : b\r\n\r\n",
    "no colon": GET + b"abc\r\n\r\n",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "a length that is a word": POST + b"Content-Length: all\r\n\r\n",
    "a length of 5000 digits": POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length and chunks": POST
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk's size that is a word": CHUNKED + b"zz\r\n",
    "a chunk's size below zero": CHUNKED + b"-1\r\n",
    "a chunk's size past 64 bits": CHUNKED + b"f" * 17 + b"\r\n",
    "a chunk longer than it says": CHUNKED + b"1\r\nabc\r\n0\r\n\r\n",
}


reads_http = pytest.mark.own_processes("Ray's proxy reads HTTP")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with run_service(tmp_path_factory.mktemp("rude"), log_level="debug", body_timeout=1) as running:
        running.wait_until_ready()
        yield running
        assert "Traceback" not in running.log


@pytest.fixture(autouse=True)
def _answers_the_next_request(service, seven):
    yield
    assert httpx.post(f"{service.url}/predict", content=seven).json()["digit"] == 7


@pytest.mark.parametrize("abruptly", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("sent", STATES.values(), ids=STATES.keys())
def test_a_connection_that_is_cut(service, sent, abruptly):
    with connected(service.url) as client:
        if abruptly:
            # Closing it then sends a reset.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sendall(sent)


@reads_http
@pytest.mark.parametrize("sent", NONSENSE.values(), ids=NONSENSE.keys())
def test_invalid_http_is_refused_and_the_connection_closed(service, sent):
    with connected(service.url) as client:
        client.sendall(sent)

        head, body = _rest(client).split(b"\r\n\r\n", 1)

    assert head.startswith(b"HTTP/1.1 400 ")
    headers = message_from_bytes(head.split(b"\r\n", 1)[1])
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Connection"] == "close"
    problem = json.loads(body)
    assert problem["type"] == "/problems/bad-request"
    assert problem["request_id"] == headers["X-Request-ID"]
    service.wait_for(lambda: problem["request_id"] in service.log)


@reads_http
@pytest.mark.parametrize(
    "codings", [b"gzip, chunked", b"gzip", b"gzip\r\nTransfer-Encoding: chunked"]
)
def test_a_compressed_transfer_is_refused_in_words(service, codings):
    with connected(service.url) as client:
        client.sendall(POST + b"Transfer-Encoding: " + codings + b"\r\n\r\n1\r\na\r\n0\r\n\r\n")

        head, body = _rest(client).split(b"\r\n\r\n", 1)

    assert head.startswith(b"HTTP/1.1 400 ")
    assert "uncompressed" in json.loads(body)["detail"]


@reads_http
@pytest.mark.parametrize(
    "endless",
    [
        (b"GET /", b"a" * 8192),
        (GET, b"a: b\r\n" * 1024),
        (GET + b"a: ", b"b" * 8192),
        (CHUNKED + b"0\r\n", b"a: b\r\n" * 1024),
        (CHUNKED + b"1;", b"a" * 8192),
    ],
    ids=["path", "headers", "header", "trailers", "chunk extension"],
)
def test_an_endless_head_is_cut_off(service, endless):
    beginning, more = endless

    with connected(service.url) as client, pytest.raises((ConnectionResetError, BrokenPipeError)):
        client.sendall(beginning + more * 10_000)


@reads_http
@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /hea", GET, CHUNKED + b"0\r\na: b"],
    ids=["nothing", "a word", "a header", "half a trailer"],
)
def test_an_incomplete_head_times_out(service, sent):
    with connected(service.url) as client:
        client.sendall(sent)

        answer = _rest(client)

    assert answer == b"" or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 408 "))


def test_a_head_of_thirty_thousand_bytes_is_read(service):
    with connected(service.url) as client:
        client.sendall(GET + b"Cookie: " + b"a" * 30_000 + b"\r\nConnection: close\r\n\r\n")

        assert _rest(client).startswith(b"HTTP/1.1 200 ")


def test_requests_that_are_sent_ahead_are_answered_in_order(service, seven):
    post = POST + b"Content-Length: %d\r\n\r\n" % len(seven) + seven

    with connected(service.url) as client:
        client.sendall(GET + b"\r\n" + post + GET.replace(b"live", b"none") + b"\r\n" + post)
        client.sendall(GET + b"Connection: close\r\n\r\n")

        assert _statuses(_rest(client)) == [200, 200, 404, 200, 200]


def test_a_request_sent_a_byte_at_a_time_is_answered(service, seven):
    with connected(service.url) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request = CHUNKED.replace(b"Host", b"Connection: close\r\nHost")
        for byte in request + b"%x\r\n%b\r\n0\r\n\r\n" % (len(seven), seven):
            client.sendall(bytes([byte]))

        assert b'"digit":7' in _rest(client)


def test_http_1_0_is_answered_and_its_connection_closed(service, seven):
    with connected(service.url) as client:
        head = b"POST /predict HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(seven)
        client.sendall(head + seven)

        assert b'"digit":7' in _rest(client)


def test_a_client_that_expects_100_continue_gets_it(service, seven):
    with connected(service.url) as client:
        length = b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(seven)
        client.sendall(POST + b"Expect: 100-continue\r\n" + length)
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(seven)

        assert b'"digit":7' in _rest(client)


def _rest(client):
    """Return everything until the service closes the connection."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(65536):
            received += piece
    return received


def _statuses(answers):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", answers)]
