"""Which calls the Python client repeats, and how long it waits."""

import json
import os
import signal
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from numeral_client import (
    Client,
    Problem,
    ProblemError,
    Retry,
    TimedOut,
    UnexpectedAnswer,
    Unreachable,
    errors,
)
from tests.clients.scripted import BROKEN, Answer, Script, problem

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
FAST = Retry(first_wait=0.001)


@pytest.mark.parametrize(
    "failure",
    [
        FULL,
        problem(429, "quota-exceeded", retry_after="0"),
        Answer(502, b"<html>"),
        Answer(503, b"<html>", {"Retry-After": "0"}),
        Answer(200, b'{"model', cut=True),
        BROKEN,
    ],
)
def test_a_temporary_failure_is_repeated_with_the_same_request_id(connect, failure):
    script = Script(failure, failure, SEVEN)

    assert connect(transport=script, retry=FAST).predict(b"7").digit == 7

    assert [request.content for request in script.received] == [b"7"] * 3
    assert len({request.headers["X-Request-ID"] for request in script.received}) == 1


@pytest.mark.parametrize(
    "failure",
    [
        problem(503, "model-unavailable"),
        problem(504, "deadline-exceeded"),
        problem(422, "unreadable-image"),
        problem(500, "internal-error"),
        problem(429, "quota-exceeded", retry_after="50000"),
    ],
)
def test_a_lasting_failure_is_not_repeated(connect, failure):
    script = Script(failure)

    with pytest.raises(ProblemError):
        connect(transport=script, retry=FAST).predict(b"7")

    assert len(script.received) == 1


def test_the_last_error_is_raised(connect):
    retry = Retry(attempts=3, first_wait=0.001)
    with pytest.raises(errors.QueueFull):
        connect(transport=Script(FULL, BROKEN, FULL), retry=retry).predict(b"7")
    with pytest.raises(Unreachable):
        connect(transport=Script(BROKEN), retry=Retry(attempts=1)).predict(b"7")


def test_a_stream_that_is_cut_continues_with_the_unanswered_images(connect):
    lines = [_line(ANSWER | {"index": index}) for index in range(5)]
    end = _line({"error": json.loads(problem(503, "stopping").body)})
    script = Script(
        Answer(body=lines[0] + lines[1] + lines[2][:9], cut=True),
        Answer(body=lines[0] + end, cut=True),
        Answer(body=end, cut=True),
        BROKEN,
        Answer(body=lines[0] + lines[1]),
    )

    images = [bytes([number]) for number in range(5)]
    answers = list(connect(transport=script, retry=FAST).predict_stream(images))

    assert [answer.index for answer in answers] == [0, 1, 2, 3, 4]
    sent = [[json.loads(line)["image"] for line in _lines(each)] for each in script.received]
    assert [len(each) for each in sent] == [5, 3, 2, 2, 2]
    assert sent[1:] == [sent[0][2:], sent[0][3:], sent[0][3:], sent[0][3:]]


def test_a_stream_gives_its_answers_before_the_error(connect):
    end = _line({"error": json.loads(problem(504, "deadline-exceeded").body)})
    first = Answer(body=_line(ANSWER | {"index": 0}) + end, cut=True)
    script = Script(first, Answer(body=end, cut=True))

    answers = connect(transport=script, retry=FAST).predict_stream([b"0", b"1"])

    assert next(answers).digit == 7
    with pytest.raises(errors.DeadlineExceeded):
        next(answers)
    assert len(script.received) == 2


def test_a_stream_with_too_many_answers_is_unexpected(connect):
    lines = b"".join(_line(ANSWER | {"index": index}) for index in range(2))

    with pytest.raises(UnexpectedAnswer):
        list(connect(transport=Script(Answer(body=lines))).predict_stream([b"0"]))


@pytest.mark.parametrize("attempt", [1, 2, 3, 4])
def test_waits_double_and_are_random(attempt):
    error = Unreachable("no answer")
    error.__cause__ = BROKEN

    wait = Retry(first_wait=1).wait(attempt, error)

    assert 2 ** (attempt - 1) / 2 <= wait <= 2 ** (attempt - 1)


def test_a_wait_follows_retry_after_up_to_the_limit():
    assert 7 <= FAST.wait(1, _full(7)) <= 7.001
    assert Retry(longest_wait=3, first_wait=10).wait(4, _full(2)) == 3
    assert FAST.wait(1, _full(31)) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("31", 31),
        ("-1", None),
        ("soon", None),
        ("1.5", None),
    ],
)
def test_retry_after_is_a_number(connect, header, seconds):
    script = Script(problem(503, "queue-full", retry_after=header))

    with pytest.raises(errors.QueueFull) as raised:
        connect(transport=script, retry=Retry(attempts=1)).predict(b"7")

    assert raised.value.retry_after == seconds


def test_retry_after_can_be_a_date(connect):
    soon = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    script = Script(problem(503, "queue-full", retry_after=soon))

    with pytest.raises(errors.QueueFull) as raised:
        connect(transport=script, retry=Retry(attempts=1)).predict(b"7")

    assert raised.value.retry_after == pytest.approx(3600, abs=60)


def test_a_stream_that_times_out_is_not_repeated(connect):
    script = Script(httpx.ReadTimeout("slow"))

    with pytest.raises(TimedOut):
        list(connect(transport=script, retry=FAST).predict_stream([b"0"]))

    assert len(script.received) == 1


def test_a_stream_survives_the_death_of_the_workers(start_ready, seven):
    service = start_ready(workers=2)
    images = (seven for _ in range(200))

    with Client(service.url, timeout=60, retry=Retry(attempts=20, longest_wait=2)) as numeral:
        answers = numeral.predict_stream(images, images_per_request=16)
        digits = [next(answers).digit]
        for worker in service.worker_ids():
            os.kill(worker, signal.SIGKILL)
        digits += [answer.digit for answer in answers]

    assert digits == [7] * 200


def _full(retry_after):
    document = Problem(type="/problems/queue-full", title="", status=503, detail="")
    return errors.QueueFull(document, retry_after)


def _line(document):
    return json.dumps(document).encode() + b"\n"


def _lines(request):
    return request.content.splitlines()
