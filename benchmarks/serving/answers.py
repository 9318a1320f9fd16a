"""What servers answer, back to digits: to see that they are right before they are timed."""

import json
from collections.abc import Callable, Mapping

import httpx
import numpy as np

_DIGITS = 10
_WAIT_SECONDS = 60

# From the headers and the body of an answer to the digits in it.
Digits = Callable[[Mapping[str, str], bytes], list[int]]


class WrongAnswer(Exception):
    """A server answers otherwise than the model, or not at all."""


def single(_: Mapping[str, str], body: bytes) -> list[int]:
    """`{"digit": 7, ...}`."""
    return [json.loads(body)["digit"]]


def several(_: Mapping[str, str], body: bytes) -> list[int]:
    """`{"predictions": [{"digit": 7, ...}, ...]}`."""
    return [prediction["digit"] for prediction in json.loads(body)["predictions"]]


def lines(_: Mapping[str, str], body: bytes) -> list[int]:
    """`{"digit": 7, ...}` in each line."""
    return [json.loads(line)["digit"] for line in body.splitlines()]


def listed(_: Mapping[str, str], body: bytes) -> list[int]:
    """`[{"digit": 7, ...}, ...]`."""
    return [prediction["digit"] for prediction in json.loads(body)]


def tensor(headers: Mapping[str, str], body: bytes) -> list[int]:
    """Probabilities [N, 10] in an answer of the Open Inference Protocol, in JSON or binary."""
    length = int(headers.get("Inference-Header-Content-Length", len(body)))
    output = json.loads(body[:length])["outputs"][0]
    values = output.get("data") or np.frombuffer(body[length:], np.float32)
    return np.asarray(values).reshape(-1, _DIGITS).argmax(axis=1).tolist()


def constant(_: Mapping[str, str], __: bytes) -> list[int]:
    """No digits: the answer is always the same."""
    return []


def check(url: str, headers: dict[str, str], body: bytes, digits: Digits, right: list[int]) -> None:
    """Send one request and compare its answer with the `right` digits.

    Raises:
        WrongAnswer: the status is not 200, or a digit is another one.
    """
    try:
        answer = httpx.post(url, content=body, headers=headers, timeout=_WAIT_SECONDS)
    except httpx.HTTPError as error:
        raise WrongAnswer(f"no answer: {error!r}") from error
    if answer.status_code != httpx.codes.OK:
        raise WrongAnswer(f"status {answer.status_code}: {answer.text[:120]}")
    try:
        found = digits(answer.headers, answer.content)
    except (ValueError, LookupError, TypeError) as error:
        raise WrongAnswer(f"an answer of another form: {answer.text[:120]}") from error
    if digits is not constant and found != right:
        raise WrongAnswer(f"read {found[:10]}, where the model reads {right[:10]}")
