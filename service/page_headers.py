"""Security headers of the pages, which depend on what is in them."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.security_headers import PAGES, headers_of_page


class PageHeaders:
    """Appends the headers that `service.api.security_headers` has for a page."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on everything, pages with more headers."""
        is_page = scope["type"] == "http" and scope["path"] in PAGES
        await self.app(scope, receive, _sends_page(send) if is_page else send)


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
