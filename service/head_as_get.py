"""What HEAD is answered with."""

from starlette.types import ASGIApp, Receive, Scope, Send


class HeadAsGet:
    """Answers HEAD like GET, without the body (RFC 9110, section 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on everything, HEAD as GET."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            # The server sees its own scope and leaves the body out.
            scope = {**scope, "method": "GET"}
        await self.app(scope, receive, send)
