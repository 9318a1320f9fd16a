"""A transport that answers by a script, including the ways in which a network fails."""

import json
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field

import httpx

PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Answer(httpx.SyncByteStream, httpx.AsyncByteStream):
    """One response; `cut` breaks the connection after the body."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False

    def __iter__(self) -> Iterator[bytes]:
        yield self.body
        if self.cut:
            raise httpx.RemoteProtocolError("peer closed connection")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk


def problem(status: int, slug: str, **headers: str) -> Answer:
    """A problem; `retry_after="1"` sets the header Retry-After."""
    body = {
        "type": f"/problems/{slug}",
        "title": slug,
        "status": status,
        "detail": "on purpose",
        "request_id": "1",
    }
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(body).encode(), {"Content-Type": PROBLEM} | named)


BROKEN = httpx.ReadError("connection reset")


class Script(httpx.MockTransport):
    """Answers the first request with the first of `script`, and so on; records the requests."""

    def __init__(self, *script: Answer | httpx.TransportError) -> None:
        super().__init__(self._answer)
        self.received: list[httpx.Request] = []
        self._script = deque(script)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.received.append(request)
        answer = self._script.popleft()
        if isinstance(answer, httpx.TransportError):
            raise answer
        return httpx.Response(answer.status, headers=answer.headers, stream=answer)
