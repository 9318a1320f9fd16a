"""A request over a bare socket, sent and answered piece by piece."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urlsplit

_PATIENCE_SECONDS = 60


def connected(url: str, *, receive_buffer: int | None = None) -> socket.socket:
    """A connection to a service."""
    address = urlsplit(url)
    caller = socket.socket()
    if receive_buffer:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    caller.settimeout(_PATIENCE_SECONDS)
    caller.connect((address.hostname, address.port))
    return caller


@dataclass(frozen=True)
class Stream:
    """A chunked `POST /predict/batch` of NDJSON whose body is being sent."""

    caller: socket.socket
    answer: BinaryIO

    def send(self, *values: object) -> None:
        """Send a line for each of `values`, as one chunk."""
        self.send_bytes("".join(f"{json.dumps(value)}\n" for value in values).encode())

    def send_bytes(self, piece: bytes) -> None:
        self.caller.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))

    def finish(self) -> None:
        self.caller.sendall(b"0\r\n\r\n")

    def begin(self) -> int:
        """Read the head of the answer; its status."""
        status = int(self.answer.readline().split()[1])
        while self.answer.readline().strip():
            pass
        return status

    def chunk(self) -> list[dict[str, object]]:
        """The lines of the next chunk; none at the end."""
        size = int(self.answer.readline(), 16)
        piece = self.answer.read(size)
        self.answer.readline()
        return [json.loads(line) for line in piece.splitlines()]

    def is_cut(self) -> bool:
        """Whether the connection ends here, without the end of the answer."""
        return self.answer.readline() == b""


@contextmanager
def open_stream(url: str, *, receive_buffer: int | None = None) -> Iterator[Stream]:
    """Begin a stream."""
    with connected(url, receive_buffer=receive_buffer) as caller:
        caller.sendall(
            b"POST /predict/batch HTTP/1.1\r\nHost: test\r\nContent-Type: application/x-ndjson\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        with caller.makefile("rb") as answer:
            yield Stream(caller, answer)
