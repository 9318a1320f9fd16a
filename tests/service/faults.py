"""The application around a fault of its own."""

import asyncio

import httpx

from service.app import create_api
from service.enclosure import enclose
from service.parts import Parts
from service.settings import Settings


def answer_to_a_fault(path: str) -> httpx.Response:
    """What a caller with the request id `mine` gets where `path` raises an unforeseen error."""
    parts = Parts.of(Settings())
    api = create_api(parts)

    @api.get(path)
    async def broken() -> None:
        raise RuntimeError("the password is 1234")

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(enclose(api, parts), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(path, headers={"X-Request-ID": "mine"})

    return asyncio.run(ask())
