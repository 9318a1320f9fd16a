"""What the Python client raises, and what it says."""

import socket

import pytest

from numeral_client import (
    Client,
    NumeralError,
    ProblemError,
    Retry,
    TimedOut,
    UnexpectedAnswer,
    Unreachable,
    errors,
)
from service.auth.api_keys import Role, new_key
from service.auth.quotas import Quota
from tests.clients.scripted import Answer, problem, scripted


def test_a_problem_is_raised_by_its_kind(numeral, seven):
    with pytest.raises(errors.UnknownModel, match=r"404 Unknown model: .*nobody") as raised:
        numeral.predict(seven, model="nobody", request_id="mine")

    assert raised.value.problem.status == 404
    assert raised.value.problem.request_id == "mine"
    assert "(request mine)" in str(raised.value)


@pytest.mark.parametrize(
    ("image", "kind"),
    [(b"", errors.UnreadableImage), (b"no image", errors.UnsupportedFormat)],
)
def test_an_image_that_cannot_be_read_is_a_problem(numeral, image, kind):
    with pytest.raises(kind):
        numeral.predict(image)


def test_each_fault_of_a_request_is_told(numeral, seven):
    with pytest.raises(errors.InvalidRequest) as raised:
        numeral.predict(seven, max_error=2, preproces="none")

    assert [fault.where for fault in raised.value.problem.errors] == ["preproces"]


def test_a_kind_of_problem_from_a_newer_service_is_a_problem_error(connect):
    with scripted(problem(418, "teapot")) as server, pytest.raises(ProblemError) as raised:
        connect(server.url).models()

    assert type(raised.value) is ProblemError
    assert raised.value.problem.slug == "teapot"


def test_what_a_newer_service_adds_does_not_disturb(connect):
    body = b'{"models":[],"readers":[],"weather":"fine"}'

    with scripted(Answer(200, body)) as server:
        assert connect(server.url).models().models == ()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>"),
        Answer(200, b"[]"),
        Answer(200, b'{"digit": 7}'),
        Answer(404, b"<html>"),
        Answer(500, b"{}", {"Content-Type": "application/problem+json"}),
    ],
)
@pytest.mark.parametrize("call", ["predict", "predict_batch", "predict_stream"])
def test_an_answer_that_is_not_numerals_is_told_as_such(connect, answer, call, seven):
    with scripted(answer) as server, pytest.raises(UnexpectedAnswer) as raised:
        list(getattr(connect(server.url), call)(seven if call == "predict" else [seven]))

    assert raised.value.status == answer.status
    assert str(answer.status) in str(raised.value)


def test_a_service_that_is_not_there_is_unreachable(connect, seven):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    numeral = connect(f"http://127.0.0.1:{port}", retry=Retry(first_wait=0.001))

    for call in (numeral.health, lambda: numeral.predict(seven, request_id="mine")):
        with pytest.raises(Unreachable, match="no answer"):
            call()


def test_a_service_that_does_not_answer_in_time_is_not_asked_again(connect, seven):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        numeral = connect(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.1)
        with pytest.raises(TimedOut, match="request mine"):
            numeral.predict(seven, request_id="mine")
        silent.accept()[0].close()
        silent.settimeout(0)

        with pytest.raises(BlockingIOError):
            silent.accept()


def test_an_address_without_a_scheme_is_told_as_such(connect):
    with pytest.raises(NumeralError, match="unsupported protocol"):
        connect("localhost:8000").health()


def test_a_service_that_is_not_ready_says_why(connect):
    with scripted(problem(503, "not-ready", retry_after="1")) as server:
        health = connect(server.url).health()

    assert not health.ready
    assert health.problem.slug == "not-ready"
    assert len(server.received) == 1


def test_a_key_is_sent_and_missed(connect, start_ready, seven, tmp_path):
    key, record = new_key("teller", Role.PREDICT, Quota.parse("5/day"))
    keys = tmp_path / "keys.jsonl"
    keys.write_text(record.model_dump_json() + "\n")
    url = start_ready(api_keys_file=keys).url

    with pytest.raises(errors.KeyRequired):
        connect(url).predict(seven)
    with pytest.raises(errors.KeyRequired):
        connect(url, api_key="numeral_wrong").predict(seven)
    numeral = connect(url, api_key=key)
    assert numeral.predict(seven).digit == 7
    with pytest.raises(errors.QuotaExceeded) as raised:
        numeral.predict_batch([seven] * 5)
    assert raised.value.retry_after > 0


def test_a_body_that_is_refused_while_it_is_sent_is_told_as_such(connect, start_ready):
    numeral = connect(start_ready(max_body_bytes=100_000).url, retry=Retry(attempts=1))

    for _ in range(20):
        with pytest.raises(errors.BodyTooLarge):
            numeral.predict(bytes(10_000_000))


def test_errors_can_be_caught_as_one_family():
    with Client("http://nowhere.invalid") as numeral, pytest.raises(NumeralError):
        numeral.predict(None)
