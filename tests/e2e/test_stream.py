"""Batches as NDJSON and arrays, and answers line by line, over a real socket."""

import base64
import contextlib
import io
import json
import re
from pathlib import Path

import httpx
import numpy as np
import pytest

from service.imaging import decode
from tests.e2e.raw import open_stream
from tests.e2e.running import run_service

NDJSON = {"Content-Type": "application/x-ndjson"}
ACCEPT_LINES = {"Accept": "application/x-ndjson"}
MEBIBYTE = 1 << 20
MAX_LINE = 20_000


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A service with small limits."""
    limits = {"max_batch": 2, "max_streams": 2, "queue_size": 1, "max_body_bytes": MAX_LINE}
    with run_service(tmp_path_factory.mktemp("small"), **limits) as service:
        service.wait_until_ready()
        yield service


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    """A service that waits only a moment for a body."""
    with run_service(tmp_path_factory.mktemp("impatient"), body_timeout=0.3) as service:
        service.wait_until_ready()
        yield service


def test_lines_are_answered_in_order_with_their_ids(server, draw):
    digits = [7, 1, 3] * 100
    lines = [{"id": f"no-{index}", "image": _base64(draw(d))} for index, d in enumerate(digits)]

    response = _post(server, lines)

    assert response.headers["Content-Type"] == "application/x-ndjson"
    answers = _lines(response)
    assert [answer["index"] for answer in answers] == list(range(300))
    assert [answer["id"] for answer in answers] == [line["id"] for line in lines]
    assert [answer["digit"] for answer in answers] == digits


def test_a_line_is_answered_like_an_item_of_a_json_batch(server, draw):
    images = [_base64(draw(digit)) for digit in range(10)]

    response = httpx.post(f"{server}/predict/batch", json={"images": images}, timeout=60)

    for one, other in zip(
        response.json()["predictions"], _lines(_post(server, images)), strict=True
    ):
        assert one.pop("probabilities") == pytest.approx(other.pop("probabilities"), abs=1e-5)
        assert one.pop("confidence") == pytest.approx(other.pop("confidence"), abs=1e-5)
        assert one == other


def test_bad_lines_do_not_affect_the_others(server, seven):
    good = json.dumps({"image": _base64(seven)})
    lines = [good, "{", "", '"no Base64!"', json.dumps(_base64(b"no picture")), " ", good]

    answers = _lines(_post(server, content="\n".join(lines).encode()))

    assert [answer["index"] for answer in answers] == [0, 1, 2, 3, 4]
    assert [answer.get("digit") for answer in answers] == [7, None, None, None, 7]
    assert [answer["error"]["type"] for answer in answers[1:4]] == [
        "/problems/invalid-item",
        "/problems/invalid-item",
        "/problems/unsupported-format",
    ]


def test_an_empty_body_has_an_empty_answer(server):
    assert _lines(_post(server, [])) == []


def test_an_array_is_answered_like_its_pictures(server, draw):
    pictures = np.stack([_pixels(draw(digit, suffix=".bmp")) for digit in (7, 1)])

    for array in (pictures, 255 - pictures):
        answers = _post_npy(server, array).json()["predictions"]
        assert [(answer["index"], answer["digit"]) for answer in answers] == [(0, 7), (1, 1)]


def test_an_array_that_is_not_normalised_has_an_error_for_each_picture(server):
    pictures = np.zeros((2, 28, 27), np.uint8)

    answers = _post_npy(server, pictures, params={"preprocess": "none"}).json()["predictions"]

    assert ["28 x 28" in answer["error"]["detail"] for answer in answers] == [True, True]


def test_any_batch_is_answered_in_lines_on_request(server, seven):
    url = f"{server}/predict/batch"
    images = {"images": [_base64(seven)] * 100}

    for response in (
        httpx.post(url, json=images, headers=ACCEPT_LINES, timeout=60),
        httpx.post(url, files=[("files", seven)] * 100, headers=ACCEPT_LINES, timeout=60),
        _post_npy(server, np.stack([_pixels(seven)] * 100), headers=ACCEPT_LINES),
    ):
        answers = _lines(response)
        assert [answer["index"] for answer in answers] == list(range(100))
        assert {answer["digit"] for answer in answers} == {7}


def test_lines_are_answered_in_json_on_request(server, seven):
    response = _post(server, [_base64(seven), 7], headers={"Accept": "application/json"})

    first, second = response.json()["predictions"]
    assert first["digit"] == 7
    assert second["error"]["type"] == "/problems/invalid-item"


def test_only_a_json_answer_is_limited_to_a_batch(small, seven):
    images = [_base64(seven)] * 3

    assert len(_lines(_post(small.url, images))) == 3
    refused = _post(small.url, images, headers={"Accept": "application/json"})
    assert refused.status_code == 413
    assert "Accept: application/x-ndjson" in refused.json()["detail"]


def test_an_error_before_the_first_line_is_a_problem(server):
    assert _post(server, [], params={"model": "no"}).status_code == 404
    assert _post(server, [], headers={"Accept": "text/html"}).status_code == 406
    assert _post(server, [], headers={"Content-Encoding": "gzip"}).status_code == 415


def test_an_answer_is_sent_before_the_next_line_arrives(server, draw):
    with open_stream(server) as stream:
        for index, digit in enumerate((7, 1, 3)):
            stream.send(_base64(draw(digit)))
            if index == 0:
                assert stream.begin() == 200
            [answer] = stream.chunk()
            assert (answer["index"], answer["digit"]) == (index, digit)
        stream.finish()
        assert stream.chunk() == []


def test_a_line_that_is_too_long_is_an_error_in_its_place(small, seven):
    lines = [_base64(seven), "x" * 10_000_000, _base64(seven)] * 2

    answers = _lines(_post(small.url, lines))

    assert [answer.get("digit") for answer in answers] == [7, None, 7] * 2
    assert answers[1]["error"]["type"] == "/problems/line-too-long"


def test_streams_take_turns_in_a_full_queue(small, seven):
    with open_stream(small.url) as one, open_stream(small.url) as other:
        for stream in (one, other):
            stream.send(*[_base64(seven)] * 100)
            stream.finish()
        for stream in (one, other):
            assert stream.begin() == 200
            answers = [line for lines in iter(stream.chunk, []) for line in lines]
            assert [answer["digit"] for answer in answers] == [7] * 100


def test_streams_have_a_limit(small, seven):
    with open_stream(small.url) as one, open_stream(small.url) as other:
        for stream in (one, other):
            stream.send(_base64(seven))
            assert stream.begin() == 200
        refused = _post(small.url, [_base64(seven)])
        assert refused.status_code == 503
        assert refused.json()["type"] == "/problems/too-many-streams"
    # A client that disconnects frees its stream.
    small.wait_for(lambda: _post(small.url, [_base64(seven)]).status_code == 200)
    assert "Traceback" not in small.log


def test_a_body_that_stalls_gets_an_error_line_and_no_end(impatient, seven):
    with open_stream(impatient.url) as stream:
        stream.send(_base64(seven))
        assert stream.begin() == 200
        assert stream.chunk()[0]["digit"] == 7
        [last] = stream.chunk()
        assert last.keys() == {"error"}
        assert last["error"]["type"] == "/problems/body-too-slow"
        assert stream.is_cut()


def test_a_body_that_never_begins_is_too_slow(impatient):
    with open_stream(impatient.url) as stream:
        assert stream.begin() == 408


def test_an_http_client_notices_an_answer_that_was_cut_short(impatient, seven):
    def hesitant():
        cuts = impatient.log.count("cut short")
        yield json.dumps(_base64(seven)).encode() + b"\n"
        impatient.wait_for(lambda: impatient.log.count("cut short") > cuts)

    with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
        _post(impatient.url, content=hesitant())


@pytest.mark.own_processes("Ray's proxy reads on, and takes the answers itself")
def test_a_client_that_takes_no_answers_is_not_read_and_then_cut_off(start_ready):
    service = start_ready(max_waiting_bytes=1, answer_timeout=1)

    with open_stream(service.url, receive_buffer=4096) as stream:
        stream.caller.settimeout(1)
        sent = 0
        with contextlib.suppress(TimeoutError, ConnectionError):
            while sent < 50 * MEBIBYTE:
                stream.send_bytes(b"7\n" * 10_000)
                sent += 20_000
        assert sent < 50 * MEBIBYTE
        service.wait_for(lambda: "stream cut short: ClientDisconnect()" in service.log)
    assert _post(service.url, ["eA=="]).status_code == 200


def test_a_stop_lets_a_stream_finish(start_ready, seven):
    service = start_ready()

    with open_stream(service.url) as stream:
        stream.send(_base64(seven))
        assert stream.begin() == 200
        assert stream.chunk()[0]["digit"] == 7
        service.process.terminate()
        stream.send(_base64(seven))
        assert stream.chunk()[0]["digit"] == 7
        stream.finish()
        assert stream.chunk() == []
    assert service.process.wait(30) == 0


@pytest.mark.own_processes("Ray ends it itself, and cuts it without a word")
def test_a_stop_ends_a_stream_that_goes_on(start_ready, seven):
    service = start_ready(request_timeout=1)

    with open_stream(service.url) as stream:
        stream.send(_base64(seven))
        assert stream.begin() == 200
        assert stream.chunk()[0]["digit"] == 7
        service.process.terminate()
        [last] = stream.chunk()
        assert last["error"]["type"] == "/problems/stopping"
        assert stream.is_cut()
    assert service.process.wait(30) == 0
    assert "Traceback" not in service.log


@pytest.mark.own_processes("what Ray's proxy and replicas hold is Ray's to bound")
def test_a_long_stream_takes_no_more_memory_than_a_short_one(start_ready, draw):
    service = start_ready()
    # What follows the pixels of a BMP is not looked at.
    line = json.dumps(_base64(draw(7, suffix=".bmp", side=28) + bytes(300_000))).encode() + b"\n"

    def answered(lines):
        return len(_lines(_post(service.url, content=(line for _ in range(lines)))))

    assert answered(50) == 50
    before = _peak_memory(service.process.pid)
    assert answered(500) == 500
    # 200 MB have passed through.
    assert _peak_memory(service.process.pid) - before < 50 * MEBIBYTE


def _post(url, lines=(), content=None, headers=(), **options):
    if content is None:
        content = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    headers = NDJSON | dict(headers)
    url = f"{url}/predict/batch"
    return httpx.post(url, content=content, headers=headers, timeout=60, **options)


def _post_npy(url, array, headers=(), **options):
    file = io.BytesIO()
    np.save(file, array)
    headers = {"Content-Type": "application/x-npy"} | dict(headers)
    url = f"{url}/predict/batch"
    return httpx.post(url, content=file.getvalue(), headers=headers, timeout=60, **options)


def _lines(response):
    assert response.status_code == 200, response.text
    return [json.loads(line) for line in response.text.splitlines()]


def _base64(content):
    return base64.b64encode(content).decode()


def _pixels(file):
    return decode(file, max_pixels=10**6)


def _peak_memory(pid):
    """Bytes that the process had in memory at most."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024
