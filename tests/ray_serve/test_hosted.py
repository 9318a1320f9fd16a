"""The application in a replica: what its requests find, and how they learn that a caller left."""

import asyncio

from service.lifecycle import Lifecycle
from service.ray_serve.hosted import Hosted

REQUEST = {"type": "http", "method": "GET", "path": "/", "headers": []}


def test_a_request_finds_what_the_lifespan_handed_over():
    found = []

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            scope["state"]["engine"] = "an engine"
        else:
            found.append(scope["state"]["engine"])

    async def start_and_ask():
        hosted = Hosted(app, Lifecycle())
        await hosted({"type": "lifespan", "state": {}}, _never, _nowhere)
        await hosted(REQUEST, _never, _nowhere)

    asyncio.run(start_and_ask())

    assert found == ["an engine"]


def test_a_cancellation_is_a_disconnect_and_the_request_ends_by_itself():
    ended = []

    async def app(scope, receive, send):
        ended.append(await receive())

    asyncio.run(_ask_and_cancel(app))

    assert ended == [{"type": "http.disconnect"}]


def test_a_body_whose_rest_cannot_be_had_is_that_of_a_caller_who_has_left():
    heard = []

    async def app(scope, receive, send):
        heard.append(await receive())

    async def fail():
        raise RuntimeError("the task was cancelled")

    asyncio.run(Hosted(app, Lifecycle())(REQUEST, fail, _nowhere))

    assert heard == [{"type": "http.disconnect"}]


def test_answers_ask_to_close_the_connection_while_the_service_drains():
    lifecycle, sent = Lifecycle(), []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def keep(message):
        sent.append(message["headers"])

    hosted = Hosted(app, lifecycle)
    asyncio.run(hosted(REQUEST, _never, keep))
    lifecycle.draining = True
    asyncio.run(hosted(REQUEST, _never, keep))

    assert sent == [[], [(b"connection", b"close")]]


async def _ask_and_cancel(app):
    request = asyncio.ensure_future(Hosted(app, Lifecycle())(REQUEST, _never, _nowhere))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    request.cancel()
    await asyncio.wait([request])
    assert request.cancelled()


async def _never():
    await asyncio.Event().wait()


async def _nowhere(message):
    pass
