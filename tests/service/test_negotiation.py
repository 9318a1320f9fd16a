"""The Accept header (RFC 9110, section 12.5.1)."""

import pytest
from starlette.requests import Request

from service.api.negotiation import (
    JSON,
    NDJSON,
    batch_answer_type,
    is_streamed,
    require_json_accepted,
)
from service.errors import NotAcceptable


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        "application/json",
        "APPLICATION/JSON",
        "application/*",
        "text/html, */*;q=0.1",
        "application/json; q=0.5, text/html",
        "*/*;q=0, application/json",
    ],
)
def test_json_is_accepted(accept):
    require_json_accepted(_request(accept))


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/json;q=0",
        "*/*, application/json;q=0",
        "application/jsonx",
        "application/json;q=much",
    ],
)
def test_json_is_not_accepted(accept):
    with pytest.raises(NotAcceptable):
        require_json_accepted(_request(accept))


@pytest.mark.parametrize(
    ("accept", "to_json", "to_lines"),
    [
        (None, JSON, NDJSON),
        ("*/*", JSON, NDJSON),
        ("application/*", JSON, NDJSON),
        ("application/json", JSON, JSON),
        ("application/x-ndjson", NDJSON, NDJSON),
        ("application/json, text/plain, */*", JSON, JSON),
        ("application/json;q=0.5, */*", NDJSON, NDJSON),
        ("application/x-ndjson;q=0.5, application/json", JSON, JSON),
        ("application/json, application/x-ndjson", JSON, NDJSON),
        ("*/*, application/x-ndjson;q=0", JSON, JSON),
        ("application/x-ndjson;q=2, */*;q=0.1", JSON, JSON),
    ],
)
def test_a_batch_is_answered_as_its_caller_likes_best_and_lines_in_lines(accept, to_json, to_lines):
    assert batch_answer_type(_request(accept, JSON).headers) == to_json
    assert batch_answer_type(_request(accept, NDJSON + "; charset=utf-8").headers) == to_lines


def test_several_accept_headers_count_as_one():
    request = _request("text/html", JSON)
    request.scope["headers"].append((b"accept", NDJSON.encode()))

    assert batch_answer_type(request.headers) == NDJSON


@pytest.mark.parametrize(
    ("path", "content_type", "accept", "streamed"),
    [
        ("/predict/batch", NDJSON, None, True),
        ("/predict/batch", NDJSON.upper() + ";x=y", "*/*", True),
        ("/predict/batch", NDJSON, JSON, False),
        ("/predict/batch", NDJSON, "text/html", False),
        ("/predict/batch", JSON, NDJSON, False),
        ("/predict", NDJSON, None, False),
    ],
)
def test_only_lines_that_are_answered_in_lines_are_a_stream(path, content_type, accept, streamed):
    assert is_streamed(_request(accept, content_type).scope | {"path": path}) == streamed


def _request(accept, content_type=JSON):
    headers = [(b"content-type", content_type.encode())]
    if accept is not None:
        headers.append((b"accept", accept.encode()))
    return Request({"type": "http", "headers": headers})
