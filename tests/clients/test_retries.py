"""When the Python client asks again, on real sockets, and how long it waits."""

import json
import os
import signal
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from numeral_client import Client, ProblemError, Retry, UnexpectedAnswer, Unreachable, errors
from numeral_client.exchange import Ask, Call, Pause, Reply, body_of, flow_of
from tests.clients.scripted import BROKEN, Answer, problem, scripted

ANSWER = {
    "model": "mlp",
    "version": "1",
    "digit": 7,
    "confidence": 1,
    "decision": "accept",
    "reasons": [],
    "probabilities": [0, 0, 0, 0, 0, 0, 0, 1, 0, 0],
}
SEVEN = Answer(body=json.dumps(ANSWER).encode())
FULL = problem(503, "queue-full", retry_after="0")
QUICK = Retry(first_wait=0.001)


@pytest.mark.parametrize(
    "trouble",
    [
        FULL,
        problem(429, "quota-exceeded", retry_after="0"),
        Answer(502, b"<html>"),
        Answer(503, b"<html>", {"Retry-After": "0"}),
        Answer(200, b'{"model', cut=True),
        BROKEN,
    ],
)
def test_what_may_pass_is_asked_again_under_the_same_request_id(connect, trouble):
    with scripted(trouble, trouble, SEVEN) as server:
        assert connect(server.url, retry=QUICK).predict(b"7").digit == 7

    assert [request.body for request in server.received] == [b"7"] * 3
    assert len({request.headers["X-Request-ID"] for request in server.received}) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        problem(503, "model-unavailable"),
        problem(504, "deadline-exceeded"),
        problem(422, "unreadable-image"),
        problem(500, "internal-error"),
        problem(429, "quota-exceeded", retry_after="50000"),
    ],
)
def test_what_would_end_the_same_way_is_not_asked_again(connect, trouble):
    with scripted(trouble) as server, pytest.raises(ProblemError):
        connect(server.url, retry=QUICK).predict(b"7")


def test_in_the_end_the_last_error_is_raised(connect):
    with scripted(FULL, BROKEN, FULL) as server, pytest.raises(errors.QueueFull):
        connect(server.url, retry=Retry(attempts=3, first_wait=0.001)).predict(b"7")
    with scripted(BROKEN) as server, pytest.raises(Unreachable):
        connect(server.url, retry=Retry(attempts=1)).predict(b"7")


def test_a_stream_that_is_cut_goes_on_with_the_images_that_have_no_answer(connect):
    lines = [_line(ANSWER | {"index": index}) for index in range(5)]
    end = _line({"error": json.loads(problem(503, "stopping").body)})
    with scripted(
        Answer(body=lines[0] + lines[1] + lines[2][:9], cut=True),
        Answer(body=lines[0] + end, cut=True),
        Answer(body=end, cut=True),
        BROKEN,
        Answer(body=lines[0] + lines[1]),
    ) as server:
        images = [bytes([number]) for number in range(5)]
        answers = list(connect(server.url, retry=QUICK).predict_stream(images))

    assert [answer.index for answer in answers] == [0, 1, 2, 3, 4]
    sent = [[json.loads(line)["image"] for line in _lines(each)] for each in server.received]
    assert [len(each) for each in sent] == [5, 3, 2, 2, 2]
    assert sent[1:] == [sent[0][2:], sent[0][3:], sent[0][3:], sent[0][3:]]


def test_a_stream_that_cannot_go_on_gives_its_answers_before_the_error(connect):
    end = _line({"error": json.loads(problem(504, "deadline-exceeded").body)})
    first = Answer(body=_line(ANSWER | {"index": 0}) + end, cut=True)
    with scripted(first, Answer(body=end, cut=True)) as server:
        answers = connect(server.url, retry=QUICK).predict_stream([b"0", b"1"])

        assert next(answers).digit == 7
        with pytest.raises(errors.DeadlineExceeded):
            next(answers)

    assert len(server.received) == 2


def test_a_stream_with_more_answers_than_images_is_not_numerals(connect):
    lines = b"".join(_line(ANSWER | {"index": index}) for index in range(2))
    with scripted(Answer(body=lines)) as server, pytest.raises(UnexpectedAnswer):
        list(connect(server.url).predict_stream([b"0"]))


@pytest.mark.parametrize("attempt", [1, 2, 3, 4])
def test_waits_double_at_random_after_a_broken_connection(attempt):
    *_, pause = _steps([httpx.ReadError("broken")] * attempt, Retry(first_wait=1))

    assert 2 ** (attempt - 1) / 2 <= pause.seconds <= 2 ** (attempt - 1)


def test_a_wait_is_as_long_as_the_service_asks_for():
    [_, pause] = _steps([_busy("7")], QUICK)

    assert 7 <= pause.seconds <= 7.001


def test_a_wait_may_be_asked_for_as_a_date():
    soon = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)

    [_, pause] = _steps([_busy(soon)], Retry(longest_wait=3600))

    assert 3000 < pause.seconds <= 3600


@pytest.mark.parametrize("value", ["-1", "soon", "1.5"])
def test_a_header_that_says_nothing_is_passed_over(value):
    [_, pause] = _steps([_busy(value)], QUICK)

    assert pause.seconds <= 0.001


def test_a_wait_that_would_be_too_long_is_an_error_at_once():
    with pytest.raises(errors.QueueFull) as raised:
        _steps([_busy("31")], QUICK)

    assert raised.value.retry_after == 31


def test_no_wait_is_longer_than_the_longest():
    *_, pause = _steps([_busy("2")] * 4, Retry(first_wait=10, longest_wait=3))

    assert pause.seconds == 3


def _busy(retry_after):
    busy = problem(503, "queue-full", retry_after=retry_after)
    return Reply(busy.status, httpx.Headers(busy.headers), busy.body)


def _steps(outcomes, retry):
    """What a call does in turn when `outcomes` come of it."""
    flow = flow_of(Call(Ask("GET", "/", "1"), body_of), retry)
    steps = [next(flow)]
    for outcome in outcomes:
        if isinstance(steps[-1], Pause):
            steps.append(next(flow))
        steps.append(flow.send(outcome))
    return steps


def _line(document):
    return json.dumps(document).encode() + b"\n"


def _lines(request):
    return request.body.splitlines()


def test_a_stream_goes_on_when_the_workers_that_answer_it_die(start_ready, seven):
    service = start_ready(workers=2)
    images = (seven for _ in range(200))

    with Client(service.url, retry=Retry(attempts=20, longest_wait=2)) as numeral:
        answers = numeral.predict_stream(images, images_per_request=16)
        digits = [next(answers).digit]
        for worker in service.worker_ids():
            os.kill(worker, signal.SIGKILL)
        digits += [answer.digit for answer in answers]

    assert digits == [7] * 200
