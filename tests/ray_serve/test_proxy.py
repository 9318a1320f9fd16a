"""Answers of Ray Serve's own, as callers of the service see them."""

import asyncio

import httpx
import pytest
from starlette.responses import PlainTextResponse

from service.ray_serve.proxy import OwnAnswers


@pytest.mark.parametrize(
    ("own", "status", "kind"),
    [(404, 503, "stopping"), (503, 503, "not-ready"), (500, 500, "internal-error")],
)
def test_an_error_of_ray_serve_becomes_a_problem(own, status, kind):
    answer = _ask("/predict", own, ids=["an-id"])

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == f"/problems/{kind}"
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"] == "an-id"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_who_speaks_the_protocol_gets_its_errors():
    answer = _ask("/v2/health/ready", 503, ids=["an-id"])

    assert answer.json().keys() == {"error"}


def test_a_request_that_ray_serve_leaves_without_an_answer_gets_one():
    async def silent(scope, receive, send):
        await asyncio.sleep(0)

    answer = _get("/models", silent)

    assert answer.status_code == 500
    assert answer.json()["type"] == "/problems/internal-error"


def test_an_answer_without_an_id_is_ray_serves_too():
    answer = _ask("/models", 503, ids=[])

    assert answer.json()["type"] == "/problems/not-ready"


@pytest.mark.parametrize("status", [200, 404, 503])
def test_an_answer_of_the_application_is_left_as_it_is_with_one_id(status):
    answer = _ask("/models", status, ids=["ours", "the-proxys"])

    assert (answer.status_code, answer.text) == (status, "said so")
    assert answer.headers.get_list("X-Request-ID") == ["ours"]


def test_the_proxys_own_paths_are_none_of_the_services():
    answer = _ask("/-/healthz", 503, ids=["an-id"])

    assert (answer.status_code, answer.text) == (503, "said so")


def test_a_web_socket_is_refused():
    sent = []

    async def keep(message):
        sent.append(message)

    asyncio.run(OwnAnswers(None)({"type": "websocket", "path": "/"}, None, keep))

    assert sent == [{"type": "websocket.close"}]


def _ask(path, status, *, ids):
    async def ray_serve(scope, receive, send):
        response = PlainTextResponse("said so", status)
        response.raw_headers += [(b"x-request-id", each.encode()) for each in ids]
        await response(scope, receive, send)

    return _get(path, ray_serve)


def _get(path, ray_serve):
    async def get():
        transport = httpx.ASGITransport(OwnAnswers(ray_serve))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.get(path)

    return asyncio.run(get())
