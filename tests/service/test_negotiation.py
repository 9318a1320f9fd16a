"""The Accept header (RFC 9110, section 12.5.1)."""

import pytest
from starlette.requests import Request

from service.api.errors import NotAcceptable
from service.api.negotiation import require_json_accepted


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


def _request(accept):
    headers = [] if accept is None else [(b"accept", accept.encode())]
    return Request({"type": "http", "headers": headers})
