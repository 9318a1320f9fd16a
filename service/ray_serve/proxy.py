"""What stands before the proxies of Ray Serve: its own answers in the service's form."""

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api import problems
from service.api.security import headers_for
from service.errors import NotReady, Stopping

if TYPE_CHECKING:
    from starlette.middleware import Middleware

_REQUEST_ID = b"x-request-id"

# Paths of Ray Serve's own: its routes, and whether the proxy lives.
_OWN_PATHS = "/-/"

_ERRORS = {
    # All paths are the application's, which knows those that there are not: it has been taken away.
    404: Stopping("the service stops; send it again"),
    503: NotReady("no worker is there to answer; send it again"),
}
_UNKNOWN = RuntimeError("Ray Serve could not have it answered")


def middlewares() -> "list[Middleware]":
    """For RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH."""
    from starlette.middleware import Middleware  # noqa: PLC0415 - wanted in the proxies alone

    return [Middleware(OwnAnswers)]


class OwnAnswers:
    """Turns errors of Ray Serve into problems, and leaves one X-Request-ID on each answer.

    The proxy adds the id that it gave or took to every answer. The application's answers carry one
    of their own by then, which is the same, or a sane one in place of a caller's that is not.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on the request, and look at the answer."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        if scope["type"] != "http" or scope["path"].startswith(_OWN_PATHS):
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, receive, send)
        await self._app(scope, receive, answer.send)
        await answer.end()


class _Answer:
    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._begun = self._replaced = False

    async def send(self, message: Message) -> None:
        if self._replaced:
            return
        if message["type"] == "http.response.start":
            self._begun = True
            headers = list(message.get("headers", ()))
            ids = [value for name, value in headers if name.lower() == _REQUEST_ID]
            if len(ids) < 2:
                request_id = ids[0].decode("latin-1") if ids else None
                await self._replace(message["status"], request_id)
                return
            others = [each for each in headers if each[0].lower() != _REQUEST_ID]
            message = {**message, "headers": [*others, (_REQUEST_ID, ids[0])]}
        await self._send(message)

    async def end(self) -> None:
        if not self._begun:
            await self._replace(500, None)

    async def _replace(self, status: int, request_id: str | None) -> None:
        self._replaced = True
        response = _problem(self._scope, _ERRORS.get(status, _UNKNOWN), request_id)
        await response(self._scope, self._receive, self._send)


def _problem(scope: Scope, error: Exception, request_id: str | None) -> Response:
    response = problems.write_problem(scope["path"], error, request_id)
    given = [] if request_id is None else [(_REQUEST_ID, request_id.encode("latin-1"))]
    response.raw_headers = [*response.raw_headers, *headers_for(scope["path"]), *given]
    return response
