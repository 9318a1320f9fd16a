"""A fault of the service under the protocol's paths."""

import asyncio

import httpx

from service.app import create_app
from service.settings import Settings


def test_an_unforeseen_error_is_in_the_protocols_shape():
    app = create_app(Settings())

    @app.get("/v2/broken")
    async def broken() -> None:
        raise RuntimeError("the password is 1234")

    async def ask():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/v2/broken", headers={"X-Request-ID": "mine"})

    response = asyncio.run(ask())

    assert response.status_code == 500
    assert response.json().keys() == {"error"}
    assert response.headers["X-Request-ID"] == "mine"
    assert "1234" not in response.text
