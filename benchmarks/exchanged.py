"""How many bytes a request and its answer are on the wire, and a row of a result on the disk."""

import socket
import subprocess
import sys
from math import ceil
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from benchmarks.soak.exchange import answer_in, request

# Ethernet with its gap, preamble and checksum, IPv4, TCP with timestamps; the most that is in one.
_PACKET_BYTES = 38 + 20 + 32
_SEGMENT_BYTES = 1448

_SECONDS = 30


class Exchange(BaseModel):
    """One picture sent and answered.

    Attributes:
        request: bytes of head and body.
        answer: the same.
        row: bytes of the row that `numeral score` writes of it, as JSON.
    """

    model_config = ConfigDict(frozen=True)

    request: int
    answer: int
    row: int

    @property
    def packets(self) -> int:
        """At most: each is acknowledged by one of its own, and not by what goes back anyway."""
        return 2 * (ceil(self.request / _SEGMENT_BYTES) + ceil(self.answer / _SEGMENT_BYTES))

    @property
    def in_bytes(self) -> int:
        """To the service, with what the network adds."""
        return self.request + self.packets // 2 * _PACKET_BYTES

    @property
    def out_bytes(self) -> int:
        """From the service, with what the network adds."""
        return self.answer + self.packets // 2 * _PACKET_BYTES


def exchange(url: str, path: str, picture: Path) -> Exchange:
    """Send a picture to the service at `url`, and score it without."""
    question = request(url, path, picture.read_bytes(), {"Content-Type": "image/png"})
    fields = ["--fields"] if path == "/fields" else []
    scored = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-m", "service.cli", "score", *fields, picture, "--out", "-"],
        capture_output=True,
        check=True,
    )
    return Exchange(request=len(question), answer=_answered(url, question), row=len(scored.stdout))


def _answered(url: str, question: bytes) -> int:
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), _SECONDS) as connection:
        connection.sendall(question)
        data = b""
        while answer_in(data) is None:
            part = connection.recv(65536)
            if not part:
                raise ConnectionError(f"{url} closed the connection in the middle of its answer")
            data += part
    return len(data)
