"""Requests and answers of HTTP/1.1 as bytes, for callers that have no time for a client library."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_RETRY = re.compile(rb"\r\nretry-after: *\d", re.IGNORECASE)
_DIGIT = b'"digit":'
_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Script:
    """What one process says.

    Attributes:
        url: of the service.
        requests: whole requests, sent in turn.
        digits: what the answer to each must say; None where it does not matter.
    """

    url: str
    requests: Sequence[bytes]
    digits: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer.

    Attributes:
        status: its status.
        closes: whether the connection ends with it.
        digit: what was read, `null` included; None where the answer names none.
        says_when: whether it says when to try again.
    """

    status: int
    closes: bool
    digit: str | None
    says_when: bool


def request(
    url: str,
    path: str,
    body: bytes,
    headers: Mapping[str, str] = {},
    *,
    announced: int | None = None,
) -> bytes:
    """A POST of `body`; `announced` is the length it claims, if it lies."""
    length = len(body) if announced is None else announced
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {urlsplit(url).netloc}",
        f"Content-Length: {length}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + _HEAD_END + body


def answer_in(data: bytes) -> Answer | None:
    """The answer that `data` holds, if it is complete.

    Raises:
        ValueError: it is no answer with a Content-Length.
    """
    end = data.find(_HEAD_END)
    if end < 0:
        return None
    length = _LENGTH.search(data, 0, end)
    if not data.startswith(b"HTTP/1.1 ") or not length:
        raise ValueError(f"no answer with a Content-Length: {data[:200]!r}")
    if len(data) < end + len(_HEAD_END) + int(length[1]):
        return None
    return Answer(
        status=int(data[9:12]),
        closes=bool(_CLOSE.search(data, 0, end)),
        digit=_digit(data, end),
        says_when=bool(_RETRY.search(data, 0, end)),
    )


def _digit(data: bytes, start: int) -> str | None:
    at = data.find(_DIGIT, start)
    if at < 0:
        return None
    at += len(_DIGIT)
    return data[at : data.index(b",", at)].decode()
