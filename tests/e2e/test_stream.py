"""Batches as lines and arrays, and answers line by line, over a real socket."""

import base64
import contextlib
import io
import json
import re
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.e2e.raw import open_stream

NDJSON = {"Content-Type": "application/x-ndjson"}
LINES_PLEASE = {"Accept": "application/x-ndjson"}
MEBIBYTE = 1 << 20


def test_lines_are_answered_in_lines_in_order_with_their_ids(server, draw):
    digits = [7, 1, 3] * 100
    lines = [{"id": f"no-{index}", "image": _base64(draw(d))} for index, d in enumerate(digits)]

    response = _post(server, lines)

    assert response.headers["Content-Type"] == "application/x-ndjson"
    answers = _lines(response)
    assert [answer["index"] for answer in answers] == list(range(300))
    assert [answer["id"] for answer in answers] == [line["id"] for line in lines]
    assert [answer["digit"] for answer in answers] == digits


def test_a_line_is_answered_as_it_would_be_in_a_json_batch(server, draw):
    images = [_base64(draw(digit)) for digit in range(10)]

    in_json = httpx.post(f"{server}/predict/batch", json={"images": images}).json()["predictions"]
    in_lines = _lines(_post(server, images))

    for one, other in zip(in_json, in_lines, strict=True):
        assert one.pop("probabilities") == pytest.approx(other.pop("probabilities"), abs=1e-5)
        assert one.pop("confidence") == pytest.approx(other.pop("confidence"), abs=1e-5)
        assert one == other


def test_bad_lines_do_not_disturb_their_neighbours(server, seven):
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


def test_no_lines_are_answered_with_none(server):
    assert _lines(_post(server, [])) == []


def test_an_array_is_answered_as_its_pictures_would_be(server, draw):
    pictures = np.stack([_pixels(draw(digit, suffix=".bmp")) for digit in (7, 1)])

    answers = _post_npy(server, pictures).json()["predictions"]

    assert [answer["index"] for answer in answers] == [0, 1]
    assert [answer["digit"] for answer in answers] == [7, 1]
    assert [a["digit"] for a in _post_npy(server, 255 - pictures).json()["predictions"]] == [7, 1]


def test_an_array_that_is_not_normalised_is_refused_as_such_picture_by_picture(server):
    pictures = np.zeros((2, 28, 27), np.uint8)

    answers = _post_npy(server, pictures, params={"preprocess": "none"}).json()["predictions"]

    assert ["28 x 28" in answer["error"]["detail"] for answer in answers] == [True, True]


def test_an_array_of_another_type_is_a_problem(server):
    response = _post_npy(server, np.zeros((2, 28, 28)))

    assert response.status_code == 422
    assert "float64" in response.json()["detail"]


def test_any_batch_is_answered_in_lines_where_they_are_asked_for(server, seven):
    url = f"{server}/predict/batch"
    array = np.stack([_pixels(seven)] * 100)

    for response in (
        httpx.post(url, json={"images": [_base64(seven)] * 100}, headers=LINES_PLEASE),
        httpx.post(url, files=[("files", seven)] * 100, headers=LINES_PLEASE),
        _post_npy(server, array, headers=LINES_PLEASE),
    ):
        answers = _lines(response)
        assert [answer["index"] for answer in answers] == list(range(100))
        assert {answer["digit"] for answer in answers} == {7}


def test_lines_are_answered_in_json_where_it_is_asked_for(server, seven):
    response = _post(server, [_base64(seven), 7], headers={"Accept": "application/json"})

    first, second = response.json()["predictions"]
    assert first["digit"] == 7
    assert second["error"]["type"] == "/problems/invalid-item"


def test_only_an_answer_in_json_is_limited_to_a_batch(start_ready, seven):
    service = start_ready(max_batch=2)
    images = [_base64(seven)] * 3

    assert len(_lines(_post(service.url, images))) == 3
    refused = _post(service.url, images, headers={"Accept": "application/json"})
    assert refused.status_code == 413
    assert "Accept: application/x-ndjson" in refused.json()["detail"]


def test_what_is_wrong_before_the_first_line_is_a_problem_as_ever(server):
    assert _post(server, [], params={"model": "no"}).status_code == 404
    assert _post(server, [], headers={"Accept": "text/html"}).status_code == 406
    assert _post(server, [], headers={"Content-Encoding": "gzip"}).status_code == 415


