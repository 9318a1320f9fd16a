"""A lane past the framework for the paths that a program calls thousands of times a second."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.answers import JsonResponse
from service.api.problems import problem_response

Endpoint = Callable[[Request], Awaitable[Response]]


class Lane:
    """Calls the endpoints of some paths itself; everything else goes on to the framework.

    Matching routes, solving dependencies and closing exit stacks cost as much as half of reading a
    picture (measured), and these endpoints need none of it. The framework has them as routes all
    the same: for the document, and for a method that a path does not have.
    """

    def __init__(self, app: ASGIApp, *, posts: Mapping[str, Endpoint]) -> None:
        """Let POSTs to these paths take the lane, which may have parameters: `/models/{name}`."""
        self.app = app
        self._endpoints = {path: endpoint for path, endpoint in posts.items() if "{" not in path}
        self._templates = [
            (compile_path(path)[0], endpoint) for path, endpoint in posts.items() if "{" in path
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a POST to one of the paths, or hand it on."""
        endpoint = None
        if scope["type"] == "http" and scope["method"] == "POST":
            endpoint = self._endpoints.get(scope["path"]) or self._matching(scope)
        if endpoint is None:
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            await _send(await endpoint(request), scope, receive, send)
        except Exception as error:
            if scope["state"].get("answering"):
                raise
            await _send(await problem_response(request, error), scope, receive, send)

    def _matching(self, scope: Scope) -> Endpoint | None:
        for template, endpoint in self._templates:
            if match := template.match(scope["path"]):
                scope["path_params"] = match.groupdict()
                return endpoint
        return None


async def _send(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if not isinstance(response, JsonResponse):
        await response(scope, receive, send)
        return
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": response.raw_headers,
        }
    )
    await send({"type": "http.response.body", "body": response.body})
