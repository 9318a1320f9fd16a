"""Answers written as bytes, past the framework."""

from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from service.api.security import headers_for

RawHeaders = Iterable[tuple[bytes, bytes]]


def encoded(headers: RawHeaders) -> bytes:
    """`headers` as they stand in an answer, a line for each."""
    return b"".join(b"%b: %b\r\n" % header for header in headers)


class Stationery:
    """What all answers of a server begin with."""

    def __init__(self) -> None:
        self._headers: RawHeaders = ()
        self._lines = b""

    def answer(
        self,
        status: int,
        server_headers: list[tuple[bytes, bytes]],
        lines: bytes,
        request_id: bytes,
        body: bytes,
    ) -> bytes:
        """A whole answer.

        Args:
            status: its status.
            server_headers: what the server adds to every answer.
            lines: its own headers as `encoded`, but for its length and its id.
            request_id: its id.
            body: what follows.
        """
        # The server makes a new list of them every second, for the date.
        if self._headers is not server_headers:
            self._headers, self._lines = server_headers, encoded(server_headers)
        return b"%b%b%bcontent-length: %d\r\nx-request-id: %b\r\n\r\n%b" % (
            STATUS_LINE[status],
            self._lines,
            lines,
            len(body),
            request_id,
            body,
        )


SECURITY_LINES = encoded(headers_for("/predict"))