def test_an_answer_comes_while_the_next_line_is_not_even_sent(server, draw):
    with open_stream(server) as stream:
        for index, digit in enumerate((7, 1, 3)):
            stream.send(_base64(draw(digit)))
            if index == 0:
                assert stream.begin() == 200
            [answer] = stream.chunk()
            assert (answer["index"], answer["digit"]) == (index, digit)
        stream.finish()
        assert stream.chunk() == []


def test_a_line_past_its_limit_is_an_error_in_its_place(start_ready, seven):
    service = start_ready(max_body_bytes=2000 + len(_base64(seven)))
    lines = [_base64(seven), "x" * 10_000_000, _base64(seven)] * 2

    answers = _lines(_post(service.url, lines))

    assert [answer.get("digit") for answer in answers] == [7, None, 7] * 2
    assert answers[1]["error"]["type"] == "/problems/line-too-long"


def test_a_stream_takes_its_turn_in_a_full_queue(start_ready, seven):
    service = start_ready(queue_size=1)

    with open_stream(service.url) as one, open_stream(service.url) as other:
        for stream in (one, other):
            stream.send(*[_base64(seven)] * 100)
            stream.finish()
        for stream in (one, other):
            assert stream.begin() == 200
            answers = [line for lines in iter(stream.chunk, []) for line in lines]
            assert [answer["digit"] for answer in answers] == [7] * 100


def test_one_stream_too_many(start_ready, seven):
    service = start_ready(max_streams=1)

    with open_stream(service.url) as stream:
        stream.send(_base64(seven))
        assert stream.begin() == 200
        refused = _post(service.url, [_base64(seven)])
        assert refused.status_code == 503
        assert refused.json()["type"] == "/problems/too-many-streams"
    # A caller who has gone makes room.
    service.wait_for(lambda: _post(service.url, [_base64(seven)]).status_code == 200)
    assert "Traceback" not in service.log


def test_a_caller_who_sends_no_more_gets_a_last_line_and_no_end(start_ready, seven):
    service = start_ready(body_timeout=0.3)

    with open_stream(service.url) as stream:
        stream.send(_base64(seven))
        assert stream.begin() == 200
        assert stream.chunk()[0]["digit"] == 7
        [last] = stream.chunk()
        assert last.keys() == {"error"}
        assert last["error"]["type"] == "/problems/body-too-slow"
        assert stream.is_cut()


def test_a_body_that_never_begins_is_too_slow(start_ready):
    with open_stream(start_ready(body_timeout=0.3).url) as stream:
        assert stream.begin() == 408


def test_an_http_client_notices_that_an_answer_was_cut_short(start_ready, seven):
    service = start_ready(body_timeout=0.3)

    def hesitant():
        yield json.dumps(_base64(seven)).encode() + b"\n"
        service.wait_for(lambda: "cut short" in service.log)

    with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
        httpx.post(f"{service.url}/predict/batch", content=hesitant(), headers=NDJSON)


@pytest.mark.own_processes("Ray's proxy reads on, and takes the answers itself")
def test_a_caller_who_takes_no_answers_is_read_no_further_and_then_cut_off(start_ready):
    service = start_ready(max_waiting_bytes=1, answer_timeout=1)

    with open_stream(service.url, receive_buffer=4096) as stream:
        stream.caller.settimeout(1)
        sent = 0
        with contextlib.suppress(TimeoutError, ConnectionError):
            while sent < 50 * MEBIBYTE:
                stream.send_bytes(b"7\n" * 10_000)
                sent += 20_000
        assert sent < 50 * MEBIBYTE
        service.wait_for(lambda: "the client took no answer for 1 s" in service.log)
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
    return httpx.post(url, content=file.getvalue(), headers=headers, **options)


def _lines(response):
    assert response.status_code == 200, response.text
    return [json.loads(line) for line in response.text.splitlines()]


def _base64(content):
    return base64.b64encode(content).decode()


def _pixels(file):
    from service.imaging import decode

    return decode(file, max_pixels=10**6)


def _peak_memory(pid):
    """Bytes that the process had in memory at most."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024
