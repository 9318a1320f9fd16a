"""The soak: answers in bytes, what is made of single measurements, the page and the picture."""

import socket
from urllib.parse import urlsplit

import numpy as np
import pytest

from benchmarks.soak.exchange import answer_in, request
from benchmarks.soak.figures import latency, load, rate_between, recovery, slope_per_hour
from benchmarks.soak.mix import mix
from benchmarks.soak.offer import LATE, LOST, Offered
from benchmarks.soak.plot import draw
from benchmarks.soak.report import markdown
from benchmarks.soak.results import (
    Endurance,
    Killed,
    Moment,
    Overload,
    Results,
    Stopped,
    Troublemakers,
)
from tests.generated import drawn_digits

URL = "http://127.0.0.1:8000"
GOOD = b'HTTP/1.1 200 OK\r\ncontent-length: 24\r\n\r\n{"digit":7,"model":"cnn"}'[:-1]


def test_an_answer_is_read_once_it_is_complete():
    assert answer_in(GOOD[:-1]) is None
    assert answer_in(GOOD[:20]) is None

    answer = answer_in(GOOD)

    assert (answer.status, answer.digit, answer.closes, answer.says_when) == (
        200,
        "7",
        False,
        False,
    )


def test_a_refusal_says_when_to_come_back_and_that_the_connection_ends():
    answer = answer_in(
        b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
        b"Content-Length: 2\r\n\r\n{}"
    )

    assert (answer.status, answer.digit, answer.closes, answer.says_when) == (503, None, True, True)


def test_what_is_no_answer_is_an_error():
    with pytest.raises(ValueError, match="no answer"):
        answer_in(b"SSH-2.0\r\n\r\n")


def test_a_request_announces_its_length():
    assert b"\r\nContent-Length: 3\r\n" in request(URL, "/predict", b"abc")


def test_goodput_is_what_was_answered_while_more_was_sent():
    # 10 a second for 4 s, each answered after a second, every other one refused.
    statuses = np.array([200, 503] * 20, np.int16)
    offered = Offered(statuses, np.full(40, 1.0), wrong=0, silent_refusals=0)

    found = load([offered], rate=10, seconds=4, settle=1, peak=5)

    assert found.goodput == found.least_goodput == 5
    assert found.share_of_peak == 2
    assert found.accepted.count == found.refused.count == 20
    assert found.accepted.p99_ms == pytest.approx(1000)


def test_what_has_no_answer_is_told_apart():
    statuses = np.array([200, LOST, LATE, 500], np.int16)
    offered = Offered(statuses, np.zeros(4), wrong=1, silent_refusals=2)

    found = load([offered, offered], rate=4, seconds=2, settle=0, peak=4)

    assert (found.lost, found.unanswered, found.other_answers) == (2, 2, 2)
    assert (found.wrong, found.refused_without_retry_after) == (2, 4)


def test_no_answers_have_no_latency():
    assert latency(np.array([])).p99_ms is None


def test_a_peak_does_not_move_the_slope():
    seconds = list(range(100))
    values = [100 + second / 3600 for second in seconds]
    values[50] = 500

    assert slope_per_hour(seconds, values) == pytest.approx(1, rel=0.05)


def test_recovery_is_when_the_rate_is_back():
    finished = np.concatenate([np.arange(0, 10, 0.01), np.arange(12, 20, 0.01)])

    assert rate_between(finished, 0, 10) == pytest.approx(100)
    assert recovery(finished, event=10, end=20, usual=100) == pytest.approx(2.25, abs=0.01)


def test_every_request_of_the_mix_is_answered_as_expected(server):
    address = urlsplit(server)
    for question in mix(server, drawn_digits(40, seed=1).images, "cnn"):
        with socket.create_connection((address.hostname, address.port), timeout=30) as caller:
            caller.sendall(question.data)
            data = b""
            while (answer := answer_in(data)) is None:
                piece = caller.recv(65536)
                assert piece, f"{question.kind}: no answer but {data!r}"
                data += piece
        assert answer.status == question.status, question.kind


def test_the_page_and_the_picture_tell_of_every_section(tmp_path):
    offered = Offered(np.full(40, 200, np.int16), np.zeros(40), wrong=0, silent_refusals=0)
    one = load([offered], rate=10, seconds=4, settle=1, peak=5)
    results = Results(
        command="python -m benchmarks.soak",
        machine="a machine",
        version="1",
        model="cnn",
        server_cores=(0,),
        load_cores=(1, 2),
        overload=Overload(peak=5, peak_concurrency=64, connections=9, loads=(one,), long=one),
        killed=Killed(
            workers=2,
            concurrency=32,
            kills=1,
            answers=100,
            wrong=0,
            other_answers=0,
            lost=3,
            most_at_once=3,
            before=50,
            between=30,
            recovery_seconds=1.5,
        ),
        stopped=(
            Stopped(
                workers=2,
                keep_alive=True,
                answers=100,
                wrong=0,
                other_answers=0,
                lost=0,
                exit_status=0,
                seconds=1.2,
            ),
        ),
        troublemakers=(
            Troublemakers(
                kind="never read",
                connections=200,
                calm=100,
                beside=90,
                wrong=0,
                other_answers=0,
                lost=0,
                p99_calm_ms=1,
                p99_beside_ms=2,
                cut_off=3,
                left_open=0,
            ),
        ),
        endurance=Endurance(
            workers=2,
            warm_up_seconds=1,
            requests={"PNG": 7},
            statuses={"200": 7},
            unexpected={"PNG: 500": 1},
            before_mb=100,
            after_mb=101,
            slope_mb_per_hour=1.5,
            memory=(Moment(seconds=0, rss_mb=100), Moment(seconds=5, rss_mb=101)),
        ),
    )

    page = markdown(results)
    draw(results, tmp_path / "soak.png")

    assert "**200% of the" in page.replace("\n", " ")
    assert "| never read | 100/s | 90/s | 0.90 |" in page
    assert "| slope | +1.5 MB/hour |" in page
    assert (tmp_path / "soak.png").stat().st_size > 1000
