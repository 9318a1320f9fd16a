"""Exceptions of the Python client."""

import socket

import numpy as np
import pytest

from numeral_client import (
    AsyncClient,
    Client,
    ProblemError,
    Retry,
    TimedOut,
    UnexpectedAnswer,
    Unreachable,
    UnusableImage,
    errors,
)
from service.auth.api_keys import Role, new_key
from service.auth.quotas import Quota
from tests.clients.scripted import Answer, Script, problem


def test_a_problem_raises_its_class(numeral, seven):
    with pytest.raises(errors.UnknownModel, match=r"404 Unknown model: .*nobody") as raised:
        numeral.predict(seven, model="nobody", request_id="mine")

    assert raised.value.problem.status == 404
    assert raised.value.problem.request_id == "mine"
    assert "(request mine)" in str(raised.value)


def test_an_invalid_request_lists_its_faults(numeral, seven):
    with pytest.raises(errors.InvalidRequest) as raised:
        numeral.predict(seven, max_error=2, preproces="none")

    assert [fault.where for fault in raised.value.problem.errors] == ["preproces"]


def test_an_unknown_problem_is_a_problem_error(connect):
    with pytest.raises(ProblemError) as raised:
        connect(transport=Script(problem(418, "teapot"))).models()

    assert type(raised.value) is ProblemError
    assert raised.value.problem.slug == "teapot"


def test_unknown_fields_are_ignored(connect):
    body = b'{"models":[],"readers":[],"weather":"fine"}'

    assert connect(transport=Script(Answer(200, body))).models().models == ()


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
def test_an_answer_that_is_not_numerals_is_unexpected(connect, answer, call, seven):
    numeral = connect(transport=Script(answer))

    with pytest.raises(UnexpectedAnswer, match=str(answer.status)) as raised:
        list(getattr(numeral, call)(seven if call == "predict" else [seven]))

    assert raised.value.status == answer.status


def test_a_service_that_does_not_run_is_unreachable(connect, seven):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    numeral = connect(f"http://127.0.0.1:{port}", retry=Retry(first_wait=0.001))

    for call in (numeral.health, lambda: numeral.predict(seven)):
        with pytest.raises(Unreachable, match="no answer"):
            call()


def test_a_timeout_is_not_repeated(connect, seven):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        numeral = connect(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.1)
        with pytest.raises(TimedOut, match="request mine"):
            numeral.predict(seven, request_id="mine")
        silent.accept()[0].close()
        silent.settimeout(0)

        with pytest.raises(BlockingIOError):
            silent.accept()


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize("url", ["localhost:8000", "127.0.0.1:8000", "ftp://host", "http://", ""])
def test_a_url_without_scheme_or_host_fails_at_construction(client, url):
    with pytest.raises(ValueError, match="http://host:port"):
        client(url)


def test_a_service_that_is_not_ready_says_why(connect):
    script = Script(problem(503, "not-ready", retry_after="1"))

    health = connect(transport=script).health()

    assert not health.ready
    assert health.problem.slug == "not-ready"
    assert len(script.received) == 1


def test_keys_and_quotas(connect, start_ready, seven, tmp_path):
    key, record = new_key("teller", Role.PREDICT, Quota.parse("5/day"))
    keys = tmp_path / "keys.jsonl"
    keys.write_text(record.model_dump_json() + "\n")
    url = start_ready(api_keys_file=keys).url

    for wrong in (None, "numeral_wrong"):
        with pytest.raises(errors.KeyRequired):
            connect(url, api_key=wrong).predict(seven)
    numeral = connect(url, api_key=key)
    assert numeral.predict(seven).digit == 7
    with pytest.raises(errors.QuotaExceeded) as raised:
        numeral.predict_batch([seven] * 5)
    assert raised.value.retry_after > 0


def test_a_body_rejected_while_it_is_sent_raises_the_problem(connect, start_ready):
    numeral = connect(start_ready(max_body_bytes=100_000).url, retry=Retry(attempts=1))

    for _ in range(20):
        with pytest.raises(errors.BodyTooLarge):
            numeral.predict(bytes(10_000_000))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (None, "NoneType is no image"),
        (np.zeros((28, 28)), "float64"),
        (np.zeros(28, np.uint8), r"\[28\]"),
        (np.zeros((28, 28, 4), np.uint8), r"\[28, 28, 4\]"),
        (np.zeros((0, 28), np.uint8), r"\[0, 28\]"),
        (np.zeros((1, 28, 28, 1), np.uint8), r"\[1, 28, 28, 1\]"),
    ],
)
def test_what_is_no_image_is_not_sent(connect, image, message):
    with pytest.raises(UnusableImage, match=message):
        connect(transport=Script()).predict(image)


@pytest.mark.parametrize("images", ["7.png", b"7"])
def test_a_single_image_is_no_batch(connect, images):
    with pytest.raises(UnusableImage, match="list"):
        connect(transport=Script()).predict_batch(images)


def test_a_missing_file_is_named(connect):
    with pytest.raises(FileNotFoundError, match=r"no\.png"):
        connect(transport=Script()).predict("no.png")
