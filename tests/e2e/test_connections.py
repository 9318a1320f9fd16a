"""What one connection may ask for: upgrades, requests sent ahead, answers that nobody reads."""

import contextlib
import json
import re
import resource
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.raw import connected
from tests.e2e.running import COMMAND, run_service

pytestmark = pytest.mark.own_processes("Ray's proxy reads HTTP")

GET = b"GET /health/live HTTP/1.1\r\nHost: test\r\n"
POST = b"POST /predict HTTP/1.1\r\nHost: test\r\n"
FORGED = b"POST /admin/reload HTTP/1.1\r\nHost: forged\r\nContent-Length: 0\r\n\r\n"
MIB = 1024 * 1024

_HELD = ("01", "08")  # established or half-closed, in /proc/net/tcp


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("connections")
    limits = {"body_timeout": 2, "answer_timeout": 2, "request_timeout": 60}
    with run_service(folder, log_level="debug", **limits) as running:
        running.wait_until_ready()
        yield running
        assert "Traceback" not in running.log


@pytest.mark.parametrize("pieces", [1, 2, 1000], ids=["at once", "head and body", "byte by byte"])
@pytest.mark.parametrize(
    "upgrade",
    [
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n",
        b"upgrade: WebSocket\r\nCONNECTION: keep-alive\r\nconnection: upgrade\r\n",
    ],
)
def test_a_body_behind_an_upgrade_is_a_body(service, seven, upgrade, pieces):
    body = seven + b"\r\n\r\n" + FORGED
    request = POST + upgrade + b"Content-Length: %d\r\n\r\n" % len(body) + body
    cuts = {1: [], 2: [request.index(b"\r\n\r\n") + 4], 1000: range(1, 200)}[pieces]

    with connected(service.url) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start, end in zip([0, *cuts], [*cuts, len(request)], strict=True):
            client.sendall(request[start:end])
        client.sendall(GET + b"Connection: close\r\n\r\n")
        statuses, rest = _answers(client)

    assert statuses == [200, 200]
    assert b'"digit":7' in rest
    assert "forged" not in service.log
    assert "/admin/reload" not in service.log


def test_a_chunked_body_behind_an_upgrade_is_a_body(service, seven):
    upgrade = b"Connection: Upgrade\r\nUpgrade: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(seven), seven)

    with connected(service.url) as client:
        client.sendall(POST + upgrade + body + GET + b"Connection: close\r\n\r\n")

        assert _answers(client)[0] == [200, 200]


def test_curl_sends_its_picture_with_an_upgrade(service, seven, tmp_path):
    (tmp_path / "digit.png").write_bytes(seven)
    command = ["curl", "--silent", "--http2", "-F", f"file=@{tmp_path}/digit.png"]

    done = subprocess.run(
        [*command, f"{service.url}/predict"], capture_output=True, timeout=60, check=True
    )

    assert json.loads(done.stdout)["digit"] == 7


def test_requests_sent_ahead_take_only_their_own_bytes(service):
    ahead = b"GET / HTTP/1.1\r\n\r\n" * 60_000
    before = _memory(service)

    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(service.url)) for _ in range(20)]
        for client in clients:
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.send(ahead)
        assert httpx.get(f"{service.url}/health/live").status_code == 200
        assert _memory(service) - before < 100 * MIB


def test_requests_sent_ahead_are_all_answered(service):
    with connected(service.url) as client, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(client.sendall, (GET + b"\r\n") * 2000 + GET)
        statuses, _ = _answers_until(client, 2000)
        sending.result()

    assert statuses == [200] * 2000


@pytest.mark.parametrize("number", [1, 200], ids=["one answer", "many"])
def test_a_client_that_does_not_read_is_cut_off(service, number):
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            client = stack.enter_context(connected(service.url, receive_buffer=4096))
            client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: test\r\n\r\n" * number)
        service.wait_for(lambda: _connections(service) == 0)


def test_a_client_that_reads_slowly_gets_its_answer(service):
    expected = httpx.get(f"{service.url}/openapi.json").content

    with connected(service.url, receive_buffer=4096) as client:
        client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        received = b""
        while piece := client.recv(len(expected) // 12):
            received += piece
            time.sleep(0.2)

    assert received.endswith(expected)


@pytest.mark.parametrize("length", [b"9" * 4300, b"0" * 4300 + b"5", b"9" * 19])
def test_a_content_length_of_many_digits(service, length):
    with connected(service.url) as client:
        client.sendall(POST + b"Content-Length: %b\r\n\r\nabcde" % length)
        [status], answer = _answers(client)

    head, body = answer.split(b"\r\n\r\n", 1)
    assert status in (400, 413)
    headers = message_from_bytes(head.split(b"\r\n", 1)[1])
    assert headers["Content-Type"] == "application/problem+json"
    assert json.loads(body)["request_id"] == headers["X-Request-ID"]


def test_a_client_that_sends_no_more_gets_its_answer(service, seven):
    with connected(service.url) as client:
        client.sendall(POST + b"Content-Length: %d\r\n\r\n%b" % (len(seven), seven))
        client.shutdown(socket.SHUT_WR)
        statuses, answer = _answers(client)

    assert statuses == [200]
    assert b'"digit":7' in answer


def test_a_client_that_sends_no_more_gets_an_answer_that_takes_long(service, draw):
    picture = draw(7, side=1500)
    lines = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="files"; filename="7"\r\n\r\n%b\r\n' % picture
        for _ in range(40)
    )
    body = lines + b"--b--\r\n"
    head = b"POST /predict/batch HTTP/1.1\r\nHost: test\r\n"
    head += b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n"

    with connected(service.url) as client:
        client.sendall(head % len(body) + body)
        client.shutdown(socket.SHUT_WR)
        statuses, answer = _answers(client)

    assert statuses[-1] == 200
    assert set(statuses[:-1]) <= {100}
    assert answer.count(b'"digit":7') == 40


