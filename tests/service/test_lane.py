"""The lane past the framework, and who does not take it."""

import asyncio

import pytest
from starlette.responses import PlainTextResponse, StreamingResponse

from service.api.answers import JsonResponse
from service.errors import MalformedBody
from service.lane import Lane
from tests.service.fakes import silent_metrics


async def framework(scope, receive, send):
    await PlainTextResponse("the framework")(scope, receive, send)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/predict"), ("POST", "/models"), ("POST", "/predict/")]
)
def test_other_requests_go_on_to_the_framework(method, path):
    async def endpoint(_request):
        raise AssertionError

    assert _sent(endpoint, method=method, path=path) == [200, b"the framework"]


def test_an_endpoint_is_called_with_its_request():
    async def endpoint(request):
        return JsonResponse(b'"%s"' % request.url.path.encode())

    assert _sent(endpoint) == [200, b'"/predict"']


def test_a_path_may_have_parameters():
    async def endpoint(request):
        return JsonResponse(b'"%s"' % request.path_params["name"].encode())

    assert _sent(endpoint, path="/models/cnn/infer") == [200, b'"cnn"']


def test_a_response_of_another_kind_sends_itself():
    async def endpoint(_request):
        return StreamingResponse(iter([b"a", b"b"]))

    assert _sent(endpoint) == [200, b"a", b"b", b""]


def test_an_error_is_answered_with_its_problem():
    async def endpoint(_request):
        raise MalformedBody("no image")

    status, body = _sent(endpoint)

    assert status == 400
    assert b"no image" in body


def test_a_fault_is_answered_without_its_text_and_logged_with_it(caplog):
    async def endpoint(_request):
        raise RuntimeError("the password is 1234")

    status, body = _sent(endpoint)

    assert status == 500
    assert b"1234" not in body
    assert "1234" in caplog.text


def test_a_response_that_fails_before_it_begins_is_answered_with_the_problem():
    assert _sent(_answering_with(MalformedBody("no lines"), begun=False))[0] == 400


def test_a_response_that_fails_after_it_has_begun_is_cut_off():
    with pytest.raises(MalformedBody):
        _sent(_answering_with(MalformedBody("no more lines"), begun=True))


def _answering_with(error, *, begun):
    class Failing(PlainTextResponse):
        async def __call__(self, scope, _receive, _send):
            scope["state"]["answering"] = begun
            raise error

    async def endpoint(_request):
        return Failing("")

    return endpoint


def _sent(endpoint, *, method="POST", path="/predict"):
    scope = {
        "type": "http",
        "asgi": {"spec_version": "2.4"},
        "method": method,
        "path": path,
        "scheme": "http",
        "server": ("test", 80),
        "query_string": b"",
        "headers": [],
        "state": {"request_id": "mine", "metrics": silent_metrics()},
    }
    sent = []

    async def receive():
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message.get("status", message.get("body")))

    lane = Lane(framework, posts={"/predict": endpoint, "/models/{name}/infer": endpoint})
    asyncio.run(lane(scope, receive, send))
    return sent
