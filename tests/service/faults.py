"""The application with a fault of its own."""

import asyncio

import httpx

from service.app import create_app
from service.settings import Settings


def answer_to_a_fault(path: str, **headers: str) -> httpx.Response:
    """Return the response to a request with the id `mine` where `path` raises an error."""
    app = create_app(Settings(cors_origins=("https://forms.example",)))

    @app.get(path)
    async def broken() -> None:
        raise RuntimeError("the password is 1234")

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(path, headers={"X-Request-ID": "mine", **headers})

    return asyncio.run(ask())
