"""Media types: what a request sends, and what its client accepts."""

import re
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope

from service.errors import NotAcceptable

JSON = "application/json"
CSV = "text/csv"
NDJSON = "application/x-ndjson"
NPY = "application/x-npy"
PNG = "image/png"

BATCH_PATH = "/predict/batch"
FIELDS_BATCH_PATH = "/fields/batch"

_STREAMED_PATHS = frozenset({BATCH_PATH, FIELDS_BATCH_PATH})
_ANYTHING = "*/*"
_WEIGHT = re.compile(r"q\s*=\s*(0(?:\.\d*)?|1(?:\.0*)?)")


def media_type(headers: Headers) -> str:
    """The body's media type, in lower case and without parameters; empty if there is none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def require_json_accepted(request: Request) -> None:
    """Check that the client accepts `application/json`.

    Raises:
        NotAcceptable: the Accept header excludes it.
    """
    negotiate(request.headers, (JSON,))


def batch_answer_type(headers: Headers) -> str:
    """How to answer a batch, JSON or NDJSON; by default NDJSON is answered with NDJSON.

    Raises:
        NotAcceptable: the Accept header excludes both.
    """
    streamed = media_type(headers) == NDJSON
    return negotiate(headers, (NDJSON, JSON) if streamed else (JSON, NDJSON))


def is_streamed(scope: Scope) -> bool:
    """Whether a request is a stream of images of any length."""
    if scope["path"] not in _STREAMED_PATHS:
        return False
    headers = Headers(scope=scope)
    try:
        return media_type(headers) == NDJSON == batch_answer_type(headers)
    except NotAcceptable:
        return False


def negotiate(headers: Headers, offers: Sequence[str]) -> str:
    """Choose the media type of `offers` that the client prefers (RFC 9110, section 12.5.1).

    Of several with the same weight it is the one that is named most exactly, then the first.

    Raises:
        NotAcceptable: the Accept header excludes all of them.
    """
    accept = ", ".join(headers.getlist("accept")) or _ANYTHING
    if accept == _ANYTHING:  # as most clients send it
        return offers[0]
    weights = dict(map(_weighted_range, accept.lower().split(",")))

    def preference(offer: str) -> tuple[float, int]:
        kinds = (offer, offer.partition("/")[0] + "/*", _ANYTHING)
        named = [(weights[kind], -place) for place, kind in enumerate(kinds) if kind in weights]
        return named[0] if named else (0.0, 0)

    best = max(offers, key=preference)
    if not preference(best)[0]:
        raise NotAcceptable(
            f"the answer is {' or '.join(offers)}, the request accepts only {accept[:200]}"
        )
    return best


def _weighted_range(entry: str) -> tuple[str, float]:
    media_range, *parameters = (part.strip() for part in entry.split(";"))
    weight = next((value for value in parameters if re.match(r"q\s*=", value)), "q=1")
    valid = _WEIGHT.fullmatch(weight)
    return media_range, float(valid[1]) if valid else 0.0
