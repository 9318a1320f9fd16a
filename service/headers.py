"""Security headers on every answer."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.security_headers import PAGES, headers_for, headers_of_page


class SecurityHeaders:
    """Appends the headers that `service.api.security_headers` has for an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on everything, answers with more headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["path"] in PAGES:
            await self.app(scope, receive, _sends_page(send))
            return
        added = headers_for(scope["path"])

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _sends_page(send: Send) -> Send:
    start: Message | None = None

    async def send_page(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            # What the page may run is in its headers, and known once the page is there.
            start = message
            return
        if start is not None:
            added = headers_of_page(message["body"])
            await send({**start, "headers": [*start["headers"], *added]})
            start = None
        await send(message)

    return send_page
