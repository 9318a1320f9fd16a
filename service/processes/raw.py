"""Answers written as bytes, past the framework."""

from collections.abc import Iterable

from service.api import problems
from service.api.security_headers import SECURITY_HEADERS


def encoded(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """`headers` as they stand in an answer, a line for each."""
    return b"".join(b"%b: %b\r\n" % header for header in headers)


def headers_of_kind(kind: problems.Kind) -> bytes:
    """The headers that all problems of one kind have in common."""
    return encoded(
        [
            (b"content-type", problems.MEDIA_TYPE.encode()),
            *((name.lower().encode(), value.encode()) for name, value in kind.headers.items()),
            *SECURITY_HEADERS,
        ]
    )