@pytest.mark.parametrize("close", [b"", b"Connection: close\r\n"])
def test_nonsense_behind_a_request_does_not_take_its_answer(service, seven, close):
    post = POST + close + b"Content-Length: %d\r\n\r\n%b" % (len(seven), seven)

    with connected(service.url) as client:
        client.sendall(post + b"\x00\r\n\r\n" * 1000)
        statuses, answer = _answers(client)

    assert statuses == ([200] if close else [200, 400])
    assert b'"digit":7' in answer


def test_trailers_do_not_become_headers(service, seven):
    chunks = b"%x\r\n%b\r\n0\r\nX-Request-ID: smuggled\r\n\r\n" % (len(seven), seven)

    with connected(service.url) as client:
        client.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
        client.sendall(GET + b"Connection: close\r\n\r\n")
        statuses, answer = _answers(client)

    assert statuses == [200, 200]
    assert b"smuggled" not in answer


def test_http_1_0_gets_no_chunks(service, seven):
    line = json.dumps({"image": ""}).encode() + b"\n"
    head = b"POST /predict/batch HTTP/1.0\r\nContent-Type: application/x-ndjson\r\n"
    head += b"Accept: application/x-ndjson\r\nContent-Length: %d\r\n\r\n" % (2 * len(line))

    with connected(service.url) as client:
        client.sendall(head + 2 * line)
        [status], answer = _answers(client)

    answer_head, body = answer.split(b"\r\n\r\n", 1)
    assert status == 200
    assert b"chunked" not in answer_head.lower()
    assert b"connection: close" in answer_head.lower()
    assert [json.loads(each)["index"] for each in body.splitlines()] == [0, 1]


@pytest.mark.parametrize(
    "request_line", [b"GET /health/live\r\n", b"GET /health/live HTTP/0.9\r\n"]
)
def test_http_0_9_is_refused(service, request_line):
    with connected(service.url) as client:
        client.sendall((request_line + b"\r\n") * 1000)

        assert _answers(client)[0] == [400]


def test_a_long_head_is_refused_though_it_comes_at_once(service):
    with connected(service.url) as client:
        client.sendall(GET + b"Cookie: " + b"a" * 100_000 + b"\r\n\r\n")

        assert _answers(client)[0] == [400]


def test_the_rest_of_an_answered_body_is_not_waited_for(service):
    with connected(service.url) as client:
        client.sendall(b"POST /nowhere HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\nabc")

        assert _answers(client)[0] == [404]


def test_used_up_files_are_logged_and_the_service_goes_on(start_ready, seven):
    service = start_ready()
    resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (100, 100))

    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(service.url)) for _ in range(120)]
        service.wait_for(lambda: "ulimit -n" in service.log)
        clients[0].sendall(GET + b"\r\n")
        assert clients[0].recv(1000).startswith(b"HTTP/1.1 200 ")
    service.wait_for(lambda: _predicts(service, seven))
    assert service.log.count("ulimit -n") == 1


def test_too_few_files_to_start_are_said_in_a_line():
    done = subprocess.run(
        ["sh", "-c", 'ulimit -n 20; exec "$@"', "sh", *COMMAND, "serve", "--port", "0"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "20" in line


def _answers(client):
    """Return the statuses of all answers until the connection closes, and all bytes."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(65536):
            received += piece
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", received)], received


def _answers_until(client, number):
    received = b""
    while received.count(b"HTTP/1.1 ") < number:
        piece = client.recv(65536)
        assert piece
        received += piece
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", received)], received


def _memory(service):
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


def _connections(service):
    """Count the connections that the service has open."""
    port = f"{urlsplit(service.url).port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    mine = (line.split() for line in lines)
    return sum(each[1].endswith(f":{port}") and each[3] in _HELD for each in mine)


def _predicts(service, picture):
    with contextlib.suppress(httpx.TransportError):
        return httpx.post(f"{service.url}/predict", content=picture).json()["digit"] == 7
    return False
