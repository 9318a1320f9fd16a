"""The application as a server calls it, in this process: nothing puts a request right on its way.

An HTTP client would: it rewrites headers and addresses. And there is no server that would turn
an error into an answer.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote

from service.app import create_app
from service.settings import Settings

_PATIENCE_SECONDS = 30

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> object:
        return json.loads(self.body)


class Application:
    """An application that runs, with what its lifespan hands over."""

    def __init__(self, app, runner: asyncio.Runner, state: dict) -> None:
        self._app, self._runner, self._state = app, runner, state

    def ask(
        self,
        method: str,
        path: bytes,
        body: bytes = b"",
        *,
        query: bytes = b"",
        headers: Headers = (),
        pieces: int = 1,
    ) -> Answer:
        """Send a request, its body in so many pieces; the whole answer, which comes in time."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "server": ("127.0.0.1", 8000),
            "client": ("127.0.0.1", 50000),
            "scheme": "http",
            "method": method,
            "root_path": "",
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "headers": [(name.lower(), value) for name, value in headers],
            "state": self._state.copy(),
        }
        return self._runner.run(self._asked(scope, _cut(body, pieces)))

    async def _asked(self, scope, pieces: list[bytes]) -> Answer:
        sent: list[dict] = []
        waiting = list(pieces)
        complete = asyncio.Event()

        async def receive():
            if waiting:
                piece = waiting.pop(0)
                return {"type": "http.request", "body": piece, "more_body": bool(waiting)}
            await complete.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                complete.set()

        async with asyncio.timeout(_PATIENCE_SECONDS):
            await self._app(scope, receive, send)
        start, *rest = sent
        headers = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
        return Answer(start["status"], headers, b"".join(each["body"] for each in rest))


@contextmanager
def running_application(settings: Settings) -> Iterator[Application]:
    """The application between its start and its end."""
    app = create_app(settings, load_first=True)
    state: dict[str, object] = {}
    with asyncio.Runner() as runner:
        received: asyncio.Queue[dict] = asyncio.Queue()
        sent: asyncio.Queue[dict] = asyncio.Queue()

        async def call(message: str, expected: str) -> None:
            await received.put({"type": message})
            answer = await sent.get()
            assert answer["type"] == expected, answer

        async def begin() -> asyncio.Task:
            scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": state}
            lifespan = asyncio.create_task(app(scope, received.get, sent.put))
            await call("lifespan.startup", "lifespan.startup.complete")
            return lifespan

        async def end(lifespan: asyncio.Task) -> None:
            await call("lifespan.shutdown", "lifespan.shutdown.complete")
            await lifespan

        lifespan = runner.run(begin())
        try:
            yield Application(app, runner, state)
        finally:
            runner.run(end(lifespan))


def _cut(body: bytes, pieces: int) -> list[bytes]:
    size = -(-len(body) // pieces) or 1
    return [body[start : start + size] for start in range(0, len(body), size)] or [b""]
