"""The service keeps to its own OpenAPI document, whatever is sent (schemathesis)."""

import json

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.app import create_app
from service.settings import Settings

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


document = create_app(Settings()).openapi()


@schemathesis.serializer(
    *("image/bmp", "image/tiff", "image/heic", "image/avif", "application/pdf", "application/x-npy")
)
def as_they_are(_context, value):
    return value


@schemathesis.serializer("application/x-ndjson")
def as_lines(_context, value):
    return value if isinstance(value, str | bytes) else json.dumps(value)


schema = schemathesis.openapi.from_dict(document)


def test_the_service_serves_this_document(server):
    assert httpx.get(f"{server}/openapi.json").json() == document


@schema.parametrize()
@seed(1998)
@settings(
    max_examples=25,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_answers_as_documented(case, server):
    case.call_and_validate(base_url=server, checks=CHECKS)
